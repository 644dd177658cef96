"""Dates as people print them, in any of the usual languages and orders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from domains.invoices.extraction.text import fold

MONTHS = (
    "january januar janner janvier januari gennaio enero janeiro tammikuu tammikuuta styczen stycznia leden ledna "
    "ianuarie ocak",
    "february februar feber fevrier februari febbraio febrero fevereiro helmikuu helmikuuta luty lutego unor unora "
    "februarie subat",
    "march marz maerz mrz mars maart mrt marzo marco marts maaliskuu maaliskuuta marzec marca brezen brezna marcius martie mart",
    "april avril aprile abril huhtikuu huhtikuuta kwiecien kwietnia duben dubna aprilis aprilie nisan",
    "may mai mei maggio mayo maio maj toukokuu toukokuuta maja kveten kvetna majus mayis",
    "june juni juin giugno junio junho kesakuu kesakuuta czerwiec czerwca cerven cervna junius iunie haziran",
    "july juli juillet luglio julio julho heinakuu heinakuuta lipiec lipca cervenec cervence julius iulie temmuz",
    "august aout augustus agosto augusti elokuu elokuuta sierpien sierpnia srpen srpna augusztus agustos",
    "september sept septembre settembre septiembre setiembre setembro syyskuu syyskuuta wrzesien wrzesnia zari "
    "szeptember septembrie eylul",
    "october oktober octobre ottobre octubre outubro lokakuu lokakuuta pazdziernik pazdziernika rijen rijna octombrie ekim",
    "november novembre noviembre novembro marraskuu marraskuuta listopad listopada noiembrie kasim",
    "december dezember dez decembre dicembre diciembre dezembro joulukuu joulukuuta grudzien grudnia prosinec prosince "
    "decembrie aralik",
)
YEAR = r"(?:(?:19|20)\d\d(?=\d{1,2}:\d\d|\D|$)|['’]?\d\d(?!\d))"
PATTERNS = (
    ("ymd", re.compile(r"(?<![\d./-])(?P<y>(?:19|20)\d\d)\s?([-/.])\s?(?P<m>\d{1,2})\s?\2\s?(?P<d>\d{1,2})(?![\d])")),
    ("num", re.compile(r"(?<![\d./,-])(?P<a>\d{1,2})\s?(?P<sep>[-/.])\s?(?P<b>\d{1,2})\s?(?P=sep)\s?(?P<y>(?:19|20)\d\d(?=\d{1,2}:\d\d|\D|$)|\d\d(?=\d\d:\d\d|\D|$))(?![./-]\d|,\d)")),
    ("dmy", re.compile(
        rf"(?<![\d.,/])(?P<d>\d{{1,2}})(?:\s?(?:(?:st|nd|rd|th|er|o)(?![^\W\d_])|\.|º))?(?:\s*[-/., ]\s*|\s*)(?:(?:de|of|d')\s+)?(?P<name>[^\W\d_]{{3,12}})\.?"
        rf"(?:\s*[-/.,' ]\s*|\s*)(?:(?:de|del|do)\s+)?(?P<y>{YEAR})", re.I)),
    ("mdy", re.compile(r"(?<!\w)(?P<name>[^\W\d_]{3,12})\.?\s*[-/ ]?\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?\s*[,/. -]\s*(?P<y>(?:19|20)\d\d|['’]?\d\d)(?!\d|[./-]\d)", re.I)),
    ("ymon", re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-/. ]+(?P<name>[^\W\d_]{3,12})\.?[-/. ]+(?P<d>\d{1,2})(?!\d)", re.I)),
    ("cjk", re.compile(r"(?P<y>(?:19|20)\d\d)\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?日")),
)  # fmt: skip
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
    exact = {n for n, names in enumerate(MONTHS, 1) if word in names.split()}
    if exact or len(word) < 3:
        return exact.pop() if exact else None
    started = {n for n, names in enumerate(MONTHS, 1) if any(full.startswith(word) for full in names.split())}
    if word == "mar":
        return 3
    return started.pop() if len(started) == 1 else None


def find_dates(text: str, day_first: bool = True) -> list[Dated]:
    """Every date in a text, in order; of overlapping readings the first pattern's stands."""
    found: list[Dated] = []
    for kind, pattern in PATTERNS:
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
    matches: Iterator[re.Match[str]] = PATTERNS[1][1].finditer(text)
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
