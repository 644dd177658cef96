"""Steps: plain async functions, and what their signatures say of the records they read and make."""

import inspect
import types
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from agentflow.errors import WorkflowError
from agentflow.flow.check import Check, tied_by
from agentflow.flow.policy import EffectKey, Policy

Kind = Literal["step", "each", "review"]
Call = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Signature:
    """What a function reads (positional parameters), needs (after the `*`, no default) and makes (its return type)."""

    reads: tuple[Any, ...]
    needs: Mapping[str, Any]
    makes: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row of the table: a function, the records it reads and makes, and the policy it runs under."""

    name: str
    kind: Kind
    call: Call
    signature: Signature
    policy: Policy = field(default_factory=Policy)
    checks: tuple[Check, ...] = ()
    sources: Mapping[str, Call] = field(default_factory=dict[str, Call])
    effect: bool = False
    lookup: Call | None = None
    """Of an effect: what its key has made, None where it made nothing."""
    lane: int | None = None
    """Steps of one `.fork` share a number."""

    @property
    def starts_from(self) -> Any:
        """The record whose making starts this step: the record itself, `list[Record]` for an `.each`."""
        first = self.signature.reads[0]
        return list[first] if self.kind == "each" else first

    @property
    def reads(self) -> tuple[Any, ...]:
        """The records it takes from the edges: what starts it, then what it looks back for."""
        return (self.starts_from, *self.signature.reads[1:])

    @property
    def makes(self) -> tuple[Any, ...]:
        """What it puts on the edges: a `list` of what its function makes for an `.each`."""
        return tuple(list[made] for made in self.signature.makes) if self.kind == "each" else self.signature.makes

    @cached_property
    def checks_by_name(self) -> Mapping[str, Check]:
        """The checks by a name of their own: those that share a function's name are numbered, `grounded#2`."""
        named: dict[str, Check] = {}
        for check in self.checks:
            base = name = name_of(check)
            number = 1
            while name in named:
                number += 1
                name = f"{base}#{number}"
            named[name] = check
        return named

    @cached_property
    def ties(self) -> Mapping[str, tuple[str, ...]]:
        """By the name of a check that ties fields together: their paths."""
        return {name: tied for name, check in self.checks_by_name.items() if (tied := tied_by(check))}

    @property
    def key_name(self) -> str | None:
        """The parameter that takes the effect's key."""
        return next((name for name, kind in self.signature.needs.items() if kind is EffectKey), None)


def read_signature(call: Callable[..., Any]) -> Signature:
    """What `call` reads, needs and makes. Raises WorkflowError where a type is missing."""
    hints = _hints(call)
    parameters = list(inspect.signature(call).parameters.values())
    if missing := [p.name for p in parameters if p.name not in hints]:
        raise WorkflowError(f"{name_of(call)}: give {', '.join(missing)} a type; steps are wired by their types")
    if "return" not in hints:
        raise WorkflowError(
            f"{name_of(call)}: say what it returns; the record a step makes names the step that follows"
        )
    return Signature(
        reads=tuple(hints[p.name] for p in parameters if p.kind is not p.KEYWORD_ONLY),
        needs={p.name: hints[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty},
        makes=members(hints["return"]),
    )


def members(hint: Any) -> tuple[Any, ...]:
    """The members of a union; the type itself where it is none."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def label(record: Any) -> str:
    """What a record type is called on an edge: `Invoice`, `list[Line]`."""
    if get_origin(record) is list:
        return f"list[{label(get_args(record)[0])}]"
    return getattr(record, "__name__", str(record))


def item_of(record: Any) -> Any:
    """The record type inside a `list[Record]`; None where `record` is no list."""
    return get_args(record)[0] if get_origin(record) is list else None


def place_of(kind: Any, reads: Sequence[Any]) -> int | None:
    """Which of the record types that a step reads is a `kind`; None where none is."""
    exact = (i for i, read in enumerate(reads) if read == kind)
    wider = (i for i, read in enumerate(reads) if isinstance(kind, type) and isinstance(read, type))
    return next(exact, next((i for i in wider if issubclass(reads[i], kind)), None))


def as_list(made: Any) -> list[Any] | None:
    """A step's list of records; None where it made one record."""
    return cast("list[Any]", made) if isinstance(made, list) else None


def load(kind: Any, value: Any) -> Any:
    """The record, or list of records, of that type from its JSON. Raises pydantic's ValidationError."""
    if (item := item_of(kind)) is not None:
        return [item.model_validate(one) for one in value]
    return kind.model_validate(value)


def name_of(call: Callable[..., Any]) -> str:
    """The name a function goes by in messages."""
    return getattr(call, "__name__", type(call).__name__)


def snake(words: str) -> str:
    """`DoesItAddUp` as `does_it_add_up`."""
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(words))


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    target: Any = call if inspect.isroutine(call) else type(call).__call__
    try:
        return get_type_hints(target)
    except NameError as error:
        raise WorkflowError(
            f"{name_of(call)}: its types cannot be read ({error}); import them at the module's top"
        ) from error
