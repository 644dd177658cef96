"""Records: the typed values that travel between the steps of a workflow."""

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
