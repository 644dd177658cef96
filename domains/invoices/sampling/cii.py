"""UN/CEFACT Cross Industry Invoice D16B/D22B as EN 16931-3-3 and Factur-X bind it."""

from datetime import date

from domains.invoices.sampling.bill import Bill, Item, Party, Tax
from domains.invoices.sampling.xmltext import Element, document, el

CORE = "urn:cen.eu:en16931:2017"
BASIC = f"{CORE}#compliant#urn:factur-x.eu:1p0:basic"
XRECHNUNG = f"{CORE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
SPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}


def cii(bill: Bill, *, profile: str = CORE, reference: str = "") -> bytes:
    """The bill as CII; `reference` is the buyer reference (BT-10). The basic profile has no contacts and articles."""
    full = profile != BASIC
    root = el(
        "rsm:CrossIndustryInvoice",
        el("rsm:ExchangedDocumentContext", el("ram:GuidelineSpecifiedDocumentContextParameter", el("ram:ID", profile))),
        el(
            "rsm:ExchangedDocument",
            el("ram:ID", bill.number),
            el("ram:TypeCode", bill.type_code),
            day("ram:IssueDateTime", bill.issued),
            el("ram:IncludedNote", el("ram:Content", bill.note)),
        ),
        el(
            "rsm:SupplyChainTradeTransaction",
            *(_line(bill, i, item, full) for i, item in enumerate(bill.items, 1)),
            _agreement(bill, reference, full),
            _delivery(bill),
            _settlement(bill, full),
        ),
    )
    return document(root, SPACES)


def day(tag: str, value: date | None, prefix: str = "udt") -> Element | None:
    """A date in format 102, CCYYMMDD."""
    return el(tag, el(f"{prefix}:DateTimeString", f"{value:%Y%m%d}", format="102")) if value else None


def _line(bill: Bill, number: int, item: Item, full: bool) -> Element | None:
    tax = _tax_code("ram:ApplicableTradeTax", bill, item.rate)
    total = el("ram:LineTotalAmount", str(bill.line_total(item)))
    return el(
        "ram:IncludedSupplyChainTradeLineItem",
        el("ram:AssociatedDocumentLineDocument", el("ram:LineID", str(number))),
        el(
            "ram:SpecifiedTradeProduct",
            el("ram:SellerAssignedID", item.article if full else ""),
            el("ram:Name", item.text),
        ),
        el(
            "ram:SpecifiedLineTradeAgreement",
            el("ram:NetPriceProductTradePrice", el("ram:ChargeAmount", str(item.price))),
        ),
        el("ram:SpecifiedLineTradeDelivery", el("ram:BilledQuantity", str(item.quantity), unitCode=item.unit)),
        el("ram:SpecifiedLineTradeSettlement", tax, el("ram:SpecifiedTradeSettlementLineMonetarySummation", total)),
    )


def _tax_code(tag: str, bill: Bill, rate: object) -> Element | None:
    code = bill.exempt[0] if bill.exempt else "S"
    return el(tag, el("ram:TypeCode", "VAT"), el("ram:CategoryCode", code), el("ram:RateApplicablePercent", str(rate)))


def _agreement(bill: Bill, reference: str, full: bool) -> Element | None:
    return el(
        "ram:ApplicableHeaderTradeAgreement",
        el("ram:BuyerReference", reference),
        _party("ram:SellerTradeParty", bill.supplier, full),
        _party("ram:BuyerTradeParty", bill.buyer, full),
        el("ram:BuyerOrderReferencedDocument", el("ram:IssuerAssignedID", bill.po or "")),
    )


