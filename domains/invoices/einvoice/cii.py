"""UN/CEFACT Cross Industry Invoices (Factur-X, ZUGFeRD 2, XRechnung) and ZUGFeRD 1 as invoice records."""

from typing import Any

from domains.invoices.einvoice.tree import Node, day, decimal, iban, stated
from domains.invoices.records import Line, Tax

# ZUGFeRD 1 is an earlier draft of the same model: a step `new|old` names an element in both.
_TRADE = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = f"{_TRADE}/ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = f"{_TRADE}/ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = f"{_TRADE}/ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMS = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_MEANS = "SpecifiedTradeSettlementPaymentMeans"
_LINE_AGREEMENT = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement"
_LINE_DELIVERY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_SUMS = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_RATE = "RateApplicablePercent|ApplicablePercent"


def header(root: Node) -> dict[str, Any]:
    """The fields of an invoice, named as in the record (source: EN 16931-3-3, the CII binding)."""
    settlement = root.one(_SETTLEMENT)
    return {**_document(root, settlement), **_parties(root), **_totals(settlement), **_payment(settlement)}


def lines(root: Node) -> list[Line]:
    """The lines in the order of the document."""
    return [_line(node) for node in root.all(f"{_TRADE}/IncludedSupplyChainTradeLineItem")]


def taxes(root: Node) -> list[Tax]:
    """The VAT breakdown (BG-23)."""
    return [_tax(node) for node in root.all(f"{_SETTLEMENT}/ApplicableTradeTax")]


def _document(root: Node, settlement: Node) -> dict[str, Any]:
    document = root.one("ExchangedDocument|HeaderExchangedDocument")
    event = f"{_DELIVERY}/ActualDeliverySupplyChainEvent/OccurrenceDateTime"
    return {
        "invoice_number": document.text("ID"),
        "type_code": document.text("TypeCode"),
        "issue_date": day(_date(document, "IssueDateTime")),
        "due_date": day(_date(settlement, "SpecifiedTradePaymentTerms/DueDateDateTime")),
        "delivery_date": day(_date(root, event)),
        "currency": settlement.text("InvoiceCurrencyCode"),
        "po_number": root.text(
            f"{_AGREEMENT}/BuyerOrderReferencedDocument/IssuerAssignedID",
            f"{_AGREEMENT}/BuyerOrderReferencedDocument/ID",
        ),
    }


def _parties(root: Node) -> dict[str, Any]:
    seller, buyer = root.one(f"{_AGREEMENT}/SellerTradeParty"), root.one(f"{_AGREEMENT}/BuyerTradeParty")
    return {
        "supplier_name": seller.text("Name"),
        "supplier_vat_id": _vat_id(seller),
        "supplier_address": _address(seller.one("PostalTradeAddress")),
        "buyer_name": buyer.text("Name"),
        "buyer_vat_id": _vat_id(buyer),
        "buyer_address": _address(buyer.one("PostalTradeAddress")),
    }


def sums(root: Node) -> Node:
    """The element with the totals."""
    return root.one(f"{_SETTLEMENT}/{_SUMS}")


def _totals(settlement: Node) -> dict[str, Any]:
    sums = settlement.one(_SUMS)
    return {
        "net_total": sums.number("TaxBasisTotalAmount"),
        "tax_total": decimal(_tax_total(settlement, sums).own),
        "gross_total": sums.number("GrandTotalAmount"),
        "prepaid": sums.number("TotalPrepaidAmount"),
        "rounding": sums.number("RoundingAmount"),
        "amount_due": sums.number("DuePayableAmount"),
    }


def _payment(settlement: Node) -> dict[str, Any]:
    payees = settlement.all(f"{_MEANS}/PayeePartyCreditorFinancialAccount")
    # Beside an IBAN the proprietary number is the same account in the bank's own words.
    accounts = [(payee.all("IBANID") or payee.all("ProprietaryID") or [Node(None)])[0] for payee in payees]
    return {
        "iban": iban(accounts),
        "accounts": stated(accounts),
        "bic": settlement.text(f"{_MEANS}/PayeeSpecifiedCreditorFinancialInstitution/BICID"),
        "payment_terms": settlement.text("SpecifiedTradePaymentTerms/Description"),
    }


def _tax_total(settlement: Node, sums: Node) -> Node:
    """The total in the invoice's currency (BT-110); a second one may stand beside it in the accounting currency."""
    currency, totals = settlement.text("InvoiceCurrencyCode"), sums.all("TaxTotalAmount")
    same = (total for total in totals if total.attribute("currencyID") in (currency, None))
    return next(same, Node(None))


def _date(node: Node, path: str) -> str | None:
    return node.text(f"{path}/DateTimeString", f"{path}/DateTime")


def _vat_id(party: Node) -> str | None:
    ids = party.all("SpecifiedTaxRegistration/ID")
    return next((node.own for node in ids if (node.attribute("schemeID") or "").upper() == "VA"), None)


def _address(node: Node) -> str | None:
    place = " ".join(filter(None, (node.text("PostcodeCode"), node.text("CityName"))))
    street = (node.text("LineOne"), node.text("LineTwo"), node.text("LineThree"))
    parts = (*street, place, node.text("CountrySubDivisionName"), node.text("CountryID"))
    return ", ".join(filter(None, parts)) or None


def _line(node: Node) -> Line:
    settlement, quantity = node.one(_LINE_SETTLEMENT), f"{_LINE_DELIVERY}/BilledQuantity"
    return Line(
        description=node.text("SpecifiedTradeProduct/Name", "SpecifiedTradeProduct/Description"),
        quantity=node.number(quantity),
        unit=node.one(quantity).attribute("unitCode"),
        unit_price=node.number(f"{_LINE_AGREEMENT}/NetPriceProductTradePrice/ChargeAmount"),
        line_total=settlement.number(f"{_LINE_SUMS}/LineTotalAmount"),
        tax_rate=settlement.number(f"ApplicableTradeTax/{_RATE}"),
    )


def _tax(node: Node) -> Tax:
    return Tax(
        rate=node.number(_RATE),
        base=node.number("BasisAmount"),
        amount=node.number("CalculatedAmount"),
        category=node.text("CategoryCode"),
    )
