"""Values: the leaf fields of what a step makes, path by path, and a record put together from several."""

import math
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import NoneType
from typing import Any, Literal, NamedTuple, cast, get_args

from pydantic import BaseModel, ValidationError

from agentflow.flow.record import Evidence

SHAPE = "#"
"""The last part of a path that tells what stands there: a record's type, a list's length, a table's keys."""

Leaves = Mapping[str, Any]
"""Values to compare by, by path: `lines.2.amount`; `lines.#` is a list's length, `#` the type of the whole."""

ESCAPES = (("~", "~0"), (".", "~1"), ("#", "~2"))
"""How a key is written in a path, as in a JSON Pointer (RFC 6901), so that no two values have one path."""


class OnlyType(str):
    """The name of a record's type where no other can stand: what it says is told by the record's fields."""

    __slots__ = ()


class _Declared(NamedTuple):
    """Which record a field can hold, itself or in a list or table of it."""

    part: str
    """The field's name as it stands in a path."""
    kind: type[BaseModel] | None
    """None where there are several, or where it is not told."""
    optional: bool


def leaves(made: Any) -> dict[str, Any]:
    """The leaf fields of what a step made. What a record says of its own evidence is left out."""
    return dict(_leaves("", made))


def shown(path: str) -> str:
    """The path with its keys as they are, for people."""
    for plain, escaped in reversed(ESCAPES):
        path = path.replace(escaped, plain)
    return path


def is_empty(path: str, value: Any) -> bool:
    """Whether nothing stands at the path: no value, or a list or table without items."""
    return value is None or (is_shape(path) and value in (0, ()))


def is_shape(path: str) -> bool:
    """Whether a path tells what stands there, and not a value."""
    return path == SHAPE or path.endswith(f".{SHAPE}")


def evidence_of(made: Any) -> str | None:
    """The name of the field that holds evidence by path, where the record has one."""
    return evidence_field(type(made)) if isinstance(made, BaseModel) else None


def confidences(made: Any) -> dict[str, float]:
    """What an answer says of its own values, by path; empty where its record keeps no evidence."""
    name = evidence_of(made)
    return {} if name is None else {path: each.trust for path, each in getattr(made, name).items()}


def put_together(base: Any, donors: Mapping[str, Any]) -> Any:
    """`base` with the values at the paths of `donors` as those have them; None where that makes no valid record."""
    tree, evidence = dump(base), evidence_of(base)
    for path, donor in donors.items():
        source, parts = dump(donor), path.split(".")
        tree = _with(tree, parts, _at(source, parts))
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


def _leaves(path: str, value: Any, declared: _Declared | None = None) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from _fields(path, value, declared)
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        yield _below(path, SHAPE), len(items)
        for place, item in enumerate(items):
            yield from _leaves(_below(path, str(place)), item, declared)
    elif isinstance(value, dict):
        table = cast("dict[Any, Any]", value)
        keys = _keys(table)
        yield _below(path, SHAPE), tuple(keys)
        for part, key in keys.items():
            yield from _leaves(_below(path, part), table[key], declared)
    else:
        yield path, _canonical(value)


def _fields(path: str, record: BaseModel, declared: _Declared | None) -> Iterator[tuple[str, Any]]:
    kind = type(record)
    left_out = evidence_field(kind) if not path else None
    below = [
        leaf
        for name, each in _declared(kind).items()
        if name != left_out
        for leaf in _leaves(_below(path, each.part), getattr(record, name), each)
    ]
    # Where the record may be left out, that it is there is told by its fields alone.
    sure = declared is not None and declared.kind is kind and (bool(below) or not declared.optional)
    yield _below(path, SHAPE), OnlyType(kind.__name__) if sure else kind.__name__
    yield from below


@lru_cache(1024)
def _declared(kind: type[BaseModel]) -> dict[str, _Declared]:
    found = {name: list(_named(field.annotation)) for name, field in kind.model_fields.items()}
    records = {name: {one for one in named if one is not NoneType} for name, named in found.items()}
    return {
        name: _Declared(_part(name), next(iter(records[name])) if len(records[name]) == 1 else None, NoneType in named)
        for name, named in found.items()
    }


def _named(annotation: Any) -> Iterator[Any]:
    """The records that a type names, at whatever depth, and None where it does."""
    inside = get_args(annotation)
    if annotation is Any:
        yield Any
    elif not inside and isinstance(annotation, type) and issubclass(annotation, (BaseModel, NoneType)):
        yield annotation
    for one in inside:
        yield from _named(one)


def _keys(table: Mapping[Any, Any]) -> dict[str, Any]:
    """The keys by the part of a path that stands for each; two that are written alike have different ones."""
    found: dict[str, Any] = {}
    for key in sorted(table, key=lambda key: (str(key), type(key).__name__)):
        part = _part(str(key))
        while part in found:
            part += "~"
        found[part] = key
    return found


def _part(key: str) -> str:
    for plain, escaped in ESCAPES:
        key = key.replace(plain, escaped)
    return key


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _canonical(value: Any) -> Hashable:
    """A text is the same however its letters are composed and its spaces fall; one without letters is no value."""
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split()) or None
    if (isinstance(value, float) and math.isnan(value)) or (isinstance(value, Decimal) and value.is_nan()):
        return "NaN"  # which is not the same as itself, and so no value to compare by
    return value if isinstance(value, Hashable) else repr(value)


@lru_cache(1024)
def evidence_field(kind: type[BaseModel]) -> str | None:
    """The name of the field of a record type that holds evidence by path, where it has one."""
    fields = kind.model_fields.items()
    return next((name for name, field in fields if field.annotation == dict[str, Evidence]), None)


def _at(tree: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        tree = tree[_place(tree, part)]
    return tree


def _with(tree: Any, parts: Sequence[str], value: Any) -> Any:
    """The tree with the value there; what stands beside it is shared."""
    if not parts:
        return value
    place = _place(tree, parts[0])
    grown = _with(tree[place], parts[1:], value)
    if isinstance(tree, dict):
        return {**cast("dict[Any, Any]", tree), place: grown}
    items = cast("Sequence[Any]", tree)
    changed = [*items[:place], grown, *items[place + 1 :]]
    return tuple(changed) if isinstance(tree, tuple) else changed


def _place(tree: Any, part: str) -> Any:
    return _keys(cast("dict[Any, Any]", tree))[part] if isinstance(tree, dict) else int(part)
