"""E-invoices: parsed, never guessed, checked against EN 16931 with the official rules and against their page."""

from domains.invoices.einvoice.agreement import disagreements as disagreements
from domains.invoices.einvoice.reading import parse as parse
from domains.invoices.einvoice.rules import Rules as Rules
from domains.invoices.einvoice.tree import Syntax as Syntax
from domains.invoices.einvoice.tree import XmlError as XmlError
from domains.invoices.einvoice.tree import sniff as sniff
