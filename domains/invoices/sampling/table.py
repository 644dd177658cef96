"""The table of items on an invoice page: columns, styles, page breaks and what is carried over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domains.invoices.sampling.bill import Bill, Item
from domains.invoices.sampling.notation import Notation
from domains.invoices.sampling.sheet import Sheet

RIGHT = {"quantity", "price", "rate", "total"}


@dataclass(frozen=True)
class Column:
    """`key` names what it shows; `width` in millimetres."""

    key: str
    width: float


@dataclass(frozen=True)
class Style:
    """How the table is drawn; `look` is rules, grid, stripes or bare."""

    look: str = "rules"
    size: float = 9
    row: float = 4.4
    """Millimetres a text line."""
    gap: float = 2.2
    """Millimetres between items."""
    head: str | None = None
    """Fill of the heading row."""
    head_ink: str = "#1a1a1a"
    floor: float = 0
    """A form's grid is ruled down to here, however few items there are."""


def columns(**widths: float) -> tuple[Column, ...]:
    """`columns(pos=10, text=80, total=30)`."""
    return tuple(Column(key, width) for key, width in widths.items())


@dataclass
class Table:
    """A table being drawn down the pages of a sheet."""

    sheet: Sheet
    bill: Bill
    notation: Notation
    columns: Sequence[Column]
    x: float
    y: float
    bottom: float
    """No row goes below this."""
    style: Style
    next_page: Callable[[], float]
    """Turns to the next page and returns where the table goes on."""

    @property
    def width(self) -> float:
        """Of all columns."""
        return sum(column.width for column in self.columns)

    def draw(self) -> float:
        """Draws heading and items; returns the first free millimetre below."""
        top = self._heading()
        so_far = self.bill.rounded(self.bill.line_sum * 0)
        for i, item in enumerate(self.bill.items):
            lines = self._cells(i, item)
            if self.y + self._height(lines) > self.bottom:
                self._close(top)
                self._carry(so_far, self.y + 4)
                self.y = self.next_page()
                self._carry(so_far, self.y)
                self.y += 5
                top = self._heading()
            self._row(i, lines)
            so_far += self.bill.line_total(item)
        self.y = max(self.y, self.style.floor)
        self._close(top)
        return self.y

    def _height(self, cells: list[list[str]]) -> float:
        return max(len(cell) for cell in cells) * self.style.row + self.style.gap

    def _cells(self, index: int, item: Item) -> list[list[str]]:
        places = abs(int(self.bill.line_sum.as_tuple().exponent))
        shown = {
            "pos": str(index + 1),
            "article": item.article,
            "text": item.text,
            "quantity": self.notation.number(item.quantity),
            "unit": self.notation.unit(item.unit),
            "price": self.notation.number(item.price, None if places else 0),
            "rate": self.notation.number(item.rate.normalize()),
            "total": self.notation.number(self.bill.line_total(item)),
        }
        return [self.sheet.wrap(shown[c.key], c.width - 3, self.style.size) or [""] for c in self.columns]

    def _heading(self) -> float:
        top, height = self.y, self.style.row + 2.6
        if self.style.head:
            self.sheet.box(self.x, top, self.width, height, fill=self.style.head, line=None)
        cells = [[self.notation[column.key]] for column in self.columns]
        self._write(cells, top + 1.2, bold=True, colour=self.style.head_ink)
        self.y = top + height
        if self.style.look == "rules":
            self.sheet.rule(self.x, top, self.x + self.width, top, 0.8)
        if self.style.look != "bare":
            self.sheet.rule(self.x, self.y, self.x + self.width, self.y, 0.8 if self.style.look == "rules" else 0.5)
        return top

    def _row(self, index: int, cells: list[list[str]]) -> None:
        height = self._height(cells)
        if self.style.look == "stripes" and index % 2:
            self.sheet.box(self.x, self.y, self.width, height, fill="#f1f3f4", line=None)
        self._write(cells, self.y + self.style.gap / 2, bold=False)
        self.y += height
        if self.style.look == "rules":
            self.sheet.rule(self.x, self.y, self.x + self.width, self.y, 0.2, "#9a9a9a")

    def _write(self, cells: list[list[str]], top: float, *, bold: bool, colour: str = "#1a1a1a") -> None:
        x, base = self.x, top + self.style.row * 0.75
        for column, lines in zip(self.columns, cells, strict=True):
            right = column.key in RIGHT
            for i, line in enumerate(lines):
                at = x + column.width - 1.5 if right else x + 1.5
                self.sheet.text(
                    at,
                    base + i * self.style.row,
                    line,
                    self.style.size,
                    bold=bold,
                    align="right" if right else "left",
                    colour=colour,
                )
            x += column.width

    def _close(self, top: float) -> None:
        if self.style.look == "grid":
            x = self.x
            self.sheet.box(x, top, self.width, self.y - top)
            for column in self.columns[:-1]:
                x += column.width
                self.sheet.rule(x, top, x, self.y, 0.4)
        elif self.style.look != "bare":
            self.sheet.rule(self.x, self.y, self.x + self.width, self.y, 0.8)

    def _carry(self, so_far: Decimal, y: float) -> None:
        right = self.x + self.width - 1.5
        self.sheet.text(right - 40, y, self.notation["carry"], self.style.size, align="right")
        self.sheet.text(right, y, self.notation.amount(so_far, self.bill.currency), self.style.size, align="right")
