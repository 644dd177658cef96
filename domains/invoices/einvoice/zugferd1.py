"""A few rules for ZUGFeRD 1, which has no official EN 16931 ones: each mirrors one of EN 16931, number and all."""

from collections.abc import Iterator
from decimal import Decimal

from domains.invoices.codes import CURRENCIES
from domains.invoices.einvoice import cii
from domains.invoices.einvoice.reading import parse
from domains.invoices.einvoice.schematron import Fired
from domains.invoices.einvoice.tree import Node, read
from domains.invoices.records import Invoice, Tax

_REQUIRED = {
    "ZF1-02": ("invoice_number", "invoice number (BT-1)"),
    "ZF1-03": ("issue_date", "invoice issue date (BT-2)"),
    "ZF1-04": ("type_code", "invoice type code (BT-3)"),
    "ZF1-05": ("currency", "invoice currency code (BT-5)"),
    "ZF1-06": ("supplier_name", "seller name (BT-27)"),
    "ZF1-07": ("buyer_name", "buyer name (BT-44)"),
    "ZF1-13": ("net_total", "total without VAT (BT-109)"),
    "ZF1-14": ("gross_total", "total with VAT (BT-112)"),
    "ZF1-16": ("lines", "invoice lines (BG-25), at least one"),
}
_TYPES = frozenset(("84", "380", "381", "384", "389", "386", "326", "875", "876", "877"))
_CATEGORIES = frozenset(("S", "Z", "E", "AE", "IC", "K", "G", "O", "L", "M", "A", "AA", "AB", "AC", "B", "C", "D", "H"))
_CENT = Decimal("0.01")
_NOTHING = Decimal()


def fired(xml: bytes) -> list[Fired]:
    """The rules that a ZUGFeRD 1 document breaks.

    Raises XmlError where the XML is not safe to read.
    """
    tree, _ = read(xml)
    invoice, sums = parse(xml), cii.sums(Node(tree))
    return [*_missing(invoice), *_codes(invoice), *_lines(invoice, sums), *_totals(invoice), *_taxes(invoice)]


def _missing(invoice: Invoice) -> Iterator[Fired]:
    for rule, (field, words) in _REQUIRED.items():
        if getattr(invoice, field) in (None, []):
            yield rule, "fatal", f"An invoice shall have the {words}"


def _codes(invoice: Invoice) -> Iterator[Fired]:
    if invoice.type_code and invoice.type_code not in _TYPES:
        yield "ZF1-CL-01", "fatal", "The invoice type code (BT-3) shall be one of UNTDID 1001"
    if invoice.currency and invoice.currency not in CURRENCIES:
        yield "ZF1-CL-04", "fatal", "The invoice currency code (BT-5) shall be one of ISO 4217"
    if any(tax.category and tax.category not in _CATEGORIES for tax in invoice.taxes):
        yield "ZF1-CL-17", "fatal", "A VAT category code (BT-118) shall be one of UNCL 5305"


def _lines(invoice: Invoice, sums: Node) -> Iterator[Fired]:
    """The lines against their sum; the first drafts of ZUGFeRD 1 count VAT in, which is told but no fault."""
    stated = sums.number("LineTotalAmount")
    lines = [line.line_total for line in invoice.lines if line.line_total is not None]
    if stated is None:
        return
    if len(lines) == len(invoice.lines) > 0 and _differ(stated, sum(lines, _NOTHING)):
        with_tax = not _differ(invoice.gross_total, sum(lines, _NOTHING))
        text = "The sum of the lines (BT-106) shall be what the lines add up to"
        yield "ZF1-CO-10", "warning" if with_tax else "fatal", text
    charges = (sums.number("ChargeTotalAmount") or 0) - (sums.number("AllowanceTotalAmount") or 0)
    if _differ(invoice.net_total, stated + charges):
        yield "ZF1-CO-13", "fatal", "Total without VAT (BT-109) = lines (BT-106) - allowances + charges"


def _totals(invoice: Invoice) -> Iterator[Fired]:
    net, tax, gross = invoice.net_total, invoice.tax_total or _NOTHING, invoice.gross_total
    if net is not None and _differ(gross, net + tax):
        yield "ZF1-CO-15", "fatal", "Total with VAT (BT-112) = total without VAT (BT-109) + VAT (BT-110)"
    settled = (invoice.rounding or _NOTHING) - (invoice.prepaid or _NOTHING)
    if gross is not None and _differ(invoice.amount_due, gross + settled):
        yield "ZF1-CO-16", "fatal", "Amount due (BT-115) = total with VAT (BT-112) - paid + rounding"


def _taxes(invoice: Invoice) -> Iterator[Fired]:
    amounts = [tax.amount or _NOTHING for tax in invoice.taxes]
    if amounts and _differ(invoice.tax_total, sum(amounts, _NOTHING)):
        yield "ZF1-CO-14", "fatal", "The total VAT (BT-110) shall be what the VAT breakdown (BG-23) adds up to"
    if any(_misses(tax) for tax in invoice.taxes):
        yield "ZF1-CO-17", "fatal", "VAT of a category (BT-117) = its taxable amount (BT-116) x its rate (BT-119)"


def _misses(tax: Tax) -> bool:
    """Whether a row of the breakdown is off by more than one unit, the tolerance of BR-CO-17."""
    if tax.base is None or tax.rate is None or tax.amount is None:
        return False
    return abs(tax.base * tax.rate / 100 - tax.amount) > 1


def _differ(stated: Decimal | None, computed: Decimal) -> bool:
    return stated is not None and abs(stated - computed) >= _CENT
