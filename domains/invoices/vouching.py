"""Vouching: what the vendor book says of a supplier that a page was read to name."""

from agentflow import Evidence
from domains.invoices.codes import plain, vat_id
from domains.invoices.connectors.vendors import VendorMatch, Vendors
from domains.invoices.records import Invoice

ON_FILE = 0.995
"""Trust in a value that was read from a page and stands in the book under the vendor that the rest points to."""
ALIKE = 0.85
"""How alike a printed name and the book's must be for the book's spelling to stand for it."""


def vouched(invoice: Invoice, vendors: Vendors) -> Invoice:
    """The reading with what the vendor book confirms trusted more, and the supplier's name as the book spells it.

    A value that differs from the book stays as it was read; the check of vendors tells of it.
    """
    match = vendors.match(invoice)
    if match is None:
        return invoice
    confirmed = _confirmed(invoice, match)
    evidence = {name: _raised(invoice.evidence[name]) for name in confirmed if name in invoice.evidence}
    name = match.vendor.name if "supplier_name" in confirmed else invoice.supplier_name
    return invoice.model_copy(update={"supplier_name": name, "evidence": {**invoice.evidence, **evidence}})


def _confirmed(invoice: Invoice, match: VendorMatch) -> list[str]:
    vendor = match.vendor
    by_code = {
        "supplier_vat_id": vat_id(invoice.supplier_vat_id or "") in vendor.vat_ids,
        "iban": plain(invoice.iban or "") in vendor.ibans,
        "currency": invoice.currency in vendor.currencies,
    }
    registered = by_code["supplier_vat_id"] or by_code["iban"]
    alike = match.likeness is not None and match.likeness >= ALIKE
    by_name = {"supplier_name": alike and (registered or match.likeness == 1)}
    return [name for name, holds in (by_code | by_name).items() if holds]


def _raised(evidence: Evidence) -> Evidence:
    return evidence.model_copy(update={"trust": max(evidence.trust, ON_FILE)})
