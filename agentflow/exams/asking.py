"""Asking: one step of one run of an exam, done by the candidate, or given where nobody is to be asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from agentflow.engine.answer import CODE, Services, by_code, by_model, is_code, nobody
from agentflow.engine.attempt import perform, type_made
from agentflow.engine.trust import Accepted, Attempt, Doubted, Verdict
from agentflow.engine.trust.values import dump
from agentflow.engine.trust.verdict import conclude
from agentflow.errors import PackError
from agentflow.exams.candidates import Candidate, asks_alone, digest, in_trial
from agentflow.exams.cases import Case, Exam, truth_of
from agentflow.exams.filling import filled
from agentflow.exams.keeping import Asked, Made, StepDone
from agentflow.flow.journal import AttemptLine
from agentflow.flow.policy import JobId
from agentflow.flow.step import Step, item_of, label
from agentflow.testing.fakes import MemoryJournal
from agentflow.testing.request import Request
from agentflow.testing.truth import Gold, Truth

CASE: ContextVar[tuple[Exam, Case]] = ContextVar("CASE")
"""The case that is being asked about."""


@dataclass(frozen=True)
class Asking:
    """What the steps of one run have in common."""

    exam: Exam
    candidate: Candidate
    case: Case
    trial: int
    run: str
    connectors: Mapping[type[Any], Any]
    only: str | None
    """The one step that is examined; those before it are given where the gold tells them in full."""
    memo: dict[str, asyncio.Future[Any]]
    """What code has made of the same records: it would make the same again."""

    async def do(self, step: Step, reads: Sequence[Any], item: int | None, turn: int) -> tuple[Verdict, StepDone]:
        """The step's verdict, and the line that keeps it. Raises what the step's own code raises.

        An effect is never called: its record is the gold's, or made up from what the step has read.
        """
        if step.effect:
            return self._given(step, item, turn, effect_record(self.exam, step, self.case, reads))
        if self.only not in (None, step.name):
            told = gold_record(self.exam, step, self.case, item)
            if told is not None:
                return self._given(step, item, turn, told)
        journal, began = MemoryJournal(), time.monotonic()
        services = self._services(journal)
        source = self.candidate.source
        if source is not None and asks_alone(self.exam.pack, step, source):
            verdict, attempts = await self._alone(step, source, reads, services, journal)
        else:
            verdict = await self._as_pack(step, reads, services, item)
            attempts = tuple(_noted(line) for line in journal.attempts)
        told = sum(line.seconds for line in journal.lines)
        line = self._line(step, item, turn, verdict)
        seconds = max(time.monotonic() - began, told)
        return verdict, line.model_copy(update={"attempts": attempts, "cost": journal.cost, "seconds": seconds})

    def _services(self, journal: MemoryJournal) -> Services:
        candidate = self.candidate
        models = in_trial(candidate.models, self.trial)
        return Services(f"exam-{self.run}", self.connectors, models, journal, candidate.figures)

    async def _alone(
        self, step: Step, source: str, reads: Sequence[Any], services: Services, journal: MemoryJournal
    ) -> tuple[Verdict, tuple[Asked, ...]]:
        """The source's answer to one question, as the checks leave it."""
        began = time.monotonic()
        if is_code(step, source):
            attempt: Attempt | None = await self._once(
                step, reads, source, lambda: by_code(step, source, reads, services)
            )
        else:
            attempt = await by_model(step, source, reads, services)
        if attempt is None:
            return Doubted((nobody(step),)), ()
        told = sum(line.seconds for line in journal.lines)
        attempt = replace(attempt, cost=journal.cost, seconds=max(time.monotonic() - began, told))
        return conclude([attempt]), (_asked(step, attempt, journal),)

    async def _as_pack(self, step: Step, reads: Sequence[Any], services: Services, item: int | None) -> Verdict:
        if step.policy.ladder or JobId in step.signature.needs.values():
            return await perform(step, reads, services, item)
        return await self._once(step, reads, CODE, lambda: perform(step, reads, services, item))

    async def _once(self, step: Step, reads: Sequence[Any], source: str, make: Callable[[], Awaitable[Any]]) -> Any:
        key = digest([self.case.id, step.name, source, [dump(read, "json") for read in reads]])
        if key not in self.memo:
            self.memo[key] = asyncio.ensure_future(make())
        return await asyncio.shield(self.memo[key])

    def _given(self, step: Step, item: int | None, turn: int, made: Any) -> tuple[Verdict, StepDone]:
        verdict = Accepted(made)
        return verdict, self._line(step, item, turn, verdict).model_copy(update={"given": True})

    def _line(self, step: Step, item: int | None, turn: int, verdict: Verdict) -> StepDone:
        made = verdict.made if isinstance(verdict, Accepted) else verdict.candidate
        return StepDone(
            run=self.run,
            candidate=self.candidate.name,
            case=self.case.id,
            trial=self.trial,
            step=step.name,
            item=item,
            turn=turn,
            made=None if made is None else made_of(step, made),
            accepted=isinstance(verdict, Accepted),
            reasons=verdict.notes if isinstance(verdict, Accepted) else verdict.reasons,
            trust=dict(verdict.trust),
        )


