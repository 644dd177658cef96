"""Sources: whether a value was copied letter by letter, or read from a page where it may be misread."""

from agentflow import Severity
from domains.invoices.records import Invoice

EXACT = frozenset(("xml", "person"))
"""Sources that say a value letter by letter."""


def printed(invoice: Invoice, path: str) -> bool:
    """Whether a value was read from a page; a value without evidence was not."""
    found = invoice.evidence.get(path)
    return found is not None and found.source not in EXACT


def error_if_printed(invoice: Invoice, path: str) -> Severity:
    """What looks odd is an error where it may be misread, and only noted where it stands so in the XML."""
    return "error" if printed(invoice, path) else "note"
