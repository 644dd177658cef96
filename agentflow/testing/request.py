"""What a model is asked and what it answers, whichever door the question came through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agentflow.testing.law import Outcome

Json = Any
"""What `json.loads` gives."""

Finish = Literal["stop", "length", "content_filter", "tool_calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to one model."""

    model: str
    text: str
    """What the user's messages say."""
    instructions: str = ""
    """What the system's messages say."""
    form: str = ""
    """The name of the asked form: of the JSON Schema, or of the tool that takes the answer."""
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The asked form; empty where none is known."""
    variant: int = 0
    """A hash of the messages."""
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int | None = None
    images: tuple[str, ...] = ()
    """sha256 of each picture, in hex."""
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Parameters by the name of the tool."""
    forced: str | None = None
    """The tool that must be called."""
    turn: int = 0
    """Tool calls that the model has made in this conversation."""

    @property
    def repeats(self) -> bool:
        """True if the same question gets the same answer."""
        return self.temperature == 0 or self.seed is not None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants called."""

    name: str
    arguments: str
    """JSON, as far as it is any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: what it says and, for who measures, what it is worth."""

    content: str | None
    refusal: str | None = None
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    outcome: Outcome | None = None
    """None where no value was given: a refusal, an empty or unreadable answer."""
    fault: str | None = None
    """The answer fault it has, by its name in faulty.toml."""
    fields: Mapping[str, Outcome] = field(default_factory=dict[str, Outcome])
    """By field, where every field errs for itself; the right ones are left out."""
    confidence: float = 0.5
    """What the model says of P(right)."""
    tokens_in: int = 0
    tokens_out: int = 0
