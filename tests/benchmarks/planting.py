"""Planting: wrong values put into right answers, the ways in which readers of invoices err."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from agentflow.testing.law import Outcome
from agentflow.testing.mistakes import Leaf, Slip, leaves, mistake, replaced
from agentflow.testing.request import Request

KINDS = ("wrong field", "changed digit", "day and month swapped", "line missing", "line doubled", "invented")

WRONG_FIELDS = 2
"""Other values of the page that are tried in one field."""
INVENTED: Mapping[str, str] = {
    "po_number": "PO-4711-88", "iban": "DE89370400440532013000", "due_date": "2031-05-17",
    "buyer_vat_id": "DE811907980", "supplier_vat_id": "DE811907980", "prepaid": "37.11",
}  # fmt: skip
"""What is put where the page says nothing; each is of the form that its field asks for."""
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_CODE = re.compile(r"(?<!\w)[A-Z0-9][A-Z0-9/_-]*\d[A-Z0-9/_-]*(?!\w)")
_CODES = ("invoice_number", "po_number")


@dataclass(frozen=True)
class Planted:
    """A right answer with one thing made wrong."""

    kind: str
    path: str
    value: Any
    """What stands there now; None where a line is missing or doubled."""
    answer: Mapping[str, Any]


def planted(answer: Mapping[str, Any], text: str, rng: random.Random) -> list[Planted]:
    """Every field made wrong in every way that its page gives occasion to."""
    found = [error for leaf in leaves(answer) for error in _in(leaf, answer, text, rng)]
    return [*found, *_lines(answer), *_invented(answer, text)]


def _in(leaf: Leaf, answer: Mapping[str, Any], text: str, rng: random.Random) -> Iterator[Planted]:
    for value, quote in _others(leaf, answer, text, rng):
        yield _with("wrong field", leaf, answer, value, quote)
    slip = Slip(leaf, Outcome.DETECTABLE, 0, answer, Request(model="", text=text))
    changed = mistake(slip)
    yield Planted("changed digit", leaf.name, _value(changed), replaced(answer, leaf.path, changed))
    if swapped := _swapped(str(leaf.value)):
        yield _with("day and month swapped", leaf, answer, swapped, leaf.quote)


def _others(leaf: Leaf, answer: Mapping[str, Any], text: str, rng: random.Random) -> Sequence[tuple[Any, str | None]]:
    """Values that belong elsewhere: of the answer's other fields or of the page; never the right one."""
    found = dict(_by_kit(leaf, answer, text))
    if leaf.name in _CODES:
        found |= {code: code for code in _CODE.findall(text)}
    different = [(v, q) for v, q in found.items() if not _same(v, leaf.value)]
    return rng.sample(different, min(WRONG_FIELDS, len(different)))


def _by_kit(leaf: Leaf, answer: Mapping[str, Any], text: str) -> Iterator[tuple[Any, str | None]]:
    """The kit's plausible values; it changes a digit where there are none, and those are left out."""
    known = {str(other.value) for other in leaves(answer)}
    for number in range(12):
        slip = Slip(leaf, Outcome.CORRELATED, number, answer, Request(model="", text=text))
        made = mistake(slip)
        value, quote = _value(made), made.get("quote") if isinstance(made, dict) else None
        if str(value) in known or (quote is not None and quote in text and quote != str(leaf.value)):
            yield value, quote


def _lines(answer: Mapping[str, Any]) -> Iterator[Planted]:
    lines: list[Any] = answer["lines"]
    for place in range(len(lines) if len(lines) > 1 else 0):
        yield Planted("line missing", "lines", None, {**answer, "lines": lines[:place] + lines[place + 1 :]})
    for place in range(len(lines)):
        yield Planted("line doubled", "lines", None, {**answer, "lines": [*lines[: place + 1], *lines[place:]]})


def _invented(answer: Mapping[str, Any], text: str) -> Iterator[Planted]:
    for name, value in INVENTED.items():
        if answer.get(name) is None and value not in text:
            made = {**answer, name: {"value": value, "quote": value}}
            yield Planted("invented", name, value, made)


def _with(kind: str, leaf: Leaf, answer: Mapping[str, Any], value: Any, quote: str | None) -> Planted:
    made = leaf.with_value(value, quote)
    return Planted(kind, leaf.name, value, replaced(answer, leaf.path, made))


def _value(made: Any) -> Any:
    return made["value"] if isinstance(made, dict) else made


def _same(one: Any, other: Any) -> bool:
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return "".join(str(one).split()).casefold() == "".join(str(other).split()).casefold()


def _swapped(value: str) -> str | None:
    """The date with day and month changed over, where that is another date."""
    if not (found := _DATE.fullmatch(value)):
        return None
    year, month, day = map(int, found.groups())
    return None if day > 12 or day == month else date(year, day, month).isoformat()
