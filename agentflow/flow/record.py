"""Records: the typed values that travel between the steps of a workflow."""

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

Box = tuple[float, float, float, float]
"""A rectangle on a page: x0, y0, x1, y1 in PDF points, the origin at the top left."""


class Record(BaseModel):
    """A frozen value that a step takes or makes; its class name labels the edge it travels on."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(Record):
    """Where a value comes from and how far it is trusted."""

    trust: float = Field(ge=0, le=1)
    """0 to 1: what the source itself says of this value, until an exam has measured the source."""
    source: str
    """The source that gave the value: a model role, `xml`, `device`, `person` ..."""
    page: int | None = None
    """1-based page the value is printed on, where there is a page."""
    box: Box | None = None
    quote: str | None = None
    """The text the value follows from, as printed."""


class Document(Record):
    """A reference to a file in the blob store; the bytes themselves never travel in a record."""

    name: str
    """What the sender called it; for people, never used as a path."""
    sha256: str
    size: int
    """Bytes."""


def has_path(kind: Any, path: str) -> bool:
    """Whether values of type `kind` can have a value at `path`; `*` stands for the places of a list."""
    return any(True for _ in kinds_at(kind, path))


def kinds_at(kind: Any, path: str) -> Iterator[Any]:
    """The types that a value at `path` of a `kind` can have; none where there is no such path."""
    part, _, rest = path.partition(".")
    for below in _below(kind, part):
        if rest:
            yield from kinds_at(below, rest)
        else:
            yield below


def options_of(kind: Any) -> list[Any]:
    """The types that a value of type `kind` can have, None left out: of a union, each."""
    if get_origin(kind) is Annotated:
        return options_of(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [option for one in get_args(kind) for option in options_of(one)]
    return [] if kind is type(None) else [kind]


def parts_of(kind: Any) -> list[str] | None:
    """What stands right inside a record, a list (`*` for its places) or a table (`KEY`); None for a plain value."""
    shape = get_origin(kind) or kind
    if not isinstance(shape, type) or issubclass(shape, str | bytes):
        return None
    if issubclass(shape, BaseModel):
        return list(shape.model_fields)
    if issubclass(shape, Mapping):
        return ["KEY"]
    return ["*"] if issubclass(shape, Sequence) else None


def _below(kind: Any, part: str) -> Iterator[Any]:
    inside = get_args(kind)
    if kind is Any:
        yield Any
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        if part in kind.model_fields:
            yield kind.model_fields[part].annotation
    elif get_origin(kind) is Annotated:
        yield from _below(inside[0], part)
    elif get_origin(kind) in (list, tuple, Sequence):
        yield from (one for one in inside if one is not Ellipsis and (part == "*" or part.isdigit()))
    elif get_origin(kind) in (dict, Mapping):
        yield inside[1]
    else:
        for option in inside:
            yield from _below(option, part)
