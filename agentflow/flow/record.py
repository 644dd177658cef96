"""Records: the typed values that travel between the steps of a workflow."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

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
    part, _, rest = path.partition(".")
    return any(not rest or has_path(below, rest) for below in _below(kind, part))


def _below(kind: Any, part: str) -> Iterator[Any]:
    inside = get_args(kind)
    if kind is Any:
        yield Any
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        if part in kind.model_fields:
            yield kind.model_fields[part].annotation
    elif get_origin(kind) in (list, tuple):
        yield from (one for one in inside if one is not Ellipsis and (part == "*" or part.isdigit()))
    elif get_origin(kind) is dict:
        yield inside[1]
    else:
        for option in inside:
            yield from _below(option, part)
