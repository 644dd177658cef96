"""Naive rules of asking a model again, on the same faulty models as the layer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from agentflow.errors import AnswerError
from agentflow.testing import MemoryJournal, Twin
from tests.benchmarks.chain_world import PRICES, SMALL, Answer, Task, gold, solve

Draw = Callable[[], Awaitable[int | None]]
"""The next answer's value; None where it breaks the form."""

Rule = Callable[[Draw], Awaitable[int | None]]
"""What the rule takes; None where it gives up."""

PATIENCE = 30
"""Answers after which a vote gives up."""


@dataclass(frozen=True)
class Took:
    """What a rule took on one step."""

    right: bool
    gave_up: bool
    calls: int

    @property
    def silent(self) -> bool:
        """Wrong, and nobody is asked."""
        return not self.right and not self.gave_up

    @property
    def cost(self) -> float:
        """USD."""
        return self.calls * float(PRICES[SMALL])


async def single(draw: Draw) -> int | None:
    """One call."""
    return await draw()


async def retry(draw: Draw) -> int | None:
    """Again until an answer validates, five times at most."""
    for _ in range(5):
        if (value := await draw()) is not None:
            return value
    return None


async def best_of_3(draw: Draw) -> int | None:
    """The majority of three answers that validate."""
    return await _vote(draw, lambda counts: sum(counts.values()) == 3)


def ahead_by(k: int) -> Rule:
    """Until one value has k answers more than any other."""

    def ahead(counts: Counter[int]) -> bool:
        first, second = [*sorted(counts.values(), reverse=True), 0][:2]
        return first - second >= k

    async def rule(draw: Draw) -> int | None:
        return await _vote(draw, ahead)

    return rule


async def _vote(draw: Draw, done: Callable[[Counter[int]], bool]) -> int | None:
    counts: Counter[int] = Counter()
    for _ in range(PATIENCE):
        if (value := await draw()) is not None:
            counts[value] += 1
            if done(counts):
                return counts.most_common(1)[0][0]
    return None


RULES: dict[str, Rule] = {
    "single call": single,
    "retry until it validates": retry,
    "best of 3": best_of_3,
    "ahead by 2": ahead_by(2),
}


def follow(rule: Rule, models: Twin, cases: Sequence[int]) -> list[Took]:
    """The rule on every case."""
    return asyncio.run(_follow(rule, models, cases))


async def _follow(rule: Rule, models: Twin, cases: Sequence[int]) -> list[Took]:
    done: list[Took] = []
    for case in cases:
        answers = _Answers(models, case)
        value = await rule(answers.draw)
        done.append(Took(value == gold(case), value is None, answers.calls))
    return done


class _Answers:
    """The small model's answers to one case, each a draw of its own."""

    def __init__(self, models: Twin, case: int) -> None:
        self._models, self._case, self._journal = models, case, MemoryJournal(keep_lines=False)
        self.calls = 0

    async def draw(self) -> int | None:
        model = self._models.bind(SMALL, "solve", (), self._journal, self.calls)
        assert model is not None
        self.calls += 1
        try:
            made: Answer = await solve(Task(case=self._case), model=model)
        except AnswerError:
            return None
        return made.value
