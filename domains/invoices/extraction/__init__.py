"""The on-device source: reads an invoice from words and boxes, with no model and no network."""

from domains.invoices.extraction.extract import Report as Report
from domains.invoices.extraction.extract import read_invoice as read_invoice
from domains.invoices.extraction.extract import report as report
from domains.invoices.extraction.kind import Kind as Kind
from domains.invoices.extraction.kind import is_invoice as is_invoice
