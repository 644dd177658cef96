"""P5: a stream of unequal cases, of which a few are hard and wrong alike, under the layer and under fixed votes."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from agentflow.engine.answer import Services, by_model
from agentflow.engine.attempt import perform
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Figures
from agentflow.engine.trust.observing import Observation, observed
from agentflow.flow.check import Problem
from agentflow.flow.journal import CostLine, Journal
from agentflow.flow.model import MOST_CALLS, Image, Model
from agentflow.flow.policy import EffectKey, Policy
from agentflow.flow.record import Evidence, Record
from agentflow.flow.step import Step, read_signature
from agentflow.flow.tool import Tool
from agentflow.testing import MemoryJournal
from agentflow.testing.chance import beta, key, normal, uniform
from tests.benchmarks.chain_world import PRICES, SMALL, Task, calls
from tests.benchmarks.report import Metric, wilson

A = TypeVar("A", bound=BaseModel)

MOST = 12
"""Answers that votes may ask for."""
ANSWERS = {0.05: 4, 0.03: 4, 0.02: 4, 0.01: 6, 0.005: 6, 0.003: 6}
"""By alpha: answers that the layer may ask for. A case that needs more is cheaper done by a person."""
CHEAP, SURE = 0.03, 0.005
"""The alphas that the two bars are put to."""
TRIALS = 4
FIRST = 50_000_000
"""Labelled cases are none of the stream."""
RIGHT = 0
_KIND, _EASE, _SIGNAL, _ANSWER, _SAME, _WRONG = range(1, 7)
KINDS = ((0.85, 60.0, 1.2), (0.97, 6.0, 2.0), (1.0, 1.0, 3.0))
"""Easy, medium and hard: the share of cases up to each, and the Beta law of how often the answer is right."""


class Said(Record):
    """A model's answer, and how sure it says that it is."""

    value: int
    sure: float


class Reading(Record):
    """What the step makes."""

    value: int
    evidence: dict[str, Evidence] = {}


async def read(task: Task, *, model: Model) -> Reading:
    """Asks for the value and keeps how sure the model is."""
    said = await model.ask(Said, "Give the value.", str(task.case))
    return Reading(value=said.value, evidence={"value": Evidence(trust=said.sure, source=model.role)})


SIGNATURE = read_signature(read)


@dataclass(frozen=True)
class Stream:
    """The one model, bound for any case; a case and the number of the answer decide what it says."""

    seed: int

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> "Streamed | None":
        """The model for one attempt."""
        return Streamed(self, role, step, journal, variant) if role == SMALL else None

    def answer(self, case: int, number: int) -> int:
        """0 is right. On hard cases four of five wrong answers are the same one."""
        unit = key(self.seed, case)
        ease, hard = self._ease(unit)
        call = key(unit, number)
        if uniform(call, _ANSWER) < ease:
            return RIGHT
        if hard and uniform(call, _SAME) < 0.8:
            return 1
        return 1 + int(uniform(call, _WRONG) * 3)

    def sure(self, case: int) -> float:
        """What the model says of its answers to the case: how easy it is, with a standard normal error twice over."""
        unit = key(self.seed, case)
        ease, _ = self._ease(unit)
        return 1 / (1 + math.exp(-math.log(ease / (1 - ease)) - 2 * normal(unit, _SIGNAL)))

    def _ease(self, unit: int) -> tuple[float, bool]:
        place = uniform(unit, _KIND)
        kind = next(i for i, (share, _, _) in enumerate(KINDS) if place < share)
        _, a, b = KINDS[kind]
        return min(max(beta(a, b, uniform(unit, _EASE)), 0.01), 0.9999), kind == 2


@dataclass(frozen=True)
class Streamed:
    """The model for one attempt."""

    stream: Stream
    role: str
    step: str
    journal: Journal
    variant: int

    @property
    def sees(self) -> bool:
        """It takes no images."""
        return False

    async def ask(self, answer: type[A], instructions: str, text: str, *, images: Sequence[Image] = ()) -> A:
        """What it says of the case that `text` names."""
        case = int(text)
        cost = PRICES[SMALL]
        await self.journal.spend(
            CostLine(call=f"{case}.{self.variant}", step=self.step, role=self.role, model=self.role, cost=cost)
        )
        return answer.model_validate({"value": self.stream.answer(case, self.variant), "sure": self.stream.sure(case)})

    async def act(
        self,
        answer: type[A],
        instructions: str,
        text: str,
        *,
        tools: Sequence[Tool],
        images: Sequence[Image] = (),
        key: EffectKey | None = None,
        most_calls: int = MOST_CALLS,
    ) -> A:
        """The same: it calls no tools."""
        return await self.ask(answer, instructions, text, images=images)


@dataclass(frozen=True)
class Point:
    """What a rule comes to on the stream."""

    cases: int
    calls: float
    """A case."""
    accepted: int
    wrong: int
    """Of those accepted."""

    @property
    def coverage(self) -> float:
        """Share of cases that need no person."""
        return self.accepted / self.cases

    @property
    def silent(self) -> float:
        """Share of those that is wrong."""
        return self.wrong / max(1, self.accepted)


