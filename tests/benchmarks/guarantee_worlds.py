"""The worlds that the guarantee is tried in: how often answers are wrong, and how much their confidence tells."""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

from agentflow.exams.certify import Scored
from agentflow.testing import Faulty, FaultyModel, Law, Outcome
from agentflow.testing.answers import confidence
from agentflow.testing.chance import key
from agentflow.testing.spec import Confidence

NORMAL = NormalDist()


@dataclass(frozen=True)
class World:
    """Answers wrong at a rate, with a confidence of this AUC, and the share of silent errors that is promised."""

    error: float
    auc: float
    alpha: float

    def __str__(self) -> str:
        return f"{self.error:.0%} wrong, AUC {self.auc:g}, alpha {self.alpha:g}"

    @cached_property
    def spec(self) -> FaultyModel:
        """The faulty model."""
        return FaultyModel(error=self.error, split=(0, 0, 1), confidence=Confidence(auc=self.auc))

    def exam(self, seed: int, cases: int) -> list[Scored]:
        """Cases drawn by the kit's law."""
        law = Law(Faulty(seed=seed, models={"m": self.spec}))
        right = [law.at("m", law.unit(case), 0, 0)[0] is Outcome.RIGHT for case in range(cases)]
        return [Scored(confidence(self.spec, right=r, call=key(seed, c)), not r) for c, r in enumerate(right)]

    def accepts(self, bar: float | None) -> tuple[float, float]:
        """The true share of cases that are at least so sure, and the share of them that is wrong."""
        if bar is None:
            return 0.0, 0.0
        mu = math.sqrt(2) * NORMAL.inv_cdf(self.auc)
        signal = mu / 2 - math.log((1 / bar - 1) * (1 - self.error) / self.error) / mu
        right = (1 - self.error) * NORMAL.cdf(mu - signal)
        wrong = self.error * NORMAL.cdf(-signal)
        return right + wrong, wrong / (right + wrong) if right + wrong else 0.0

    @cached_property
    def ideal(self) -> float:
        """The most that can be accepted under the promise by who knows the law."""
        low, high = 1e-9, 1 - 1e-9
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.accepts(middle)[1] <= self.alpha else (middle, high)
        return max(self.accepts(high)[0], 1e-9)


WORLDS = (
    World(0.10, 0.95, 0.02),
    World(0.20, 0.90, 0.05),
    World(0.05, 0.95, 0.01),
    World(0.10, 0.85, 0.02),
    World(0.05, 0.85, 0.01),
)
FLAT = World(0.022, 0.51, 0.02)
"""How sure an answer is says next to nothing, and whatever is accepted breaks the promise."""
