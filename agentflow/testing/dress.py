"""How an answer looks when its form is wrong: refusals, cuts, words around the JSON, fields gone or of another type."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from agentflow.testing.chance import uniform
from agentflow.testing.law import Outcome
from agentflow.testing.mistakes import leaves, replaced
from agentflow.testing.request import Json, Reply, Request

REFUSAL = "I'm sorry, but I can't help with that."
NONSENSE = "the of a moreover window seventeen green ideas and then"

_PLACE, _WAY = 21, 22

Dress = Callable[[Reply, Json, Request, int], Reply]
"""Takes a sound reply, the JSON it says, what was asked and the key of the call."""


as_text: Callable[[Json], str] = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""JSON as a model writes it; dates and Decimals of the truth become strings."""


def broken(said: Json, request: Request, call: int) -> Json:
    """An answer that the asked form does not allow: a field it requires is missing, or a value is of another type."""
    required = [name for name in _required(request) if name in fields_of(said)]
    if required and uniform(call, _WAY) < 0.5:
        return _without(fields_of(said), required, call)
    return _mistyped(said, call)


def fields_of(said: Json) -> dict[str, Any]:
    """The fields of a JSON object; none where it is something else."""
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def cut(text: str, call: int) -> str:
    """The beginning of a text, never all of it."""
    return text[: _place(call, max(len(text) - 1, 1))]


def _place(call: int, size: int) -> int:
    return int(uniform(call, _PLACE) * size)


def _required(request: Request) -> list[str]:
    return list(request.schema.get("required", ()))


def _without(said: dict[str, Any], names: list[str], call: int) -> Json:
    gone = names[_place(call, len(names))]
    return {name: value for name, value in said.items() if name != gone}


def _mistyped(said: Json, call: int) -> Json:
    found = leaves(said)
    if not found:
        return [said] if isinstance(said, dict) else {"value": said}
    leaf = found[_place(call, len(found))]
    return replaced(said, leaf.path, [leaf.value])


def _refusal(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=None, refusal=REFUSAL, outcome=None)


def _content_filter(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content="", finish="content_filter", outcome=None)


def _length(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=cut(reply.content or "", call), finish="length", outcome=None)


def _prose(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=f"Sure! This is what I found:\n\n{reply.content}\n\nLet me know if you need more.")


def _fence(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=f"```json\n{reply.content}\n```")


def _wrong_type(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=as_text(_mistyped(said, call)), outcome=Outcome.DETECTABLE)


def _extra_field(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    more = {**fields_of(said), "remark": "as printed"}
    return replace(reply, content=as_text(more))


def _missing_field(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    """Loses a field that the form requires; any field where it requires none."""
    fields = fields_of(said)
    names = [name for name in _required(request) if name in fields] or list(fields)
    less = _without(fields, names, call) if names else None
    return replace(reply, content=as_text(less), outcome=Outcome.DETECTABLE)


def _cut_json(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=cut(reply.content or "", call), outcome=None)


def _empty(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content="", outcome=None)


def _nonsense(reply: Reply, said: Json, request: Request, call: int) -> Reply:
    return replace(reply, content=NONSENSE, outcome=Outcome.DETECTABLE)


DRESSES: Mapping[str, Dress] = {
    "refusal": _refusal,
    "content_filter": _content_filter,
    "length": _length,
    "prose": _prose,
    "fence": _fence,
    "wrong_type": _wrong_type,
    "extra_field": _extra_field,
    "missing_field": _missing_field,
    "cut_json": _cut_json,
    "empty": _empty,
    "nonsense": _nonsense,
}
"""By the name of the fault in faulty.toml."""
