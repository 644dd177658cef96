"""A workflow is a table of steps; the record a step returns names the step that follows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Concatenate, Generic, TypeVar, overload

from typing_extensions import TypeForm

from agentflow.errors import WorkflowError
from agentflow.flow.check import Check
from agentflow.flow.closure import gaps
from agentflow.flow.policy import Policy
from agentflow.flow.step import Call, Kind, Signature, Step, label, members, name_of, read_signature, snake

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")
Made = TypeVar("Made")  # invariant on purpose: `build` holds the two sets against each other
Used = TypeVar("Used")
X = TypeVar("X")

DEFAULT_STEP_LIMIT = 100


@dataclass(frozen=True, kw_only=True)
class Workflow(Generic[In, Out]):
    """A closed table of steps: every record made is used, and every record used is made."""

    name: str
    takes: type[In]
    gives: tuple[type[Out], ...]
    steps: tuple[Step, ...]
    step_limit: int = DEFAULT_STEP_LIMIT
    """Steps in a row that one job may take; loops are legal, endless ones are not."""

    def steps_for(self, record: Any) -> tuple[Step, ...]:
        """The steps that start from `record`: none for an outcome, several after a `.fork`."""
        return tuple(step for step in self.steps if step.starts_from == record)

    @property
    def records(self) -> tuple[Any, ...]:
        """Every record of the table, the one it takes first."""
        named = [self.takes, *(r for step in self.steps for r in (*step.reads, *step.makes)), *self.gives]
        return tuple(dict.fromkeys(named))

    def record(self, name: str) -> Any:
        """The record type called `name`: one of the table's, or what stands in one of its lists."""
        inside = [made for step in self.steps for made in step.signature.makes]
        return next(record for record in (*self.records, *inside) if label(record) == name)


