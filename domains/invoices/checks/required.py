"""What an invoice must say."""

from agentflow import Problem
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


def _words(path: str) -> str:
    return path.replace("_", " ").replace(".", " ")
