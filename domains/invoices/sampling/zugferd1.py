"""ZUGFeRD 1.0 (2014), profile COMFORT, which invoice programs still send."""

from domains.invoices.sampling.bill import Bill, Item, Party, Tax
from domains.invoices.sampling.cii import day
from domains.invoices.sampling.xmltext import Element, document, el

PROFILE = "urn:ferd:CrossIndustryDocument:invoice:1p0:comfort"
SPACES = {
    "rsm": "urn:ferd:CrossIndustryDocument:invoice:1p0",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15",
}


def zugferd1(bill: Bill) -> bytes:
    """The bill as ZUGFeRD 1 XML."""
    root = el(
        "rsm:CrossIndustryDocument",
        el(
            "rsm:SpecifiedExchangedDocumentContext",
            el("ram:GuidelineSpecifiedDocumentContextParameter", el("ram:ID", PROFILE)),
        ),
        el(
            "rsm:HeaderExchangedDocument",
            el("ram:ID", bill.number),
            el("ram:Name", "RECHNUNG"),
            el("ram:TypeCode", bill.type_code),
            day("ram:IssueDateTime", bill.issued),
            el("ram:IncludedNote", el("ram:Content", bill.note)),
        ),
        el(
            "rsm:SpecifiedSupplyChainTradeTransaction",
            _agreement(bill),
            el("ram:ApplicableSupplyChainTradeDelivery", _delivered(bill)),
            _settlement(bill),
            *(_line(bill, i, item) for i, item in enumerate(bill.items, 1)),
        ),
    )
    return document(root, SPACES)


def _agreement(bill: Bill) -> Element | None:
    return el(
        "ram:ApplicableSupplyChainTradeAgreement",
        _party("ram:SellerTradeParty", bill.supplier),
        _party("ram:BuyerTradeParty", bill.buyer),
        el("ram:BuyerOrderReferencedDocument", el("ram:ID", bill.po or "")),
    )


def _party(tag: str, party: Party) -> Element | None:
    return el(
        tag,
        el("ram:Name", party.name),
        el(
            "ram:PostalTradeAddress",
            el("ram:PostcodeCode", party.postcode),
            el("ram:LineOne", party.street),
            el("ram:CityName", party.town),
            el("ram:CountryID", party.country),
        ),
        el("ram:SpecifiedTaxRegistration", el("ram:ID", party.vat_code, schemeID="VA")),
    )


def _delivered(bill: Bill) -> Element | None:
    return el("ram:ActualDeliverySupplyChainEvent", day("ram:OccurrenceDateTime", bill.delivered))


def _settlement(bill: Bill) -> Element | None:
    return el(
        "ram:ApplicableSupplyChainTradeSettlement",
        el("ram:PaymentReference", bill.number),
        el("ram:InvoiceCurrencyCode", bill.currency),
        _payment(bill),
        *(_tax(bill, tax) for tax in bill.taxes),
        el("ram:SpecifiedTradePaymentTerms", day("ram:DueDateDateTime", bill.due)),
        _summation(bill),
    )


def _payment(bill: Bill) -> Element | None:
    account = bill.supplier.account
    if not account or not account.iban:
        return None
    return el(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        el("ram:TypeCode", "58"),
        el("ram:PayeePartyCreditorFinancialAccount", el("ram:IBANID", account.iban)),
        el("ram:PayeeSpecifiedCreditorFinancialInstitution", el("ram:BICID", account.bic or "")),
    )


def _amount(bill: Bill, tag: str, value: object) -> Element | None:
    return el(tag, str(value), currencyID=bill.currency)


def _tax(bill: Bill, tax: Tax) -> Element | None:
    return el(
        "ram:ApplicableTradeTax",
        _amount(bill, "ram:CalculatedAmount", tax.amount),
        el("ram:TypeCode", "VAT"),
        _amount(bill, "ram:BasisAmount", tax.base),
        el("ram:CategoryCode", tax.category),
        el("ram:ApplicablePercent", str(tax.rate)),
    )


def _summation(bill: Bill) -> Element | None:
    zero = bill.rounded(bill.net * 0)
    return el(
        "ram:SpecifiedTradeSettlementMonetarySummation",
        _amount(bill, "ram:LineTotalAmount", bill.line_sum),
        _amount(bill, "ram:ChargeTotalAmount", zero),
        _amount(bill, "ram:AllowanceTotalAmount", zero),
        _amount(bill, "ram:TaxBasisTotalAmount", bill.net),
        _amount(bill, "ram:TaxTotalAmount", bill.tax),
        _amount(bill, "ram:GrandTotalAmount", bill.gross),
        _amount(bill, "ram:DuePayableAmount", bill.payable),
    )


def _line(bill: Bill, number: int, item: Item) -> Element | None:
    price = el("ram:NetPriceProductTradePrice", _amount(bill, "ram:ChargeAmount", item.price))
    tax = el(
        "ram:ApplicableTradeTax",
        el("ram:TypeCode", "VAT"),
        el("ram:CategoryCode", "S"),
        el("ram:ApplicablePercent", str(item.rate)),
    )
    total = el(
        "ram:SpecifiedTradeSettlementMonetarySummation", _amount(bill, "ram:LineTotalAmount", bill.line_total(item))
    )
    return el(
        "ram:IncludedSupplyChainTradeLineItem",
        el("ram:AssociatedDocumentLineDocument", el("ram:LineID", str(number))),
        el("ram:SpecifiedSupplyChainTradeAgreement", price),
        el("ram:SpecifiedSupplyChainTradeDelivery", el("ram:BilledQuantity", str(item.quantity), unitCode=item.unit)),
        el("ram:SpecifiedSupplyChainTradeSettlement", tax, total),
        el("ram:SpecifiedTradeProduct", el("ram:SellerAssignedID", item.article), el("ram:Name", item.text)),
    )
