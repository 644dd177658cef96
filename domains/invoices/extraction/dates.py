"""Dates as people print them, in any of the usual languages and orders."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from domains.invoices.extraction.lexicon import places_table
from domains.invoices.extraction.text import fold

CENTURY = r"(?:19|20)\d\d"
TIME_NEXT = r"(?=\d{1,2}:\d\d|\D|$)"
"""A time may follow without a blank, as OCR gives it."""
YEAR = rf"(?:{CENTURY}{TIME_NEXT}|['’]?\d\d(?!\d))"
NAME = r"(?P<name>[^\W\d_]{3,12})\.?"
ORDINAL = r"(?:\s?(?:(?:st|nd|rd|th|er|o)(?![^\W\d_])|\.|º))?"
PATTERNS = {
    "ymd": rf"(?<![\d./-])(?P<y>{CENTURY})\s?(?P<sep>[-/.])\s?(?P<m>\d{{1,2}})\s?(?P=sep)\s?(?P<d>\d{{1,2}})(?!\d)",
    "num": (
        r"(?<![\d./,-])(?P<a>\d{1,2})\s?(?P<sep>[-/.])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?"
        rf"(?P<y>{CENTURY}{TIME_NEXT}|\d\d(?=\d\d:\d\d|\D|$))(?![./-]\d|,\d)"
    ),
    "dmy": (
        rf"(?<![\d.,/])(?P<d>\d{{1,2}}){ORDINAL}(?:\s*[-/., ]\s*|\s*)(?:(?:de|of|d')\s+)?{NAME}"
        rf"(?:\s*[-/.,' ]\s*|\s*)(?:(?:de|del|do)\s+)?(?P<y>{YEAR})"
    ),
    "mdy": (
        rf"(?<!\w){NAME}\s*[-/ ]?\s*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s*[,/. -]\s*"
        rf"(?P<y>{CENTURY}|['’]?\d\d)(?!\d|[./-]\d)"
    ),
    "ymon": rf"(?<!\d)(?P<y>{CENTURY})[-/. ]+{NAME}[-/. ]+(?P<d>\d{{1,2}})(?!\d)",
    "cjk": rf"(?P<y>{CENTURY})\s?年\s?(?P<m>\d{{1,2}})\s?月\s?(?P<d>\d{{1,2}})\s?日",
}
"""The orders a date is printed in, the surest first."""
COMPILED = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in PATTERNS.items()}
PACKED = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>[0-2]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Dated:
    """A date found in a text, and the characters it spans."""

    start: int
    end: int
    value: date
    sure: bool
    """False where day and month could be swapped."""


def month_of(name: str) -> int | None:
    """The month (1 to 12) that a name or an abbreviation of three letters or more stands for."""
    word = fold(name).strip(". ")
    months = [*places_table()["months"].values()]
    exact = {n for n, names in enumerate(months, 1) if word in names}
    if exact or len(word) < 3:
        return exact.pop() if exact else None
    started = {n for n, names in enumerate(months, 1) if any(full.startswith(word) for full in names)}
    if word == "mar":
        return 3
    return started.pop() if len(started) == 1 else None


def find_dates(text: str, day_first: bool = True) -> list[Dated]:
    """Every date in a text, in order; of overlapping readings the first pattern's stands."""
    found: list[Dated] = []
    for kind, pattern in COMPILED.items():
        for match in pattern.finditer(text):
            dated = read_match(kind, match, day_first)
            if dated and not any(dated.start < f.end and f.start < dated.end for f in found):
                found.append(dated)
    return sorted(found, key=lambda f: f.start)


def parse_date(text: str, day_first: bool = True) -> date | None:
    """The date of a text that is one date, with or without a week day or a time; None otherwise."""
    stripped = text.strip(" \t.,;:")
    packed = PACKED.fullmatch(stripped)
    if packed:
        return make_date(int(packed["y"]), int(packed["m"]), int(packed["d"]))
    found = find_dates(stripped, day_first)
    if len(found) != 1:
        return None
    rest = stripped[: found[0].start] + stripped[found[0].end :]
    return found[0].value if len(re.sub(r"\d{1,2}:\d\d(?::\d\d)?|[\W_]", "", rest)) <= 12 else None


def read_match(kind: str, match: re.Match[str], day_first: bool) -> Dated | None:
    """A match of one of the patterns as a date, if it is one."""
    year = full_year(match["y"])
    sure = True
    if kind == "num":
        a, b = int(match["a"]), int(match["b"])
        first = day_first or match["sep"] == "."
        sure = match["sep"] == "." or a > 12 or b > 12 or a == b
        day, month = (a, b) if (first and b <= 12) or a > 12 else (b, a)
    elif kind in ("ymd", "cjk"):
        day, month = int(match["d"]), int(match["m"])
    else:
        day, month = int(match["d"]), month_of(match["name"]) or 0
    value = make_date(year, month, day)
    return None if value is None else Dated(match.start(), match.end(), value, sure)


def full_year(text: str) -> int:
    """Two digits are meant as the years 1970 to 2069."""
    year = int(text.strip("'’"))
    if year >= 100:
        return year
    return year + (1900 if year >= 70 else 2000)


def make_date(year: int, month: int, day: int) -> date | None:
    """The date, or None where the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def order_votes(texts: Iterable[str]) -> int:
    """How many numeric dates can only be day first, less those that can only be month first."""
    return sum(order_vote(text) for text in texts)


def order_vote(text: str) -> int:
    """The votes of one text."""
    matches: Iterator[re.Match[str]] = COMPILED["num"].finditer(text)
    total = 0
    for match in matches:
        a, b = int(match["a"]), int(match["b"])
        if match["sep"] == ".":
            total += 1
        elif a > 12 >= b:
            total += 2
        elif b > 12 >= a:
            total -= 2
    return total