def verdict_of(exam: Exam, line: StepDone) -> Verdict:
    """The verdict that a line keeps."""
    made = None if line.made is None else record_of(exam, line.made)
    return Accepted(made, line.reasons, line.trust) if line.accepted else Doubted(line.reasons, made, line.trust)


def record_of(exam: Exam, made: Made) -> Any:
    """The record that was kept as JSON."""
    kind = exam.pack.workflow.record(made.type)
    inside = item_of(kind)
    return kind.model_validate(made.value) if inside is None else [inside.model_validate(one) for one in made.value]


def made_of(step: Step, made: Any) -> Made:
    """A record as it is kept."""
    return Made(type=label(type_made(step, made)), value=dump(made, "json"))


def gold_record(exam: Exam, step: Step, case: Case, item: int | None) -> Any:
    """What the gold says that the step makes; None where it does not tell all of it."""
    for kind in step.makes:
        gold = case.gold.get(label(kind))
        inside = item_of(kind)
        try:
            if isinstance(gold, list) and inside is not None:
                made = [inside.model_validate(one) for one in gold]
                return made if item is None else made[item]
            if isinstance(gold, dict) and inside is None:
                return kind.model_validate(gold)
        except (ValidationError, IndexError):
            return None
    return None


def effect_record(exam: Exam, step: Step, case: Case, reads: Sequence[Any]) -> Any:
    """What an effect makes in an exam: the gold's record, else one of what the step has read, the rest made up.

    Raises PackError where neither will do; it says what to write.
    """
    told = [kind for kind in step.makes if label(kind) in case.gold]
    for kind in told or step.makes:
        gold: Any = case.gold.get(label(kind), {})
        try:
            return filled(kind, gold, reads)
        except (PackError, ValidationError):
            continue
    names = " or ".join(label(kind) for kind in step.makes)
    raise PackError(f"case {case.id}: effects are not done in an exam; let its gold tell {names} of {step.name}")


def by_gold(otherwise: Truth | None = None) -> Truth:
    """Truth for faulty models: what the gold of the case says of the record that is asked for, else `otherwise`."""

    def look_up(request: Request) -> Gold | None:
        exam, case = CASE.get()
        gold = case.gold.get(request.form)
        if isinstance(gold, dict):
            answer = dump(truth_of(exam.pack, request.form, gold), "json")
            return Gold(case.id, answer, tuple(f"{name}:{value}" for name, value in case.tags.items()))
        return otherwise(request) if otherwise else None

    return look_up


def _asked(step: Step, attempt: Attempt, journal: MemoryJournal) -> Asked:
    lines = journal.lines
    return Asked(
        source=attempt.source,
        made=None if attempt.made is None else made_of(step, attempt.made),
        said=dict(attempt.said),
        problems=attempt.problems,
        fault=attempt.fault,
        cost=attempt.cost,
        seconds=attempt.seconds,
        model=lines[0].model if lines else None,
        prompt=lines[0].prompt if lines else None,
        tokens_in=sum(line.tokens_in for line in lines),
        tokens_out=sum(line.tokens_out for line in lines),
    )


def _noted(line: AttemptLine) -> Asked:
    made = None if line.made is None else Made(type=line.made, value=line.output)
    return Asked(
        source=line.source,
        made=made,
        problems=line.problems,
        fault=line.fault,
        cost=line.cost or Decimal(0),
        seconds=line.seconds,
        model=line.model,
        prompt=line.prompt,
        tokens_in=line.tokens_in,
        tokens_out=line.tokens_out,
    )
