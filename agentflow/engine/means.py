"""Means: what a step may still spend and how long it may still take, and what its sources are known to."""

import math
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from agentflow.engine.answer import Services, is_bounded, is_code
from agentflow.engine.trace import Meter
from agentflow.engine.trust.buying import CALL_SECONDS, DEARER, Votes
from agentflow.engine.trust.evidence import Laws, laws_of
from agentflow.flow.check import Problem
from agentflow.flow.step import Step


class Means:
    """The money and time of one step on one item, while it is being done."""

    def __init__(self, step: Step, ladder: Sequence[str], services: Services, meter: Meter) -> None:
        self._step, self._policy, self._ladder = step, step.policy, tuple(ladder)
        self._services, self._meter = services, meter
        self._limited = is_bounded(services.models)
        self._began = services.clock()

    def allow(self, source: str) -> bool:
        """Whether there is time and money to ask the source."""
        time = self.time()
        if time is not None and time <= 0:
            return False
        dear = self._policy.budget is not None and self._meter.cost + self._cost(source) >= self._policy.budget
        return not dear or is_code(self._step, source)

    def ended(self) -> tuple[Problem, ...]:
        """What other than the answers themselves ended the asking."""
        time = self.time()
        if time is not None and time <= 0:
            of = self._step.name if self._policy.deadline is not None else "the job"
            return (Problem(code="deadline", message=f"the time for {of} is over; allow more, or do it by hand"),)
        if self._policy.budget is not None and self._meter.cost >= self._policy.budget:
            text = f"the {self._policy.budget} USD for {self._step.name} are spent ({self._meter.cost:.6f})"
            return (Problem(code="budget_spent", message=text),)
        return ()

    def time(self) -> float | None:
        """Seconds until the deadline of the step, or of the job."""
        models: Any = self._services.models
        deadline, left = self._policy.deadline, models.seconds_left if self._limited else math.inf
        if deadline is not None:
            left = min(left, deadline - (self._services.clock() - self._began))
        return None if left == math.inf else left

    def late(self, votes: Votes) -> bool:
        """Whether the answers would take longer than there is time if they are asked for one after the other."""
        time = self.time()
        return time is not None and sum(n * s for n, s in zip(votes, self.seconds, strict=True)) > time

    def _cost(self, source: str) -> Decimal:
        """What the source's next answer is known to cost; 0 where nothing is known."""
        calls = self.laws.figures.calls.get(source)
        return Decimal(str(calls.cost)) if calls else Decimal(0)

    @cached_property
    def laws(self) -> Laws:
        """By what the answers of the ladder's sources are weighed."""
        code = frozenset(source for source in self._ladder if is_code(self._step, source))
        return laws_of(self._services.figures, self._step.name, self._ladder, code)

    @cached_property
    def prices(self) -> tuple[float, ...]:
        """What an answer of each source costs: USD where it was measured for all that cost anything."""
        calls = self.laws.figures.calls
        models = [source for source in self._ladder if not is_code(self._step, source)]
        if all(source in calls for source in models):
            return tuple(calls[source].cost if source in calls else 0.0 for source in self._ladder)
        return tuple(DEARER**rung if source in models else 0.0 for rung, source in enumerate(self._ladder))

    @cached_property
    def seconds(self) -> tuple[float, ...]:
        """That an answer of each source takes, in the order of the ladder."""
        calls = self.laws.figures.calls
        assumed = [0.0 if is_code(self._step, source) else CALL_SECONDS for source in self._ladder]
        return tuple(calls[s].seconds if s in calls else a for s, a in zip(self._ladder, assumed, strict=True))
