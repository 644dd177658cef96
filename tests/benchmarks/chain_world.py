"""The world of the chain benchmark: steps of one value, sources whose errors are known, and the layer run on them."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.figures import Calls, FieldFigures, Figures, SourceFigures, StepFigures, known, pair
from agentflow.flow.model import Model
from agentflow.flow.policy import Policy
from agentflow.flow.record import Record
from agentflow.flow.step import Step, read_signature
from agentflow.testing import Faulty, FaultyModel, MemoryJournal, Price, Twin, by_marker

Split = tuple[float, float, float]
"""How errors divide: detectable, undetectable but independent, correlated."""

SMALL, LARGE = "small", "large"
PRICES = {SMALL: Decimal("0.001"), LARGE: Decimal("0.01")}
"""USD a call."""
MOST = 30
"""Answers of one source: enough that no vote is cut short."""


class Task(Record):
    """One step of a chain."""

    case: int


class Answer(Record):
    """What the step makes."""

    value: int


async def solve(task: Task, *, model: Model) -> Answer:
    """Asks for the value of the case."""
    return await model.ask(Answer, "Give the value.", f"[case:{task.case}]")


SIGNATURE = read_signature(solve)


def gold(case: int) -> int:
    """The right value."""
    return 7_000_003 + 10 * case


@dataclass(frozen=True)
class Errors:
    """The error rates of one source: over all steps, and as the layer's law has them."""

    p: float
    split: Split

    @property
    def systematic(self) -> float:
        """Share of steps on which it is always wrong."""
        return self.p * self.split[2]

    @property
    def fault(self) -> float:
        """Share of its calls on the other steps that break the form."""
        return self.p * self.split[0] / (1 - self.systematic)

    @property
    def undetectable(self) -> float:
        """Share of its calls on the other steps whose answer has the form and is wrong."""
        return self.p * self.split[1] / (1 - self.systematic)

    @property
    def slip(self) -> float:
        """The same, of its answers that have the form."""
        return self.undetectable / (1 - self.fault)


def share_of(lost: float, length: int) -> float:
    """The share of steps that may be lost where so many of the chains may."""
    return 1 - (1 - lost) ** (1 / length)


@dataclass(frozen=True)
class Did:
    """What the layer did on one step."""

    accepted: bool
    right: bool
    """Of what was accepted, or of what a person is shown."""
    calls: int
    cost: float
    """USD."""
    outcomes: Mapping[str, int]
    """Of the calls: `right`, `independent`, `detectable`, `correlated`."""

    @property
    def silent(self) -> bool:
        """Wrong, and nobody is asked."""
        return self.accepted and not self.right


def twin(errors: Mapping[str, Errors], *, overlap: float = 0.0, seed: int = 1) -> Twin:
    """Faulty models whose wrong values are all the same one: the worst case for votes."""
    models = {
        name: FaultyModel(
            error=each.p,
            split=each.split,
            wrong_values=1,
            follows=overlap if place else 0.0,
            rate_may_rise=True,
            price=Price(call=PRICES[name]),
        )
        for place, (name, each) in enumerate(errors.items())
    }
    return Twin(Faulty(seed=seed, models=models), by_marker(lambda case: {"value": gold(int(case))}))


def known_figures(errors: Mapping[str, Errors], overlap: float = 0.0, *, step: str = "solve") -> Figures:
    """The figures as the models' law has them."""
    names = list(errors)
    first = errors[names[0]].systematic
    sources = {
        name: SourceFigures(
            systematic=known(max(each.systematic, overlap * first if place else 0.0)),
            slip=known(each.slip),
            fault=known(each.fault),
            abstain=known(0),
            spread=None,
            wrong_values=1,
        )
        for place, (name, each) in enumerate(errors.items())
    }
    shared = {pair(a, b): known(overlap) for place, a in enumerate(names) for b in names[:place]}
    return Figures(steps={step: StepFigures(every=FieldFigures(sources=sources, shared=shared), calls=calls(names))})


def calls(names: Sequence[str]) -> dict[str, Calls]:
    """What a call of each source takes."""
    return {name: Calls(cost=float(PRICES[name]), seconds=1.0) for name in names}


def run(policy: Policy, models: Twin, figures: Figures, cases: Sequence[int]) -> list[Did]:
    """The real layer on every case, one after the other."""
    return asyncio.run(_run(step_under(policy), models, figures, cases))


def step_under(policy: Policy) -> Step:
    """The chain's step."""
    return Step(name="solve", kind="step", call=solve, signature=SIGNATURE, policy=policy)


async def _run(step: Step, models: Twin, figures: Figures, cases: Sequence[int]) -> list[Did]:
    done: list[Did] = []
    for case in cases:
        journal, before = MemoryJournal(keep_lines=False), _counted(models)
        services = Services(f"chain-{case}", {}, models, journal, figures)
        verdict = await perform(step, [Task(case=case)], services)
        made: Any = verdict.made if isinstance(verdict, Accepted) else verdict.candidate
        right = made is not None and made.value == gold(case)
        outcomes = _counted(models) - before
        done.append(Did(isinstance(verdict, Accepted), right, journal.calls, float(journal.cost), outcomes))
    return done


def _counted(models: Twin) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in models.calls.values():
        total.update(counts)
    return total
