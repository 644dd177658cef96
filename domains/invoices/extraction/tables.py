"""Tables: the lines of an invoice and the rows of its tax breakdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agentflow import Box
from domains.invoices.extraction.breakdown import TaxRow, tax_row
from domains.invoices.extraction.columns import Head, heads
from domains.invoices.extraction.geometry import Segment, Sheet, Token, around
from domains.invoices.extraction.money import Money, groups_with_blanks, roles, row_money, traits
from domains.invoices.extraction.notation import Notation
from domains.invoices.records import Line

ENDING = frozenset({"net", "tax", "gross", "due"})
ASIDE = frozenset({"subtotal", "allowance", "charge"})
CENT = Decimal("0.011")


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as read, with its trust and place."""

    line: Line
    trust: float
    page: int
    box: Box
    quote: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its words and numbers, sorted into columns."""

    tokens: tuple[Token, ...]
    words: dict[str, list[Token]]
    numbers: dict[str, list[Money]]

    @property
    def total(self) -> Money | None:
        """The number in the column of line totals."""
        return next((m for m in self.numbers.get("line_total", []) if not m.percent), None)


def read_lines(sheets: Sequence[Sheet], style: Notation) -> tuple[list[ReadLine], Decimal | None]:
    """The lines of all tables, and the sum of their totals (None where there are none)."""
    spaced = groups_with_blanks(sheets)
    found: list[ReadLine] = []
    head: Head | None = None
    ended = False
    for sheet in sheets:
        own = heads(sheet)
        ended = ended and not own
        if own:
            head = own[0]
        if head is None or ended:
            continue
        rows, ended = body(sheet, head, own[0].bottom if own else 0.0, style, spaced)
        found += lines_of(rows)
    if not any(line.line.line_total is not None for line in found):
        found = [line for sheet in sheets for line in proven(sheet, style, spaced)]
    totals = [line.line.line_total for line in found if line.line.line_total is not None]
    return found, sum(totals, Decimal(0)) if totals else None


def body(sheet: Sheet, head: Head, top: float, style: Notation, spaced: bool) -> tuple[list[Row], bool]:
    """The rows under a heading up to the totals, and whether the totals were reached."""
    rows: list[Row] = []
    for segments in sheet.rows:
        if (segments[0].box[1] < top - 0.5 * sheet.size and head.page == sheet.number) or segments[0].box[1] < top - 1:
            continue
        numbers = row_money(segments, style.decimal, spaced)
        role = meaning(segments, numbers)
        if role in ENDING:
            return rows, any(r.total for r in rows)
        if role not in ASIDE:
            rows.append(sort_row(segments, numbers, head))
    return rows, False


def meaning(segments: Sequence[Segment], numbers: Sequence[Money]) -> str | None:
    """What kind of total a row is: words for it and an amount, and nothing that multiplies to the amount."""
    priced = [m for m in numbers if not m.percent and (m.priced or m.decimals >= 2)]
    if not priced or product_of(numbers):
        return None
    used = {t.index for m in numbers for t in m.tokens}
    before = [t for s in segments for t in s.tokens if t.index < priced[0].tokens[0].index and t.index not in used]
    lead = " ".join(t.text for t in before)
    if "carry" in traits(lead) and len(priced) == 1:
        return "subtotal"
    found = roles(lead)
    best = max(found, key=lambda r: found[r], default=None)
    return best if best and found[best] >= 0.6 else None


def product_of(numbers: Sequence[Money]) -> tuple[Money, Money, Money] | None:
    """Quantity, price and total among the numbers of a row, where quantity x price = total."""
    plain = [m for m in numbers if not m.percent]
    for at in range(len(plain) - 1, 0, -1):
        for quantity in plain[:at]:
            prices = (m for m in plain if m is not plain[at] and m is not quantity)
            price = next((m for m in prices if multiplies(quantity, m, plain[at])), None)
            if price:
                return quantity, price, plain[at]
    return None


def multiplies(quantity: Money, price: Money, total: Money) -> bool:
    """Whether quantity x price = total, to the cent; the quantity has no currency, the total looks like money."""
    if quantity.currency or not total.priced or price.decimals < 1:
        return False
    return quantity.value != 0 and abs(abs(quantity.value * price.value) - abs(total.value)) <= CENT


def sort_row(segments: Sequence[Segment], numbers: Sequence[Money], head: Head) -> Row:
    """The words and numbers of a row by column."""
    tokens = tuple(t for s in segments for t in s.tokens)
    words: dict[str, list[Token]] = {}
    sorted_numbers: dict[str, list[Money]] = {}
    used: set[int] = set()
    for money in numbers:
        role = head.column_at(money.box).role
        if role != "description":
            sorted_numbers.setdefault(role, []).append(money)
            used |= {t.index for t in money.tokens}
    for part in segments:
        phrase = head.describes(part.box)
        for token in part.tokens:
            if token.index in used:
                phrase = False
            else:
                role = "description" if phrase else head.column_at(token.box).role
                words.setdefault(role, []).append(token)
    return Row(tokens, words, sorted_numbers)


def lines_of(rows: Sequence[Row]) -> Iterator[ReadLine]:
    """The lines that rows make: each row with a total, and the words of the rows up to the next."""
    priced = any(row.total and row.total.priced for row in rows)
    anchors = [n for n in range(len(rows)) if opens(rows, n, priced)]
    for before, start, end in zip([-1, *anchors], anchors, [*anchors[1:], len(rows)], strict=False):
        nameless = not rows[start].words.get("description") and before < start - 1
        yield read_line(rows[start], rows[start - nameless : min(end, start + 6)])


def opens(rows: Sequence[Row], at: int, priced: bool) -> bool:
    """Whether a row holds the total of a line; alone in its row it must complete the row above."""
    total = rows[at].total
    if total is None or (priced and not total.priced):
        return False
    if rows[at].words or len(rows[at].numbers) > 1:
        return True
    return at > 0 and rows[at - 1].total is None and bool(rows[at - 1].numbers)


def read_line(row: Row, block: Sequence[Row]) -> ReadLine:
    """One line, from its row with the numbers and the rows with its words."""
    total = row.total
    quantity = next((m for m in row.numbers.get("quantity", []) if not m.percent), None)
    price = next((m for m in row.numbers.get("unit_price", []) if not m.percent), None)
    rate = next(iter(row.numbers.get("tax_rate", [])), None) or next(
        (m for ms in row.numbers.values() for m in ms if m.percent and "discount" not in row.numbers), None
    )
    listed = [m for ms in row.numbers.values() for m in ms]
    proven_by = product_of(sorted(listed, key=lambda m: m.box[0]))
    if proven_by and total and proven_by[2] is total:
        quantity, price = proven_by[0], proven_by[1]
    unit = row.words.get("unit") or [t for t in row.words.get("quantity", []) if t.plain.isalpha()]
    words = [t for r in block for t in r.words.get("description", [])]
    line = Line(
        description=" ".join(t.text for t in words) or None,
        quantity=quantity and quantity.value,
        unit=" ".join(t.text for t in unit[:2]) or None,
        unit_price=price and price.value,
        line_total=total and total.value,
        tax_rate=rate and rate.value,
    )
    trust = 0.95 if proven_by else 0.75 if total and total.priced else 0.5
    return ReadLine(
        line, trust, row.tokens[0].page, around(t.box for t in row.tokens), " ".join(t.text for t in row.tokens)
    )


def proven(sheet: Sheet, style: Notation, spaced: bool) -> Iterator[ReadLine]:
    """Lines without a heading: rows in which quantity x price = total."""
    for segments in sheet.rows:
        numbers = row_money(segments, style.decimal, spaced)
        found = product_of(numbers)
        if found is None or (any(m.percent for m in numbers) and len(numbers) == 3):
            continue
        tokens = tuple(t for s in segments for t in s.tokens)
        used = {t.index for m in numbers for t in m.tokens}
        words = " ".join(t.text for t in tokens if t.index not in used)
        line = Line(
            description=words or None, quantity=found[0].value, unit_price=found[1].value, line_total=found[2].value
        )
        yield ReadLine(line, 0.8, sheet.number, around(t.box for t in tokens), " ".join(t.text for t in tokens))


def tax_rows(sheets: Sequence[Sheet], style: Notation) -> list[TaxRow]:
    """The tax breakdown of a document; a row repeated on another page counts once."""
    spaced = groups_with_blanks(sheets)
    found: list[TaxRow] = []
    for sheet in sheets:
        for row in sheet.rows:
            amounts = row_money(row, style.decimal, spaced)
            read = tax_row(amounts, " ".join(s.text for s in row), sheet) if len(amounts) >= 2 else None
            if read and not any((f.rate, f.base) == (read.rate, read.base) for f in found):
                found.append(read)
    return found
