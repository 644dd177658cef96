"""Numbers, dates and currencies as people print them, in the notation of the document."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from domains.invoices.extraction.text import DASHES, fold

SPACES = " \u00a0\u2009\u202f\t"
"""Blank, no-break blank, thin blank, narrow no-break blank, tab."""

SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "S$": "SGD",
    "HK$": "HKD",
    "R$": "BRL",
    "$": "USD",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₴": "UAH",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON",
    "лв": "BGN",
    "Fr.": "CHF",
    "SFr.": "CHF",
    "sFr.": "CHF",
    "RM": "MYR",
    "Rs.": "INR",
    "Rp": "IDR",
}
"""What a printed sign most often means; `$` and `kr` need the document to decide."""

CODES = frozenset(
    [
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "ISK",
        "TRY",
        "RUB",
        "UAH",
        "AUD",
        "CAD",
        "NZD",
        "SGD",
        "HKD",
        "JPY",
        "CNY",
        "INR",
        "BRL",
        "MXN",
        "ZAR",
        "ILS",
        "AED",
        "SAR",
        "THB",
        "MYR",
        "IDR",
        "PHP",
        "KRW",
        "VND",
        "ARS",
        "CLP",
        "COP",
        "PEN",
        "EGP",
        "NGN",
        "KES",
        "MAD",
        "TND",
        "RSD",
        "BAM",
        "MKD",
        "ALL",
        "GEL",
        "TWD",
        "QAR",
        "KWD",
    ]
)

CURRENCY = (
    r"(?:(?:US|AU?|CA?|NZ|S|HK|R)?\$|€|£|¥|₹|₩|₽|₺|₪|฿|₫|₴|zł|zl|Kč|Kc|Ft|lei|kr\.?|s?Fr\.|SFr\.|RM|Rs\.?|Rp|[A-Z]{3})"
)
NUMBER = (
    rf"\d{{1,3}}(?:(?P<group>[.,'’´`{SPACES}])\d{{2,3}})+(?:(?!(?P=group))[.,]\d{{1,4}})?|"
    r"\d+(?:[.,]\d{1,6})?|[.,]\d{2}"
)
AMOUNT = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+])?\s*(?P<before>{CURRENCY})?\s*(?P<inner>-)?\s*(?P<number>{NUMBER})"
    rf"(?P<dash>[.,](?:--?|=))?\s*(?P<trail>-|CR\b)?\s*(?P<after>{CURRENCY})?\s*(?P<late>-)?\s*(?P<close>\))?"
)


@dataclass(frozen=True, slots=True)
class Notation:
    """How a document writes numbers and dates."""

    decimal: str = "."
    """The decimal mark, `.` or `,`."""
    day_first: bool = True
    """How `03/04/2020` is meant."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as printed: its value, its decimals, the currency beside it."""

    value: Decimal
    decimals: int
    currency: str | None = None


def read_amount(text: str, decimal: str | None = None) -> Amount | None:
    """A text that is one number, with sign, currency and grouping; None where it is not exactly that.

    `decimal` is the document's decimal mark and decides `1.234`; without it three trailing digits are thousands.
    """
    match = AMOUNT.fullmatch(text.translate(DASHES).strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    unsigned = read_number(match["number"], decimal)
    if unsigned is None:
        return None
    negative = bool(match["open"] or match["sign"] == "-" or match["inner"] or match["trail"] or match["late"])
    sign = currency_of(match["before"] or "") or currency_of(match["after"] or "")
    if sign is None and (match["before"] or match["after"]) and not is_krone(match["before"] or match["after"]):
        return None
    return Amount(-unsigned if negative else unsigned, max(0, -exponent(unsigned)), sign)


def parse_amount(text: str, decimal: str | None = None) -> Decimal | None:
    """The value of a text that is one number, see `read_amount`."""
    amount = read_amount(text, decimal)
    return None if amount is None else amount.value


def exponent(value: Decimal) -> int:
    """The decimal exponent of a finite number."""
    found = value.as_tuple().exponent
    return found if isinstance(found, int) else 0


def is_krone(sign: str) -> bool:
    """Whether a sign stands for one of the Nordic crowns."""
    return fold(sign).strip(".") == "kr"


def read_number(text: str, decimal: str | None) -> Decimal | None:
    """Digits with separators, no sign."""
    plain = re.sub(rf"['’´`{SPACES}]", "", text)
    marks = [c for c in plain if c in ".,"]
    if not marks:
        return Decimal(plain)
    last = marks[-1]
    head, tail = plain.rsplit(last, 1)
    if len(set(marks)) == 2 or len(marks) == 1:
        grouping = len(marks) == 1 and len(tail) == 3 and 0 < len(head) <= 3 and head != "0" and decimal != last
    else:
        grouping = True
    digits = re.sub(r"[.,]", "", head)
    if grouping:
        return Decimal(digits + tail) if len(tail) == 3 else None
    return Decimal(f"{digits or 0}.{tail}")


def currency_of(sign: str) -> str | None:
    """The ISO 4217 code of a printed sign or code; None where it is none or does not decide."""
    if sign in CODES:
        return sign
    return SYMBOLS.get(sign) or (loose_symbols().get(fold(sign).strip(".")) if sign else None)


@cache
def loose_symbols() -> dict[str, str]:
    """The signs without case and accents."""
    return {fold(symbol).strip("."): code for symbol, code in SYMBOLS.items()}


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark that most numbers of a document use; a point where nothing decides."""
    votes: Counter[str] = Counter()
    for text in texts:
        found = re.fullmatch(r"\D{0,4}(\d{1,3}(?:[.,'’\s]\d{3})*|\d+)([.,])(\d+)\D{0,4}", text)
        if found and "%" not in text:
            votes[found[2]] += vote(found[1], found[2], found[3])
            if len(found[3]) == 3:
                votes["," if found[2] == "." else "."] += 1
    return "," if votes[","] > votes["."] else "."


def vote(head: str, mark: str, tail: str) -> int:
    """How far one number speaks for its last mark being the decimal one."""
    if len(tail) == 3:
        return 3 if re.search(r"[.,]", head.replace(mark, "")) else 0
    other = re.search(r"[.,'’\s]", head)
    return (4 if other else 3) if len(tail) == 2 else 1
