"""What a page says, in every reading that its notation allows: amounts, dates, accounts, codes and words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from domains.invoices.codes import IBAN_LENGTH, iban_fault, plain
from domains.invoices.extraction.candidates import Reader, candidates, date_reader, places, read_id
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Sheet, sheets
from domains.invoices.extraction.labels import find_labels
from domains.invoices.extraction.text import compact, fold
from domains.invoices.records import Layout

_CENT = Decimal("0.01")
_MARKS = "'`\u2019\u00b4"
"""Apostrophes that group digits: typewriter, grave, typographic, acute."""
_BLANKS = re.compile(rf"[\s{_MARKS}]")
_NUMBER = re.compile(rf"(?<![\d.,])\d[\d.,{_MARKS}]*")
_SPACED = re.compile(r"(?<![\d.,])(?=(\d{1,3}(?:\s\d{3})+(?:[.,]\d{1,4})?)(?![\d.,]*\d))")
_ACCOUNT = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:\s?[A-Z0-9])+")
_NAMED_ACCOUNT = re.compile(
    r"IBAN\W*(?:N[RO°º]?\.?\W*)?([A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?)(?![A-Z0-9])"
)
_LONG = 4
_SURE = 0.5
"""Score from which on a date or a number that stands by a label is taken as the label's value."""


@dataclass(frozen=True)
class Printed:
    """The text of a document's pages, row by row."""

    sheets: tuple[Sheet, ...]

    @classmethod
    def of(cls, layout: Layout) -> "Printed":
        """The pages of a layout, cut into rows."""
        return cls(tuple(sheets(layout.pages)))

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """The rows of all pages, top to bottom, words joined by a blank."""
        return tuple(" ".join(cell.text for cell in row) for sheet in self.sheets for row in sheet.rows)

    @cached_property
    def words(self) -> int:
        """How many words the pages have."""
        return sum(len(row.split()) for row in self.rows)

    @cached_property
    def amounts(self) -> frozenset[Decimal]:
        """Every number, without its sign and to the cent."""
        return frozenset(amount for row in self.rows for amount in readings(row))

    @cached_property
    def dates(self) -> frozenset[date]:
        """Every date, with day and month in both orders where either can be meant."""
        return frozenset(day for row in self.rows for day in dates_in(row))

    @cached_property
    def codes(self) -> str:
        """All text as letters and digits in capitals, a row a line."""
        return "\n".join(plain(row) for row in self.rows)

    @cached_property
    def letters(self) -> str:
        """All text folded to letters and digits, without a gap."""
        return compact(" ".join(self.rows))

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The words of all pages, folded."""
        return frozenset(re.findall(r"[^\W_]+", fold(" ".join(self.rows))))

    def says(self, word: str) -> bool:
        """Whether a folded word is printed; a longer one may be part of another or be broken by a gap."""
        return word in self.vocabulary or (len(word) > _LONG and word in self.letters)

    @cached_property
    def accounts(self) -> frozenset[str]:
        """Every IBAN, by its check digits or by the word before it."""
        return frozenset(account for row in self.rows for account in _accounts(row.upper()))

    def labelled_dates(self, role: str, bar: float = _SURE) -> frozenset[date]:
        """The dates by a label of a field with a score of at least `bar`, in both orders of day and month."""
        found = (value for first in (True, False) for value in self._labelled(role, date_reader(first), bar))
        return frozenset(value for value in found if isinstance(value, date))

    def labelled_numbers(self) -> frozenset[str]:
        """The numbers that stand by the words for an invoice's number, as letters and digits in capitals."""
        return frozenset(plain(str(value)) for value in self._labelled("invoice_number", read_id))

    def _labelled(self, role: str, reader: Reader, bar: float = _SURE) -> Iterator[object]:
        for sheet in self.sheets:
            found = places(sheet, find_labels(sheet, fuzzy=False))
            yield from (each.value for each in candidates(found, role, reader) if each.score >= bar)


def dates_in(text: str) -> set[date]:
    """Every date that a text may mean, with day and month in both orders where either can be."""
    return {found.value for first in (True, False) for found in find_dates(text, first)}


def readings(text: str) -> Iterator[Decimal]:
    """Every amount that a text may mean, to the cent: `1.234` is both 1234 and 1.23, `2 500,00` both 2500 and 500."""
    for match in _NUMBER.finditer(text):
        yield from _values(match[0])
    for match in _SPACED.finditer(text):
        yield from _values(match[1])


def _values(written: str) -> Iterator[Decimal]:
    digits = _BLANKS.sub("", written).rstrip(".,")
    at = max(digits.rfind("."), digits.rfind(","))
    if at < 0:
        yield Decimal(digits)
        return
    head, mark, tail = digits[:at], digits[at], digits[at + 1 :]
    whole = re.sub(r"[.,]", "", head)
    if mark not in head:
        yield Decimal(f"{whole}.{tail}").quantize(_CENT)
    if len(tail) == 3:
        yield Decimal(whole + tail)


def _accounts(row: str) -> Iterator[str]:
    for match in _NAMED_ACCOUNT.finditer(row):
        yield plain(match[1])
    for match in _ACCOUNT.finditer(row):
        code = plain(match[0])[: IBAN_LENGTH.get(match[0][:2], 0)]
        if code and not iban_fault(code):
            yield code
