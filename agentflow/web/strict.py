"""JSON as strictly as it is meant: no key twice, no NaN, no number or nesting past reason, no half characters."""

import json
import math
from collections.abc import Sequence
from typing import Any

from agentflow.web.problems import Problem

DEEPEST = 40
DIGITS = 40
"""The longest number."""


def strict_json(body: bytes) -> Any:
    """The value of a JSON text. Raises Problem."""
    _not_too_deep(body)
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text, parse_constant=_constant, parse_int=_integer, parse_float=_float, object_pairs_hook=_object
        )
        if "\\u" in text:
            _whole(value)
        return value
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, _Odd) else "The body is no JSON in UTF-8."
        raise Problem("invalid", why, errors=[{"pointer": "/", "code": "json_invalid"}]) from None


class _Odd(ValueError):
    """JSON that is refused although parsers take it."""


def _not_too_deep(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    deep = most = 0
    text = escaped = False
    for byte in body:
        if escaped:
            escaped = False
        elif text:
            escaped, text = byte == 0x5C, byte != 0x22
        elif byte == 0x22:
            text = True
        elif byte in b"[{":
            deep += 1
            most = max(most, deep)
        elif byte in b"]}":
            deep -= 1
    if most > DEEPEST:
        raise Problem(
            "invalid", f"The body nests deeper than {DEEPEST}.", errors=[{"pointer": "/", "code": "too_deep"}]
        )


def _constant(_: str) -> Any:
    raise _Odd("NaN and Infinity are no JSON.")


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise _Odd(f"A number has more than {DIGITS} digits.")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if len(text) > DIGITS or not math.isfinite(number):
        raise _Odd("A number is out of range.")
    return number


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Odd("A key stands twice in one object.")
    return made


def _whole(value: Any) -> None:
    """Refuses text that no database keeps: NUL, and surrogates without their other half."""
    match value:
        case str():
            if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
                raise _Odd("A text holds a NUL or half a character.")
        case dict():
            for key, inside in value.items():  # pyright: ignore[reportUnknownVariableType] - JSON is anything
                _whole(key)
                _whole(inside)
        case list():
            for inside in value:  # pyright: ignore[reportUnknownVariableType] - JSON is anything
                _whole(inside)
        case _:
            return