def _party(tag: str, party: Party, full: bool) -> Element | None:
    contact = el(
        "ram:DefinedTradeContact",
        el("ram:PersonName", party.contact),
        el("ram:TelephoneUniversalCommunication", el("ram:CompleteNumber", party.phone)),
        el("ram:EmailURIUniversalCommunication", el("ram:URIID", party.email)),
    )
    return el(
        tag,
        el("ram:Name", party.name),
        contact if full and party.contact and party.phone else None,
        el("ram:PostalTradeAddress", *_address(party)),
        el("ram:URIUniversalCommunication", el("ram:URIID", party.email, schemeID="EM")),
        el("ram:SpecifiedTaxRegistration", el("ram:ID", party.vat_code, schemeID="VA")),
    )


def _address(party: Party) -> list[Element | None]:
    place = el("ram:CityName", party.town)
    return [
        el("ram:PostcodeCode", party.postcode),
        el("ram:LineOne", party.street),
        place,
        el("ram:CountryID", party.country),
    ]


def _delivery(bill: Bill) -> Element:
    place = el("ram:ShipToTradeParty", el("ram:PostalTradeAddress", *_address(bill.buyer)))
    event = el("ram:ActualDeliverySupplyChainEvent", day("ram:OccurrenceDateTime", bill.delivered))
    within_union = bill.exempt is not None and bill.exempt[0] == "K"
    children = tuple(child for child in (place if within_union else None, event) if child)
    return Element("ram:ApplicableHeaderTradeDelivery", children=children)


def _settlement(bill: Bill, full: bool) -> Element | None:
    invoice = el("ram:InvoiceReferencedDocument", el("ram:IssuerAssignedID", bill.corrects))
    return el(
        "ram:ApplicableHeaderTradeSettlement",
        el("ram:PaymentReference", bill.number),
        el("ram:InvoiceCurrencyCode", bill.currency),
        _payment(bill, full),
        *(_tax(bill, tax) for tax in bill.taxes),
        _allowance(bill),
        el("ram:SpecifiedTradePaymentTerms", day("ram:DueDateDateTime", bill.due)),
        _summation(bill),
        invoice,
    )


def _payment(bill: Bill, full: bool) -> Element | None:
    account = bill.supplier.account
    if not account or not account.iban or not bill.pays:
        return None
    return el(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        el("ram:TypeCode", "58"),
        el(
            "ram:PayeePartyCreditorFinancialAccount",
            el("ram:IBANID", account.iban),
            el("ram:AccountName", bill.supplier.name if full else ""),
        ),
        el("ram:PayeeSpecifiedCreditorFinancialInstitution", el("ram:BICID", account.bic or "" if full else "")),
    )


def _tax(bill: Bill, tax: Tax) -> Element | None:
    return el(
        "ram:ApplicableTradeTax",
        el("ram:CalculatedAmount", str(tax.amount)),
        el("ram:TypeCode", "VAT"),
        el("ram:ExemptionReason", bill.exempt[1] if bill.exempt else ""),
        el("ram:BasisAmount", str(tax.base)),
        el("ram:CategoryCode", tax.category),
        el("ram:RateApplicablePercent", str(tax.rate)),
    )


def _allowance(bill: Bill) -> Element | None:
    if not bill.allowance:
        return None
    return el(
        "ram:SpecifiedTradeAllowanceCharge",
        el("ram:ChargeIndicator", el("udt:Indicator", "false")),
        el("ram:ActualAmount", str(bill.allowance.amount)),
        el("ram:Reason", bill.allowance.reason),
        _tax_code("ram:CategoryTradeTax", bill, bill.allowance.rate),
    )


def _summation(bill: Bill) -> Element | None:
    return el(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        el("ram:LineTotalAmount", str(bill.line_sum)),
        el("ram:AllowanceTotalAmount", str(bill.allowance.amount)) if bill.allowance else None,
        el("ram:TaxBasisTotalAmount", str(bill.net)),
        el("ram:TaxTotalAmount", str(bill.tax), currencyID=bill.currency),
        el("ram:GrandTotalAmount", str(bill.gross)),
        el("ram:TotalPrepaidAmount", str(bill.prepaid)) if bill.prepaid else None,
        el("ram:DuePayableAmount", str(bill.payable)),
    )
