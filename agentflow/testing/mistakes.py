"""Mistakes: wrong values made from the right answer and the page, the way models make them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, count, islice
from typing import Any, cast

from agentflow.testing.law import Outcome
from agentflow.testing.request import Json, Request

Path = tuple[str | int, ...]
QUOTED = {"value", "quote"}
"""An object with these keys is one value with the text it was read from; both are mistaken together."""

_AMOUNT = re.compile(r"(?<![\w.,])-?\d{1,3}(?:[.,' ]?\d{3})*[.,]\d{2}(?![\w]|[.,]\d)")
_WHOLE = re.compile(r"(?<![\w.,])\d{1,9}(?![\w]|[.,]\d)")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MARKERS = re.compile(r"\[(?:case|step):[^\]]*\]")

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Leaf:
    """A value of an answer and where it stands."""

    path: Path
    value: Any
    quote: str | None = None

    @property
    def name(self) -> str:
        """The path as problems write it: `lines.2.line_total`."""
        return ".".join(map(str, self.path))

    @property
    def kind(self) -> str:
        """The last word of its field's name: `total` of `net_total`, `name` of `buyer_name`."""
        field = next((part for part in reversed(self.path) if isinstance(part, str)), "")
        return field.rpartition("_")[2]

    def with_value(self, value: Any, quote: str | None = None) -> Json:
        """What stands in its place when the value is another one."""
        if self.quote is None:
            return value
        return {"value": value, "quote": str(value) if quote is None else quote}


@dataclass(frozen=True)
class Slip:
    """A mistake that is to be made: in which value, of which kind, and which of the wrong values (from 0)."""

    leaf: Leaf
    outcome: Outcome
    number: int
    answer: Json
    """The right one."""
    request: Request


Mistake = Callable[[Slip], Json]
"""Makes what stands in the leaf's place. The same slip always makes the same value."""


def leaves(answer: Json, path: Path = ()) -> list[Leaf]:
    """The values of an answer that can be mistaken: what is null is left alone."""
    if isinstance(answer, dict):
        table = cast("dict[str, Any]", answer)
        if table.keys() >= QUOTED and not isinstance(table["value"], (dict, list)):
            return [Leaf(path, table["value"], str(table["quote"]))]
        return [leaf for name, value in table.items() for leaf in leaves(value, (*path, name))]
    if isinstance(answer, list):
        items = cast("list[Any]", answer)
        return [leaf for place, value in enumerate(items) for leaf in leaves(value, (*path, place))]
    return [] if answer is None else [Leaf(path, answer)]


def replaced(answer: Json, path: Path, value: Json) -> Json:
    """The answer with `value` at `path`; the answer itself stays as it is."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(answer, list):
        items = cast("list[Any]", answer)
        return [replaced(one, rest, value) if place == step else one for place, one in enumerate(items)]
    return {**answer, step: replaced(answer[step], rest, value)}


def mistake(slip: Slip) -> Json:
    """Another value of the same kind, or another one of the page; a changed digit where there is none.

    A detectable one is a changed digit that stands nowhere on the page. Where the page holds fewer wrong values
    than `wrong_values`, they are used again.
    """
    leaf, text = slip.leaf, _MARKERS.sub("", slip.request.text)
    if slip.outcome is Outcome.DETECTABLE:
        fresh = (value for value in _changed(leaf.value) if str(value) not in text)
        return leaf.with_value(next(islice(fresh, slip.number, None)))
    found = list(dict.fromkeys(_plausible(leaf, slip, text)))
    if found:
        return leaf.with_value(*found[slip.number % len(found)])
    return leaf.with_value(next(islice(_changed(leaf.value), slip.number, None)))


def schema_at(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of a JSON Schema that speaks of the value at `path`; empty where none does."""
    place: Any = schema
    for step in path:
        options = _options(place, schema)
        below = (o.get("properties", {}).get(step) if isinstance(step, str) else o.get("items") for o in options)
        place = next((one for one in below if one), NOTHING)
    return next((o for o in _options(place, schema) if "enum" in o), place)


def _options(place: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if ref := place.get("$ref"):
        return _options(schema.get("$defs", {}).get(str(ref).rpartition("/")[2], {}), schema)
    if several := place.get("anyOf") or place.get("oneOf"):
        return [option for one in several for option in _options(one, schema)]
    return [place]


def _plausible(leaf: Leaf, slip: Slip, text: str) -> Iterator[tuple[Any, str | None]]:
    if isinstance(leaf.value, bool):
        yield not leaf.value, None
        return
    if members := schema_at(slip.request.schema, leaf.path).get("enum"):
        yield from ((member, None) for member in members if member not in (leaf.value, None))
        return
    for other in leaves(slip.answer):
        alike = other.kind == leaf.kind and type(other.value) is type(leaf.value)
        if other.path != leaf.path and alike and other.value != leaf.value:
            yield other.value, other.quote
    yield from _of_page(leaf.value, text)


def _of_page(value: Any, text: str) -> Iterator[tuple[Any, str | None]]:
    """Other numbers of the page, where the value itself is one that stands on it."""
    if isinstance(value, int):
        whole = [int(printed) for printed in _WHOLE.findall(text)]
        yield from ((number, str(number)) for number in whole if value in whole and number != value)
    elif isinstance(value, float) or _DECIMAL.fullmatch(str(value)):
        printed = {plain(amount): amount for amount in _AMOUNT.findall(text)}
        mine = next((p for p in printed if float(p) == float(value)), None)
        others = [(p, shown) for p, shown in printed.items() if mine is not None and p != mine]
        yield from ((type(value)(p), shown) for p, shown in others)


def plain(amount: str) -> str:
    """An amount as printed, `1.234,56`, in plain notation: `1234.56`."""
    sign = "-" if amount.startswith("-") else ""
    digits = re.sub(r"\D", "", amount)
    return f"{sign}{digits[:-2].lstrip('0') or '0'}.{digits[-2:]}"


def _changed(value: Any) -> Iterator[Any]:
    """The value with one thing changed, without end, each of them once."""
    if isinstance(value, bool):
        return (not value for _ in count())
    if isinstance(value, (int, float)):
        kind = type(value)
        return _unlike(value, (kind(text) for text in _misread(str(value))))
    text = str(value)
    if _DATE.match(text):
        day = _day(text[:10])
        return (f"{day + timedelta(days=n)}{text[10:]}" for n in count(1)) if day else _misread(text)
    return _misread(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _unlike(value: Any, others: Iterator[Any]) -> Iterator[Any]:
    seen = {value}
    return (seen.add(other) or other for other in others if other not in seen)


def _misread(text: str) -> Iterator[str]:
    """One digit read as another, from the last one on; letters swapped where there is no digit; then a longer text."""
    places = [i for i, c in enumerate(text) if c.isascii() and c.isdigit()][::-1]
    digits = (f"{text[:i]}{(int(text[i]) + add) % 10}{text[i + 1 :]}" for add in range(1, 10) for i in places)
    pairs = [i for i in range(len(text) - 1) if text[i] != text[i + 1] and text[i : i + 2].isalpha()]
    swaps = (f"{text[:i]}{text[i + 1]}{text[i]}{text[i + 2 :]}" for i in ([] if places else pairs))
    return chain(digits, swaps, (f"{text}{n}" for n in count(1)))
