"""What an invoice must say, and how sure of it one must be."""

from collections.abc import Callable

from agentflow import Problem, Severity
from domains.invoices.records import Invoice

REQUIRED = ("supplier_name", "invoice_number", "issue_date", "currency", "gross_total")
"""Without these nothing can be booked."""

SIDELINES = ("supplier_address", "buyer_address", "delivery_date", "payment_terms", "bic")
"""What no booking or payment turns on."""


def complete(invoice: Invoice) -> list[Problem]:
    """`field_missing` for every required field that is not there."""
    return [
        Problem(code="field_missing", path=name, message=f"The {_words(name)} is not known; a booking needs it.")
        for name in REQUIRED
        if getattr(invoice, name) in (None, "")
    ]


def confident(bar: float) -> Callable[[Invoice], list[Problem]]:
    """A check: `low_confidence` for every filled field whose evidence is trusted less than `bar` (0 to 1).

    A value without evidence counts as not trusted at all. What stands in a line is only noted, since the totals vouch
    for it, and so are addresses, terms and the like, which no booking turns on.
    """

    def low(invoice: Invoice) -> list[Problem]:
        heads = {name: _trust(invoice, name) for name in _filled(invoice)}
        lines = {path: found.trust for path, found in invoice.evidence.items() if path.startswith(("lines.", "taxes."))}
        unsure = [(path, trust) for path, trust in (heads | lines).items() if trust < bar]
        return [_doubt(path, trust, bar) for path, trust in unsure]

    return low


def _filled(invoice: Invoice) -> list[str]:
    parts = {"lines", "taxes", "evidence", "accounts"}
    return [name for name, value in invoice if name not in parts and value not in (None, "")]


def _trust(invoice: Invoice, path: str) -> float:
    found = invoice.evidence.get(path)
    return found.trust if found else 0.0


def _doubt(path: str, trust: float, bar: float) -> Problem:
    message = f"The {_words(path)} is trusted {trust:.2f}, less than the {bar:.2f} that goes without a person."
    return Problem(code="low_confidence", path=path, message=message, severity=_severity(path))


def _severity(path: str) -> Severity:
    return "note" if "." in path or path in SIDELINES else "error"


def _words(path: str) -> str:
    return path.replace("_", " ").replace(".", " ")
