"""The trace: the line that an attempt leaves in its job's journal, and the meter of what it asked of models."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any, Literal, TypeVar
from uuid import uuid4

from agentflow.engine.trust.values import dump, evidence_of
from agentflow.engine.trust.verdict import Asked, Attempt
from agentflow.flow.check import Problem
from agentflow.flow.journal import AttemptLine, Begun, CostLine, Journal
from agentflow.flow.step import Step, as_list, label

P = TypeVar("P")

RAISED, ASKED = "raised", "asked"
"""The fault of an attempt whose own code raised an error, and of a person's who has not answered yet."""
PERSON = "person"

WATCHING: ContextVar[Literal["shapes", "contents"] | None] = ContextVar("WATCHING", default=None)
"""What calls are to tell of what they send and get, where spans are made of them."""


class Meter:
    """A journal that tells what it was given cost; one of an attempt puts the attempt's id on every cost line."""

    def __init__(self, journal: Journal, attempt: str = "") -> None:
        self._journal = journal
        self.cost = Decimal(0)
        """USD."""
        self.asked = Asked(attempt)

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line."""
        self.cost += line.cost
        self.asked = Asked(
            self.asked.attempt,
            self.asked.model or line.model,
            self.asked.prompt or line.prompt,
            self.asked.tokens_in + line.tokens_in,
            self.asked.tokens_out + line.tokens_out,
        )
        await self._journal.spend(replace(line, attempt=self.asked.attempt) if self.asked.attempt else line)

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt."""
        await self._journal.attempt(line)

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts."""
        return await self._journal.begin_effect(key, step)

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done, and the attempt that made it."""
        await self._journal.end_effect(key, made, line)


def line_of(
    step: Step,
    item: int | None,
    number: int,
    attempt: Attempt,
    *,
    trust: tuple[float, float] | None = None,
    accepted: bool = False,
    left: Attempt | None = None,
    ladder: Sequence[str] = (),
) -> AttemptLine:
    """What the journal keeps of an attempt; `trust` is that before and that after it.

    `left` is what left the step after it, and `ladder` who could be asked.
    """
    asked, (before, after) = attempt.asked, trust or (None, None)
    return AttemptLine(
        attempt=asked.attempt or new_id(),
        step=step.name,
        item=item,
        number=number,
        source=attempt.source,
        fault=attempt.fault,
        problems=attempt.problems,
        trust_before=before,
        trust_after=after,
        made=None if attempt.made is None else _made(attempt.made),
        output=_output(attempt.made) if step.policy.ladder else None,
        accepted=accepted,
        model=asked.model,
        prompt=asked.prompt,
        tokens_in=asked.tokens_in,
        tokens_out=asked.tokens_out,
        seconds=attempt.seconds,
        cost=attempt.cost,
        weighed=_weighed(step, attempt, left, ladder, judged=trust is not None) or None,
    )


def _weighed(
    step: Step, attempt: Attempt, left: Attempt | None, ladder: Sequence[str], *, judged: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {"said": {name: len(problems) for name, problems in attempt.said.items()}}
    if judged:
        found |= {"told": sorted(attempt.told), "sure": dict(attempt.confidences)}
        found |= {"ladder": list(ladder) if tuple(ladder) != step.policy.ladder else None}
    if left is not None and left is not attempt:
        codes = {name: sorted({p.code for p in problems}) for name, problems in left.said.items()}
        found |= {"left": {"source": left.source, "found": codes}}
    return {name: value for name, value in found.items() if value}


def said_by(problems: Sequence[P], weighed: Mapping[str, Any] | None) -> dict[str, tuple[P, ...]]:
    """By check that has seen an answer: which of its problems it found; from what the journal keeps of the attempt."""
    counts: Mapping[str, int] = (weighed or {}).get("said", {})
    rest = iter(problems)
    return {name: tuple(islice(rest, count)) for name, count in counts.items()}


def raised(source: str, error: Exception, seconds: float) -> Attempt:
    """The attempt that an error of the step's own code has ended."""
    problem = Problem(code="failed", message=f"{type(error).__name__}: {error}")
    return Attempt(source, None, (problem,), fault=RAISED, seconds=seconds)


def asked_line(question: Mapping[str, Any]) -> AttemptLine:
    """The line that a question to a person leaves."""
    reasons = tuple(Problem.model_validate(reason) for reason in question["reasons"])
    return _persons(question, fault=ASKED, problems=reasons, made=question["type"])


def answered_line(question: Mapping[str, Any], kind: str, value: Any) -> AttemptLine:
    """The line that a person's answer leaves: the fields `value` of a `kind` record."""
    return _persons(question, made=kind, output=value, accepted=True)


def _persons(question: Mapping[str, Any], **values: Any) -> AttemptLine:
    step, item = question["step"], question.get("item")
    return AttemptLine(attempt=new_id(), step=step, item=item, number=1, source=PERSON, **values)


def new_id() -> str:
    """An id that no other attempt has."""
    return uuid4().hex


def _made(made: Any) -> str:
    several = as_list(made)
    return label(type(made)) if several is None else f"list[{label(type(several[0])) if several else ''}]"


def _output(made: Any) -> Any:
    """The answer as JSON; its evidence quotes the document, and the job keeps that of what was accepted."""
    evidence = evidence_of(made)
    if made is None or evidence is None:
        return None if made is None else dump(made, "json")
    return made.model_dump(mode="json", exclude={evidence})
