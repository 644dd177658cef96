"""Checks of an invoice: pure functions of the record that yield problems."""

from domains.invoices.checks.dates import dates_in_order as dates_in_order
from domains.invoices.checks.explained import line_prices_explained as line_prices_explained
from domains.invoices.checks.explained import lines_explained as lines_explained
from domains.invoices.checks.grounding import grounded as grounded
from domains.invoices.checks.identifiers import bic_valid as bic_valid
from domains.invoices.checks.identifiers import currency_known as currency_known
from domains.invoices.checks.identifiers import iban_valid as iban_valid
from domains.invoices.checks.identifiers import vat_ids_valid as vat_ids_valid
from domains.invoices.checks.identities import due_follows as due_follows
from domains.invoices.checks.identities import line_totals as line_totals
from domains.invoices.checks.identities import lines_add_up as lines_add_up
from domains.invoices.checks.identities import signs as signs
from domains.invoices.checks.identities import tax_bases_add_up as tax_bases_add_up
from domains.invoices.checks.identities import tax_rows_add_up as tax_rows_add_up
from domains.invoices.checks.identities import tax_rows_hold as tax_rows_hold
from domains.invoices.checks.identities import totals_add_up as totals_add_up
from domains.invoices.checks.required import SIDELINES as SIDELINES
from domains.invoices.checks.required import complete as complete
