"""Notation: whether a text as it is printed says a value, in whichever usual notation."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

_RUN = re.compile(r"\d+(?:[.,'’ ]\d+)*")  # noqa: RUF001 - the apostrophes that people print between thousands
_MINUS = re.compile(r"[-−–(]|\bcr\b", re.IGNORECASE)  # noqa: RUF001 - so are the dashes
_WORD = re.compile(r"[^\W\d_]{3,}")
_MONTHS = (
    "jan jän gen ene sty led sij",
    "feb fév fev luty úno velj",
    "mar mär maa mrt ožu bře",
    "apr avr abr tra kwi dub",
    "may mai mag mei maj svi kvě",
    "jun juin giu lipa cze čer",
    "jul juil lug lipi srpa červenec",
    "aug aoû aou ago août kol sie srpe",
    "sep set ruj wrz zář",
    "oct okt ott out lis paź říj",
    "nov lis stu",
    "dec dez déc dic dici pro gru",
)
"""By month: how its name begins in some languages; a name that begins otherwise is taken on trust, and one that
begins like those of two months may be either."""


def says(quote: str, value: Any) -> bool:
    """Whether `quote` says `value`.

    A number, by any reading of its separators; less than nothing only with a sign. A date, day or month first, by
    numbers or by name. Any other text, by its letters and digits. True or false follow from words: any quote will do.
    """
    match value:
        case bool():
            return True
        case Enum():
            return says(quote, value.value)
        case int() | float() | Decimal():
            number = Decimal(str(value))
            signed = number >= 0 or _MINUS.search(quote) is not None
            return signed and any(read == abs(number) for read in numbers(quote))
        case date():
            return says_date(quote, value.date() if isinstance(value, datetime) else value)
        case _:
            return letters(str(value)) in letters(quote)


def letters(text: str) -> str:
    """The letters and digits of a text, whatever their case and form."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def numbers(text: str) -> Iterator[Decimal]:
    """Every number that a text can be read as, without signs: `1.234` is 1234 and 1.234, `3 234,50` is 3 too."""
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        words = run.split(" ")
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                yield from _readings(" ".join(words[start:end]))


def says_date(quote: str, day: date) -> bool:
    """Whether a text says a date, in whichever order of day, month and year."""
    found = [int(digits) for digits in re.findall(r"\d+", quote)]
    packed = re.sub(r"\D", "", quote)
    if packed in (f"{day:%Y%m%d}", f"{day:%d%m%Y}", f"{day:%m%d%Y}"):
        return True
    for year in (day.year, day.year % 100):
        if _holds(found, [year, day.month, day.day]):
            return True
        if _holds(found, [year, day.day]) and _names_month(quote, day.month):
            return True
    return False


def _readings(run: str) -> Iterator[Decimal]:
    """A run of digit groups as a whole number, and with the last separator as the decimal mark."""
    groups, marks = re.split(r"[.,'’ ]", run), re.findall(r"[.,'’ ]", run)  # noqa: RUF001 - as above
    if _grouped(groups, marks):
        yield Decimal("".join(groups))
    if marks and marks[-1] in ".," and marks[-1] not in marks[:-1] and _grouped(groups[:-1], marks[:-1]):
        yield Decimal(f"{''.join(groups[:-1])}.{groups[-1]}")


def _grouped(groups: Sequence[str], marks: Sequence[str]) -> bool:
    """Whether the groups are those of one number: thousands, or lakhs, with one kind of separator."""
    inner = groups[1:]
    return len(set(marks)) <= 1 and all(len(g) in (2, 3) for g in inner[:-1]) and all(len(g) == 3 for g in inner[-1:])


def _holds(found: Sequence[int], wanted: Sequence[int]) -> bool:
    left = list(found)
    for number in wanted:
        if number not in left:
            return False
        left.remove(number)
    return True


def _names_month(quote: str, month: int) -> bool:
    """Whether a word can be the month's name: no other month is named, and there is a word."""
    words = _WORD.findall(unicodedata.normalize("NFC", quote).casefold())
    named = {m for m, begins in enumerate(_MONTHS, 1) for word in words if word.startswith(tuple(begins.split()))}
    return bool(words) and (month in named or not named)
