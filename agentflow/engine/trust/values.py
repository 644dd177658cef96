"""Values: the leaf fields of what a step makes, path by path, and a record put together from several."""

import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, cast

from pydantic import BaseModel, ValidationError

from agentflow.flow.record import Evidence

SHAPE = "#"
"""The last part of a path that tells what stands there: a record's type, a list's length, a table's keys."""

Leaves = Mapping[str, Any]
"""Values to compare by, by path: `lines.2.amount`; `lines.#` is a list's length, `#` the type of the whole."""


def leaves(made: Any) -> dict[str, Any]:
    """The leaf fields of what a step made. What a record says of its own evidence is left out."""
    return dict(_leaves("", made))


def is_shape(path: str) -> bool:
    """Whether a path tells what stands there, and not a value."""
    return path == SHAPE or path.endswith(f".{SHAPE}")


def evidence_of(made: Any) -> str | None:
    """The name of the field that holds evidence by path, where the record has one."""
    return _evidence_field(type(made)) if isinstance(made, BaseModel) else None


def confidences(made: Any) -> dict[str, float]:
    """What an answer says of its own values, by path; empty where its record keeps no evidence."""
    name = evidence_of(made)
    return {} if name is None else {path: each.trust for path, each in getattr(made, name).items()}


def put_together(base: Any, donors: Mapping[str, Any]) -> Any:
    """`base` with the values at the paths of `donors` as those have them; None where that makes no valid record."""
    tree, evidence = dump(base), evidence_of(base)
    for path, donor in donors.items():
        source = dump(donor)
        _put(tree, path.split("."), _at(source, path.split(".")))
        if evidence and path in source[evidence]:
            tree[evidence][path] = source[evidence][path]
    try:
        if isinstance(base, list):
            rows = zip(cast("list[BaseModel]", base), tree, strict=True)
            return [type(one).model_validate(row) for one, row in rows]
        return cast("type[BaseModel]", type(base)).model_validate(tree)
    except ValidationError:
        return None


def dump(made: Any, mode: Literal["python", "json"] = "python") -> Any:
    """What a step made as plain data."""
    if isinstance(made, list):
        return [dump(one, mode) for one in cast("list[Any]", made)]
    return made.model_dump(mode=mode)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield _below(path, SHAPE), type(value).__name__
        left_out = _evidence_field(type(value)) if not path else None
        for name in type(value).model_fields:
            if name != left_out:
                yield from _leaves(_below(path, name), getattr(value, name))
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        yield _below(path, SHAPE), len(items)
        for place, item in enumerate(items):
            yield from _leaves(_below(path, str(place)), item)
    elif isinstance(value, dict):
        table = cast("dict[Any, Any]", value)
        yield _below(path, SHAPE), tuple(sorted(map(str, table)))
        for name, item in table.items():
            yield from _leaves(_below(path, str(name)), item)
    else:
        yield path, _canonical(value)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _canonical(value: Any) -> Hashable:
    """A text is the same however its letters are composed and its spaces fall."""
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split())
    return value if isinstance(value, Hashable) else repr(value)


@lru_cache(1024)
def _evidence_field(kind: type[BaseModel]) -> str | None:
    fields = kind.model_fields.items()
    return next((name for name, field in fields if field.annotation == dict[str, Evidence]), None)


def _at(tree: Any, parts: Sequence[str]) -> Any:
    at: Any = tree
    for part in parts:
        at = at[int(part) if isinstance(at, list) else part]
    return at


def _put(tree: Any, parts: Sequence[str], value: Any) -> None:
    place = _at(tree, parts[:-1])
    place[int(parts[-1]) if isinstance(place, list) else parts[-1]] = value
