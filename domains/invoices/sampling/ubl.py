"""UBL 2.1: Invoice and CreditNote as EN 16931-3-2 binds them."""

from domains.invoices.sampling.bill import Bill, Item, Party, Tax
from domains.invoices.sampling.xmltext import Element, document, el

CORE = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{CORE}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
PEPPOL = f"{CORE}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
COMMON = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def ubl(bill: Bill, *, profile: str = CORE, reference: str = "") -> bytes:
    """The bill as UBL; `reference` is the buyer reference (BT-10) that XRechnung asks for."""
    kind = "Invoice" if bill.type_code == "380" else "CreditNote"
    root = el(
        kind,
        el("cbc:CustomizationID", profile),
        el("cbc:ProfileID", PROCESS) if profile != CORE else None,
        *_head(bill, kind, reference),
        el("cac:AccountingSupplierParty", _party(bill.supplier)),
        el("cac:AccountingCustomerParty", _party(bill.buyer)),
        el("cac:Delivery", el("cbc:ActualDeliveryDate", str(bill.delivered or "")), _delivery_place(bill)),
        _payment(bill),
        el("cac:PaymentTerms", el("cbc:Note", f"{bill.due}" if bill.due and kind == "CreditNote" else "")),
        _allowance(bill),
        _tax_total(bill),
        _monetary_total(bill),
        *(_line(bill, kind, i, item) for i, item in enumerate(bill.items, 1)),
    )
    return document(root, {"": f"urn:oasis:names:specification:ubl:schema:xsd:{kind}-2", **COMMON})


def _head(bill: Bill, kind: str, reference: str) -> list[Element | None]:
    return [
        el("cbc:ID", bill.number),
        el("cbc:IssueDate", str(bill.issued)),
        el("cbc:DueDate", str(bill.due)) if bill.due and kind == "Invoice" else None,
        el(f"cbc:{kind}TypeCode", bill.type_code),
        el("cbc:Note", bill.note),
        el("cbc:DocumentCurrencyCode", bill.currency),
        el("cbc:BuyerReference", reference),
        el("cac:OrderReference", el("cbc:ID", bill.po or "")),
        el("cac:BillingReference", el("cac:InvoiceDocumentReference", el("cbc:ID", bill.corrects))),
    ]


def _party(party: Party) -> Element | None:
    return el(
        "cac:Party",
        el("cbc:EndpointID", party.email, schemeID="EM"),
        el("cac:PartyName", el("cbc:Name", party.name)),
        el("cac:PostalAddress", *_address(party)),
        el("cac:PartyTaxScheme", el("cbc:CompanyID", party.vat_code), _scheme("VAT")) if party.vat_id else None,
        el("cac:PartyLegalEntity", el("cbc:RegistrationName", party.name)),
        el(
            "cac:Contact",
            el("cbc:Name", party.contact),
            el("cbc:Telephone", party.phone),
            el("cbc:ElectronicMail", party.email),
        ),
    )


def _address(party: Party) -> list[Element | None]:
    country = el("cac:Country", el("cbc:IdentificationCode", party.country))
    return [
        el("cbc:StreetName", party.street),
        el("cbc:CityName", party.town),
        el("cbc:PostalZone", party.postcode),
        country,
    ]


def _delivery_place(bill: Bill) -> Element | None:
    """EN 16931 wants the deliver-to country for a supply within the Union (BR-IC-12)."""
    if not bill.exempt or bill.exempt[0] != "K":
        return None
    return el("cac:DeliveryLocation", el("cac:Address", *_address(bill.buyer)))


def _scheme(code: str) -> Element | None:
    return el("cac:TaxScheme", el("cbc:ID", code))


def _payment(bill: Bill) -> Element | None:
    account = bill.supplier.account
    if not account or not account.iban or not bill.pays:
        return None
    payee = el(
        "cac:PayeeFinancialAccount",
        el("cbc:ID", account.iban),
        el("cbc:Name", bill.supplier.name),
        el("cac:FinancialInstitutionBranch", el("cbc:ID", account.bic or "")),
    )
    code = "58" if bill.currency == "EUR" else "30"
    return el("cac:PaymentMeans", el("cbc:PaymentMeansCode", code), el("cbc:PaymentID", bill.number), payee)


def _amount(bill: Bill, tag: str, value: object) -> Element | None:
    return el(tag, str(value), currencyID=bill.currency)


def _category(tag: str, bill: Bill, rate: object, reason: str = "") -> Element | None:
    code = bill.exempt[0] if bill.exempt else "S"
    return el(
        tag, el("cbc:ID", code), el("cbc:Percent", str(rate)), el("cbc:TaxExemptionReason", reason), _scheme("VAT")
    )


def _allowance(bill: Bill) -> Element | None:
    if not bill.allowance:
        return None
    return el(
        "cac:AllowanceCharge",
        el("cbc:ChargeIndicator", "false"),
        el("cbc:AllowanceChargeReason", bill.allowance.reason),
        _amount(bill, "cbc:Amount", bill.allowance.amount),
        _category("cac:TaxCategory", bill, bill.allowance.rate),
    )


def _tax_total(bill: Bill) -> Element | None:
    return el("cac:TaxTotal", _amount(bill, "cbc:TaxAmount", bill.tax), *(_subtotal(bill, tax) for tax in bill.taxes))


def _subtotal(bill: Bill, tax: Tax) -> Element | None:
    return el(
        "cac:TaxSubtotal",
        _amount(bill, "cbc:TaxableAmount", tax.base),
        _amount(bill, "cbc:TaxAmount", tax.amount),
        _category("cac:TaxCategory", bill, tax.rate, bill.exempt[1] if bill.exempt else ""),
    )


def _monetary_total(bill: Bill) -> Element | None:
    return el(
        "cac:LegalMonetaryTotal",
        _amount(bill, "cbc:LineExtensionAmount", bill.line_sum),
        _amount(bill, "cbc:TaxExclusiveAmount", bill.net),
        _amount(bill, "cbc:TaxInclusiveAmount", bill.gross),
        _amount(bill, "cbc:AllowanceTotalAmount", bill.allowance.amount) if bill.allowance else None,
        _amount(bill, "cbc:PrepaidAmount", bill.prepaid) if bill.prepaid else None,
        _amount(bill, "cbc:PayableAmount", bill.payable),
    )


def _line(bill: Bill, kind: str, number: int, item: Item) -> Element | None:
    quantity = "cbc:InvoicedQuantity" if kind == "Invoice" else "cbc:CreditedQuantity"
    return el(
        f"cac:{kind}Line",
        el("cbc:ID", str(number)),
        el(quantity, str(item.quantity), unitCode=item.unit),
        _amount(bill, "cbc:LineExtensionAmount", bill.line_total(item)),
        el(
            "cac:Item",
            el("cbc:Name", item.text),
            el("cac:SellersItemIdentification", el("cbc:ID", item.article)),
            _category("cac:ClassifiedTaxCategory", bill, item.rate),
        ),
        el("cac:Price", _amount(bill, "cbc:PriceAmount", item.price)),
    )