def ahead_by(k: int, stream: Stream, cases: Sequence[int]) -> Point:
    """First to k answers more than any other value, of twelve answers at most; else a person."""
    called = accepted = wrong = 0
    for case in cases:
        counts = [0, 0, 0, 0]
        for number in range(MOST):
            counts[stream.answer(case, number)] += 1
            called += 1
            first, second = sorted(counts, reverse=True)[:2]
            if first - second >= k:
                accepted += 1
                wrong += counts.index(first) != RIGHT
                break
    return Point(len(cases), called / len(cases), accepted, wrong)


def layered(alpha: float, figures: Figures, stream: Stream, cases: Sequence[int]) -> Point:
    """The real layer."""
    policy = Policy(ladder=(SMALL,), alpha=alpha, max_attempts=ANSWERS[alpha])
    return asyncio.run(_layered(_step(policy), figures, stream, cases))


async def _layered(step: Step, figures: Figures, stream: Stream, cases: Sequence[int]) -> Point:
    journal = MemoryJournal(keep_lines=False)
    services = Services("stream", {}, stream, journal, figures)
    accepted = wrong = 0
    for case in cases:
        verdict = await perform(step, [Task(case=case)], services, case)
        if isinstance(verdict, Accepted):
            accepted += 1
            wrong += verdict.made.value != RIGHT
    return Point(len(cases), journal.calls / len(cases), accepted, wrong)


def labelled(stream: Stream, cases: int) -> Figures:
    """Figures from so many cases whose truth is known, each asked four times."""
    step = estimate(asyncio.run(_asked(stream, range(FIRST, FIRST + cases))))
    return Figures(steps={"read": step.model_copy(update={"calls": calls([SMALL])})})


async def _asked(stream: Stream, cases: Sequence[int]) -> list[Observation]:
    step, services = _step(Policy()), Services("exam", {}, stream, MemoryJournal(keep_lines=False))
    rows: list[Observation] = []
    for case in cases:
        for trial in range(TRIALS):
            attempt = await by_model(step, SMALL, [Task(case=case)], services, (), trial)
            assert attempt is not None
            rows += observed(case, trial, attempt, Reading(value=RIGHT))
    return rows


@dataclass(frozen=True)
class Frontier:
    """Calls and silent errors of the layer by alpha, and of votes by how far ahead."""

    layer: Mapping[float, Point]
    votes: Mapping[int, Point]


def frontier(*, cases: int, labels: int, seed: int, alphas: Iterable[float] = ANSWERS) -> Frontier:
    """Both on the same stream."""
    stream, these = Stream(seed), range(cases)
    figures = labelled(stream, labels)
    layer = {alpha: layered(alpha, figures, stream, these) for alpha in alphas}
    return Frontier(layer, {k: ahead_by(k, stream, these) for k in (1, 2, 3, 4)})


def mean(found: Sequence[Frontier]) -> Frontier:
    """Several frontiers, each with an exam of its own, as one."""
    layer = {alpha: _together([each.layer[alpha] for each in found]) for alpha in found[0].layer}
    return Frontier(layer, {k: _together([each.votes[k] for each in found]) for k in found[0].votes})


def _together(points: Sequence[Point]) -> Point:
    cases = sum(point.cases for point in points)
    called = sum(point.calls * point.cases for point in points)
    accepted, wrong = sum(point.accepted for point in points), sum(point.wrong for point in points)
    return Point(cases, called / cases, accepted, wrong)


def metrics(found: Frontier, labels: int) -> list[Metric]:
    """Both bars: half the calls of ahead-by-3 at no more silent error, and .5 % silent for four cases of five."""
    votes, told = found.votes[3], f"{labels} labels"
    cheap, sure = found.layer[CHEAP], found.layer[SURE]
    return [
        Metric("calls a case, ahead by 3", votes.calls, None, None, None),
        Metric("silent error, ahead by 3", votes.silent, *wilson(votes.silent, votes.accepted), None),
        Metric(f"calls / ahead by 3's, alpha {CHEAP}, {told}", cheap.calls / votes.calls, None, None, 0.5, "at most"),
        _silent(f"silent error, alpha {CHEAP}, {told}", cheap, votes.silent),
        Metric(f"coverage, alpha {CHEAP}, {told}", cheap.coverage, *wilson(cheap.coverage, cheap.cases), None),
        _silent(f"silent error, alpha {SURE}, {told}", sure, SURE),
        Metric(f"coverage, alpha {SURE}, {told}", sure.coverage, *wilson(sure.coverage, sure.cases), 0.8),
        Metric(f"calls a case, alpha {SURE}, {told}", sure.calls, None, None, None),
    ]


def _silent(name: str, point: Point, bar: float) -> Metric:
    return Metric(name, point.silent, *wilson(point.silent, point.accepted), bar, "at most")


def _step(policy: Policy) -> Step:
    return Step(name="read", kind="step", call=read, signature=SIGNATURE, policy=policy)
