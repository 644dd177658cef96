"""UBL 2.1 invoices and credit notes as invoice records."""

from typing import Any

from domains.invoices.einvoice.tree import Node, day, iban, stated
from domains.invoices.records import Line, Tax

_SUPPLIER = "AccountingSupplierParty/Party"
_CUSTOMER = "AccountingCustomerParty/Party"


def header(root: Node) -> dict[str, Any]:
    """The fields of an invoice, named as in the record (source: EN 16931-3-2, the UBL binding)."""
    return {**_document(root), **_parties(root), **_totals(root), **_payment(root)}


def lines(root: Node) -> list[Line]:
    """The lines in the order of the document."""
    return [_line(node) for node in root.all("InvoiceLine|CreditNoteLine")]


def taxes(root: Node) -> list[Tax]:
    """The VAT breakdown (BG-23)."""
    return [_tax(node) for node in _tax_total(root).all("TaxSubtotal")]


def _document(root: Node) -> dict[str, Any]:
    return {
        "invoice_number": root.text("ID"),
        "type_code": root.text("InvoiceTypeCode", "CreditNoteTypeCode"),
        "issue_date": day(root.text("IssueDate")),
        "due_date": day(root.text("DueDate", "PaymentMeans/PaymentDueDate")),
        "delivery_date": day(root.text("Delivery/ActualDeliveryDate")),
        "currency": root.text("DocumentCurrencyCode"),
        "po_number": root.text("OrderReference/ID"),
    }


def _parties(root: Node) -> dict[str, Any]:
    supplier, customer = root.one(_SUPPLIER), root.one(_CUSTOMER)
    return {
        "supplier_name": _name(supplier),
        "supplier_vat_id": _vat_id(supplier),
        "supplier_address": _address(supplier.one("PostalAddress")),
        "buyer_name": _name(customer),
        "buyer_vat_id": _vat_id(customer),
        "buyer_address": _address(customer.one("PostalAddress")),
    }


def _totals(root: Node) -> dict[str, Any]:
    sums = root.one("LegalMonetaryTotal")
    return {
        "net_total": sums.number("TaxExclusiveAmount"),
        "tax_total": _tax_total(root).number("TaxAmount"),
        "gross_total": sums.number("TaxInclusiveAmount"),
        "prepaid": sums.number("PrepaidAmount"),
        "rounding": sums.number("PayableRoundingAmount"),
        "amount_due": sums.number("PayableAmount"),
    }


def _payment(root: Node) -> dict[str, Any]:
    return {
        "iban": iban(root.all("PaymentMeans/PayeeFinancialAccount/ID")),
        "accounts": stated(root.all("PaymentMeans/PayeeFinancialAccount/ID")),
        "bic": root.text(
            "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID",
            "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/FinancialInstitution/ID",
        ),
        "payment_terms": root.text("PaymentTerms/Note"),
    }


def _tax_total(root: Node) -> Node:
    """The total in the invoice's currency (BT-110); a second one may stand beside it in the accounting currency."""
    currency, totals = root.text("DocumentCurrencyCode"), root.all("TaxTotal")
    same = (total for total in totals if total.one("TaxAmount").attribute("currencyID") in (currency, None))
    return next(same, Node(None))


def _name(party: Node) -> str | None:
    return party.text("PartyLegalEntity/RegistrationName", "PartyName/Name")


def _vat_id(party: Node) -> str | None:
    schemes = party.all("PartyTaxScheme")
    return next((s.text("CompanyID") for s in schemes if (s.text("TaxScheme/ID") or "").upper() == "VAT"), None)


def _address(node: Node) -> str | None:
    place = " ".join(filter(None, (node.text("PostalZone"), node.text("CityName"))))
    street = (node.text("StreetName"), node.text("AdditionalStreetName"), node.text("AddressLine/Line"))
    parts = (*street, place, node.text("CountrySubentity"), node.text("Country/IdentificationCode"))
    return ", ".join(filter(None, parts)) or None


def _line(node: Node) -> Line:
    return Line(
        description=node.text("Item/Name", "Item/Description"),
        quantity=node.number("InvoicedQuantity|CreditedQuantity"),
        unit=node.one("InvoicedQuantity|CreditedQuantity").attribute("unitCode"),
        unit_price=node.number("Price/PriceAmount"),
        line_total=node.number("LineExtensionAmount"),
        tax_rate=node.number("Item/ClassifiedTaxCategory/Percent"),
    )


def _tax(node: Node) -> Tax:
    return Tax(
        rate=node.number("TaxCategory/Percent", "Percent"),
        base=node.number("TaxableAmount"),
        amount=node.number("TaxAmount"),
        category=node.text("TaxCategory/ID"),
    )
