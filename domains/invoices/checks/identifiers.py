"""Identifiers: bank account, bank, VAT ids and currency can be what they claim to be."""

from agentflow import Problem
from domains.invoices.checks.sources import error_if_printed
from domains.invoices.codes import CURRENCIES, iban_fault, is_bic, is_vat_id, vat_id
from domains.invoices.records import Invoice


def iban_valid(invoice: Invoice) -> list[Problem]:
    """`iban_invalid`: money must not go to an account that cannot exist."""
    fault = iban_fault(invoice.iban) if invoice.iban else None
    if fault is None:
        return []
    return [Problem(code="iban_invalid", path="iban", message=f"The IBAN {invoice.iban} cannot be right: {fault}.")]


def bic_valid(invoice: Invoice) -> list[Problem]:
    """`bic_malformed`: only noted where there is an IBAN, which alone decides where money goes."""
    if not invoice.bic or is_bic(invoice.bic):
        return []
    message = f"The BIC {invoice.bic} does not have the form of one (8 or 11 characters)."
    severity = "note" if invoice.iban else error_if_printed(invoice, "bic")
    return [Problem(code="bic_malformed", path="bic", message=message, severity=severity)]


def vat_ids_valid(invoice: Invoice) -> list[Problem]:
    """`vat_id_malformed`, `vat_id_shared`: errors where read from a page and maybe misread, else notes."""
    found = [_form(invoice, path) for path in ("supplier_vat_id", "buyer_vat_id")]
    return [problem for problem in [*found, _shared(invoice)] if problem]


def currency_known(invoice: Invoice) -> list[Problem]:
    """`currency_unknown` where the currency is not an ISO 4217 code."""
    if not invoice.currency or invoice.currency in CURRENCIES:
        return []
    message = f"{invoice.currency} is not a currency code of ISO 4217 such as EUR."
    return [Problem(code="currency_unknown", path="currency", message=message)]


def _form(invoice: Invoice, path: str) -> Problem | None:
    code: str | None = getattr(invoice, path)
    if not code or is_vat_id(code) is not False:
        return None
    message = f"The VAT id {code} does not have the form of one of {vat_id(code)[:2]}."
    return Problem(code="vat_id_malformed", path=path, message=message, severity=error_if_printed(invoice, path))


def _shared(invoice: Invoice) -> Problem | None:
    if not invoice.supplier_vat_id or not invoice.buyer_vat_id:
        return None
    if vat_id(invoice.supplier_vat_id) != vat_id(invoice.buyer_vat_id):
        return None
    message = f"Supplier and buyer have the same VAT id {invoice.supplier_vat_id}."
    severity = error_if_printed(invoice, "supplier_vat_id")
    return Problem(code="vat_id_shared", path="supplier_vat_id", message=message, severity=severity)
