"""What all layouts share: a bill on its sheet, its label-value pairs, its totals, its table down the pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from domains.invoices.sampling.bill import Bill, Party
from domains.invoices.sampling.notation import NOTATIONS, Notation
from domains.invoices.sampling.sheet import A4, Sheet
from domains.invoices.sampling.table import Column, Style, Table

Pair = tuple[str, str]
Extra = Callable[[Sheet], None]


@dataclass(frozen=True)
class Form:
    """A supplier's stationery: how its invoices look."""

    draw: "Callable[[Paper], None]"
    notation: str
    columns: tuple[Column, ...]
    style: Style = field(default_factory=Style)
    family: str = "sans"
    size: tuple[float, float] = A4
    accent: str = "#1a1a1a"


@dataclass
class Paper:
    """One bill being set on a form; `of` is the number of pages it takes."""

    sheet: Sheet
    bill: Bill
    form: Form
    notation: Notation
    of: int

    def money(self, value: Decimal) -> str:
        """With the currency's symbol, as this form writes it."""
        return self.notation.amount(self.bill.rounded(value), self.bill.currency)

    @property
    def title(self) -> str:
        """Invoice or credit note."""
        return self.notation[self.bill.type_code]

    @property
    def folio(self) -> str:
        """Page n of m."""
        return self.notation["page"].format(n=self.sheet.number, of=self.of)

    @property
    def terms(self) -> str:
        """The sentence that says when to pay, or that nothing is to be paid."""
        bill, words = self.bill, self.notation
        if bill.type_code == "381":
            return words["refund"].format(gross=self.money(bill.gross))
        return words["terms"].format(due=words.date(bill.due)) if bill.due else ""


def typeset(form: Form, bill: Bill, extra: Extra | None = None) -> bytes:
    """The bill as PDF; `extra` draws on the first page too. Set twice, as page numbers name the last page."""
    pages = _set(form, bill, None, 1).number
    return _set(form, bill, extra, pages).pdf()


def _set(form: Form, bill: Bill, extra: Extra | None, of: int) -> Sheet:
    sheet = Sheet(f"{bill.supplier.name} {bill.number}", family=form.family, size=form.size, accent=form.accent)
    if extra:
        extra(sheet)
    form.draw(Paper(sheet, bill, form, NOTATIONS[form.notation], of))
    return sheet


def facts(paper: Paper, *keys: str) -> list[Pair]:
    """Label and value of the header facts named, without those the bill does not have."""
    bill, words = paper.bill, paper.notation
    number = "number_381" if bill.type_code == "381" and "number_381" in words.words else "number"
    known = {
        "number": (words[number], bill.number),
        "date": (words["date"], words.date(bill.issued)),
        "due": (words["due"], words.date(bill.due) if bill.due else ""),
        "delivered": (words["delivered"], words.date(bill.delivered) if bill.delivered else ""),
        "customer": (words["customer"], bill.customer),
        "po": (words["po"], bill.po or ""),
        "vat_id": (words["vat_id"], bill.supplier.vat_id or ""),
        "buyer_vat_id": (words["vat_id"], bill.buyer.vat_id or ""),
    }
    pairs = [known[key] for key in keys if known[key][1]]
    return pairs + ([(words["corrects"], bill.corrects)] if bill.corrects and "number" in keys else [])


def totals(paper: Paper) -> list[Pair]:
    """Net, tax by rate, gross; discount and deposit where there are any. The last row is what is due."""
    bill, words = paper.bill, paper.notation
    rows: list[Pair] = []
    if bill.allowance:
        rows += [
            (words["line_sum"], paper.money(bill.line_sum)),
            (bill.allowance.reason, paper.money(-bill.allowance.amount)),
        ]
    rows.append((words["net"], paper.money(bill.net)))
    for tax in bill.taxes:
        label = words["tax"].format(rate=words.number(tax.rate.normalize()), base=paper.money(tax.base))
        rows.append((label, paper.money(tax.amount)))
    rows.append((words["gross"], paper.money(bill.gross)))
    if bill.prepaid:
        rows += [(words["prepaid"], paper.money(-bill.prepaid)), (words["payable"], paper.money(bill.payable))]
    return rows


def address(party: Party, *, country: str = "") -> list[str]:
    """Name, street, town and, for mail from abroad, the country."""
    return [party.name, party.street, party.city, country]


def grouped(code: str) -> str:
    """An IBAN in groups of four, as printed."""
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def bank(paper: Paper) -> list[Pair]:
    """Where to pay."""
    account = paper.bill.supplier.account
    if not account:
        return []
    pairs = [("IBAN", grouped(account.iban or "")), ("BIC", account.bic or ""), *account.rows]
    return [pair for pair in pairs if pair[1]]


def colons(pairs: Sequence[Pair]) -> list[str]:
    """`label: value` lines."""
    return [f"{label}: {value}" for label, value in pairs]


def pairs_down(
    sheet: Sheet,
    x: float,
    y: float,
    pairs: Sequence[Pair],
    width: float,
    *,
    size: float = 9,
    leading: float = 4.8,
    right: bool = False,
    strong_last: bool = False,
) -> float:
    """Labels on the left, values on the right or beside; returns the baseline after the last."""
    for i, (label, value) in enumerate(pairs):
        bold = strong_last and i == len(pairs) - 1
        sheet.text(x, y, label, size, bold=bold)
        sheet.text(x + width, y, value, size, bold=bold, align="right" if right else "left")
        y += leading
    return y


def items(paper: Paper, x: float, y: float, bottom: float, next_page: Callable[[], float]) -> float:
    """The table of items; returns the first free millimetre below it."""
    form = paper.form
    table = Table(paper.sheet, paper.bill, paper.notation, form.columns, x, y, bottom, form.style, next_page)
    return table.draw()


def total_box(paper: Paper, right: float, y: float, width: float, *, size: float = 9) -> float:
    """The totals, amounts flush right at `right`, a rule above what is due."""
    rows, sheet = totals(paper), paper.sheet
    left = right - width
    y = pairs_down(sheet, left, y + 4, rows[:-1], width - 1.5, size=size, right=True)
    sheet.rule(left, y - 3.2, right, y - 3.2, 0.6)
    y = pairs_down(sheet, left, y + 1, rows[-1:], width - 1.5, size=size + 0.5, right=True, strong_last=True)
    sheet.rule(left, y - 3, right, y - 3, 0.6)
    sheet.rule(left, y - 2.4, right, y - 2.4, 0.6)
    return y
