"""Tables: the lines of an invoice and the rows of its tax breakdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from agentflow import Box
from domains.invoices.extraction.breakdown import TaxRow, tax_row
from domains.invoices.extraction.geometry import Sheet
from domains.invoices.extraction.money import groups_with_blanks, row_money
from domains.invoices.extraction.notation import Notation
from domains.invoices.records import Line


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line as read, with its trust and place."""

    line: Line
    trust: float
    page: int
    box: Box
    quote: str


def read_lines(sheets: Sequence[Sheet], style: Notation) -> tuple[list[ReadLine], Decimal | None]:
    return [], None


def tax_rows(sheets: Sequence[Sheet], style: Notation) -> list[TaxRow]:
    """The tax breakdown of a document; a row repeated on another page counts once."""
    spaced = groups_with_blanks(sheets)
    found: list[TaxRow] = []
    for sheet in sheets:
        for row in sheet.rows:
            amounts = row_money(row, style.decimal, spaced)
            read = tax_row(amounts, " ".join(s.text for s in row)) if len(amounts) >= 2 else None
            if read and not any((f.rate, f.base) == (read.rate, read.base) for f in found):
                found.append(read)
    return found