class Draft(Generic[In, Out, Made, Used]):
    """A workflow while it is being written; each call answers a longer draft."""

    def __init__(self, table: Workflow[In, Out]) -> None:
        self._table = table

    @overload
    def step(
        self,
        call: Callable[Concatenate[A, B, C, D, ...], Awaitable[R]],
        *,
        policy: Policy = ...,
        checks: Sequence[Check] = ...,
        sources: Mapping[str, Callable[..., Awaitable[R]]] = ...,
        effect: bool = ...,
        lookup: Callable[..., Awaitable[R | None]] | None = ...,
    ) -> "Draft[In, Out, Made | R, Used | A | B | C | D]": ...
    @overload
    def step(
        self,
        call: Callable[Concatenate[A, B, C, ...], Awaitable[R]],
        *,
        policy: Policy = ...,
        checks: Sequence[Check] = ...,
        sources: Mapping[str, Callable[..., Awaitable[R]]] = ...,
        effect: bool = ...,
        lookup: Callable[..., Awaitable[R | None]] | None = ...,
    ) -> "Draft[In, Out, Made | R, Used | A | B | C]": ...
    @overload
    def step(
        self,
        call: Callable[Concatenate[A, B, ...], Awaitable[R]],
        *,
        policy: Policy = ...,
        checks: Sequence[Check] = ...,
        sources: Mapping[str, Callable[..., Awaitable[R]]] = ...,
        effect: bool = ...,
        lookup: Callable[..., Awaitable[R | None]] | None = ...,
    ) -> "Draft[In, Out, Made | R, Used | A | B]": ...
    @overload
    def step(
        self,
        call: Callable[Concatenate[A, ...], Awaitable[R]],
        *,
        policy: Policy = ...,
        checks: Sequence[Check] = ...,
        sources: Mapping[str, Callable[..., Awaitable[R]]] = ...,
        effect: bool = ...,
        lookup: Callable[..., Awaitable[R | None]] | None = ...,
    ) -> "Draft[In, Out, Made | R, Used | A]": ...
    def step(
        self,
        call: Callable[..., Awaitable[Any]],
        *,
        policy: Policy = Policy(),
        checks: Sequence[Check] = (),
        sources: Mapping[str, Callable[..., Awaitable[Any]]] | None = None,
        effect: bool = False,
        lookup: Callable[..., Awaitable[Any]] | None = None,
    ) -> Any:
        """Adds a step: `call` starts when a record of its first parameter's type is made.

        Its further positional parameters read the latest earlier record of their type; what stands after the
        `*` is fetched: a model, connectors, the effect key. What it makes must pass every check before the next
        step sees it. `sources` are functions of the same form that stand in for `call` on the ladder's rung of
        their name.

        A step that changes the world says `effect=True` and takes an `EffectKey`. `lookup` gives what the key has
        made, or None; it takes records of the step and, after the `*`, connectors and the key, and is asked where a
        run ended in the middle of the effect. Without it the step is called again with the same key, and what it
        calls has to know the key. An effect may ask one model, for tools that write: `Policy(ladder=("small",))`.
        """
        row = _row(call, "step", policy=policy, checks=checks, sources=sources, effect=effect, lookup=lookup)
        return self._with(row)

    def each(
        self,
        call: Callable[Concatenate[A, ...], Awaitable[R]],
        *,
        policy: Policy = Policy(),
        checks: Sequence[Check] = (),
        sources: Mapping[str, Callable[..., Awaitable[R]]] | None = None,
    ) -> "Draft[In, Out, Made | list[R], Used | list[A]]":
        """Adds a step that turns a `list[A]` into a `list[R]`, a record at a time, side by side, in order."""
        row = _row(call, "each", policy=policy, checks=checks, sources=sources, effect=False)
        return self._with(row)

    @overload
    def fork(
        self, one: Callable[Concatenate[A, ...], Awaitable[R]], two: Callable[Concatenate[B, ...], Awaitable[S]], /
    ) -> "Draft[In, Out, Made | R | S, Used | A | B]": ...
    @overload
    def fork(
        self,
        one: Callable[Concatenate[A, ...], Awaitable[R]],
        two: Callable[Concatenate[B, ...], Awaitable[S]],
        three: Callable[Concatenate[C, ...], Awaitable[T]],
        /,
    ) -> "Draft[In, Out, Made | R | S | T, Used | A | B | C]": ...
    def fork(self, *calls: Callable[..., Awaitable[Any]]) -> Any:
        """Adds two or three steps that start from the same record side by side.

        A step that reads what all of them make joins them.
        """
        lane = len(self._table.steps)
        return self._with(*(replace(_row(call, "step"), lane=lane) for call in calls))

    def review(
        self, question: type[A], *, answers: TypeForm[B], checks: Sequence[Check] = ()
    ) -> "Draft[In, Out, Made | B, Used | A]":
        """Adds a step done by a person, who is shown a `question` and answers with one of `answers`."""
        signature = Signature(reads=(question,), needs={}, makes=members(answers))
        name = f"review_{snake(question.__name__)}"
        return self._with(Step(name=name, kind="review", call=_ask, signature=signature, checks=tuple(checks)))

    def build(self: "Draft[In, Out, X, X]") -> Workflow[In, Out]:
        """The closed workflow. Raises WorkflowError that names every gap and its mend."""
        if found := list(gaps(self._table)):
            text = "\n".join(f"  - {gap}" for gap in found)
            raise WorkflowError(f"workflow {self._table.name!r} does not close:\n{text}")
        return self._table

    def _with(self, *rows: Step) -> Any:
        return Draft[Any, Any, Any, Any](replace(self._table, steps=(*self._table.steps, *rows)))


def workflow(
    name: str, *, takes: type[In], gives: TypeForm[Out], step_limit: int = DEFAULT_STEP_LIMIT
) -> Draft[In, Out, In, Out]:
    """An empty table that starts from a `takes` record and ends with one of `gives`, its outcomes."""
    table = Workflow[Any, Any](name=name, takes=takes, gives=members(gives), steps=(), step_limit=step_limit)
    return Draft(table)


def _row(
    call: Call,
    kind: Kind,
    *,
    policy: Policy = Policy(),
    checks: Sequence[Check] = (),
    sources: Mapping[str, Call] | None = None,
    effect: bool = False,
    lookup: Call | None = None,
) -> Step:
    return Step(
        name=name_of(call),
        kind=kind,
        call=call,
        signature=read_signature(call),
        policy=policy,
        checks=tuple(checks),
        sources=dict(sources or {}),
        effect=effect,
        lookup=lookup,
    )


async def _ask(question: Any) -> Any:
    raise NotImplementedError("a review is answered by a person")
