"""The columns of a line table, from the words over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from agentflow import Box
from domains.invoices.extraction.geometry import Segment, Sheet, around, overlap, segment
from domains.invoices.extraction.lexicon import word_lists
from domains.invoices.extraction.text import compact

NEEDED = frozenset({"line_total", "unit_price", "quantity"})
MAIN = (
    "description",
    "line_total",
    "unit_price",
    "quantity",
    "tax_rate",
    "unit",
    "article",
    "position",
    "discount",
    "other",
)
"""In which order a word over a column is understood, where it has two meanings."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what stands in it, and the box of its heading."""

    role: str
    box: Box


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a line table on a page."""

    page: int
    columns: tuple[Column, ...]
    top: float
    bottom: float

    def column_at(self, box: Box) -> Column:
        """The column a box stands in: the most shared width, else the nearest edges."""
        return max(self.columns, key=lambda c: (overlap(c.box[0], c.box[2], box[0], box[2]), -edges(c.box, box)))

    def describes(self, box: Box) -> bool:
        """Whether a phrase begins in the column of descriptions, however far it reaches."""
        column = next((c for c in self.columns if c.role == "description"), None)
        if column is None:
            return False
        right = min((c.box[0] for c in self.columns if c.box[0] > column.box[0]), default=column.box[2])
        return column.box[0] - 3 <= box[0] < max(column.box[2], right - 12)


def edges(a: Box, b: Box) -> float:
    """How far two boxes are apart: the least of the distances of left, right and middle."""
    return min(abs(a[0] - b[0]), abs(a[2] - b[2]), abs(a[0] + a[2] - b[0] - b[2]) / 2)


@cache
def meanings() -> dict[str, frozenset[str]]:
    """Column words, as `compact` writes them, with their roles."""
    found: dict[str, set[str]] = {}
    for role, words in word_lists("headers.toml").items():
        for word in words:
            found.setdefault(compact(word), set()).add(role)
    return {word: frozenset(roles) for word, roles in found.items()}


def heads(sheet: Sheet) -> list[Head]:
    """The headings of line tables on a page, top to bottom."""
    found: list[Head] = []
    for at in range(len(sheet.rows)):
        if found and sheet.rows[at][0].box[1] < found[-1].bottom:
            continue
        head = head_at(sheet, at)
        if head:
            found.append(head)
    return found


def head_at(sheet: Sheet, at: int) -> Head | None:
    """The heading that has its main row at an index; neighbouring rows may complete its cells."""
    cells = [c for s in sheet.rows[at] for c in cut(s)]
    if len({r for r in (role_of(c.text) for c in cells) if r}) < 2 or any(has_money(c.text) for c in cells):
        return None
    zone = [cells]
    for step in (1, -1):
        near = at + step
        while (
            0 <= near < len(sheet.rows)
            and close(sheet.rows[near], zone, sheet.size)
            and not any(has_money(s.text) for s in sheet.rows[near])
        ):
            part = [c for s in sheet.rows[near] for c in cut(s)]
            zone = [*zone, part] if step > 0 else [part, *zone]
            near += step
    columns = assign(list(stack(zone)))
    roles = {c.role for c in columns}
    if (
        len(roles - {"other", "position"}) < 3
        or not roles & NEEDED
        or not roles & {"description", "article", "quantity"}
    ):
        return None
    box = around(s.box for part in zone for s in part)
    return Head(sheet.number, tuple(columns), box[1], box[3])


def has_money(text: str) -> bool:
    """Whether a text holds two digits in a row, as a heading hardly does."""
    return any(a.isdigit() and b.isdigit() for a, b in pairwise(text))


def close(row: Sequence[Segment], zone: Sequence[Sequence[Segment]], size: float) -> bool:
    """Whether a row stands tight to the rows of a heading."""
    top = min(s.box[1] for part in zone for s in part)
    bottom = max(s.box[3] for part in zone for s in part)
    box = around(s.box for s in row)
    return box[1] - bottom < 0.55 * size and top - box[3] < 0.55 * size and len(zone) < 4


def cut(whole: Segment) -> Iterator[Segment]:
    """A segment cut where two column words stand close together."""
    if compact(whole.text) in meanings():
        yield whole
        return
    rest = list(whole.tokens)
    while rest:
        end = next(
            (e for e in range(len(rest), 0, -1) if compact(" ".join(t.text for t in rest[:e])) in meanings()), None
        )
        if end is None:
            yield segment(rest, whole.row)
            return
        yield segment(rest[:end], whole.row)
        rest = rest[end:]
        if rest and not any(t.plain for t in rest):
            return


def stack(zone: Sequence[Sequence[Segment]]) -> Iterator[tuple[str, Box]]:
    """Cells that stand over one another made one, with their text from top to bottom."""
    columns: list[list[Segment]] = []
    for row in zone:
        for cell in row:
            home = [
                c
                for c in columns
                if overlap(around(s.box for s in c)[0], around(s.box for s in c)[2], cell.box[0], cell.box[2]) > 0
            ]
            if len(home) == 1 and all(abs(s.box[1] - cell.box[1]) > 1 for s in home[0]):
                home[0].append(cell)
            elif not home:
                columns.append([cell])
    for column in columns:
        yield " ".join(s.text for s in column), around(s.box for s in column)


def role_of(text: str) -> str | None:
    """The first role a column word can have."""
    known = meanings().get(compact(text.replace("%", "")), frozenset())
    return next((role for role in MAIN if role in known), None)


def assign(cells: Sequence[tuple[str, Box]]) -> list[Column]:
    """The columns of cells; of two cells with one word the later is the total, the earlier the price."""
    columns: list[Column] = []
    for text, box in sorted(cells, key=lambda c: c[1][0]):
        known = set(known_roles(text))
        role = next((r for r in MAIN if r in known), "other")
        if role in ("unit_price", "line_total") and {"unit_price", "line_total"} <= known:
            role = "line_total" if any(c.role == "unit_price" for c in columns) else "unit_price"
        if role == "description" and any(c.role == "description" for c in columns):
            role = next((r for r in MAIN[1:] if r in known), "other")
        columns.append(Column(role, box))
    totals = [c for c in columns if c.role == "line_total"]
    for extra in totals[:-1]:
        first = not any(c.role in ("description", "quantity") for c in columns[: columns.index(extra)])
        quantity = first and not any(c.role == "quantity" for c in columns)
        columns[columns.index(extra)] = Column("quantity" if quantity else "other", extra.box)
    if not totals:
        prices = [c for c in columns if c.role == "unit_price"]
        if len(prices) > 1:
            columns[columns.index(prices[-1])] = Column("line_total", prices[-1].box)
    return columns


def known_roles(text: str) -> frozenset[str]:
    """The roles of a cell: of its whole text, else of the words it begins or ends with."""
    whole = meanings().get(compact(text.replace("%", "")))
    if whole:
        return whole
    words = text.replace("%", "").split()
    for size in range(len(words) - 1, 0, -1):
        for part in (words[:size], words[-size:]):
            known = meanings().get(compact(" ".join(part)))
            if known:
                return known
    return frozenset()
