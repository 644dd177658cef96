"""P1: chains of steps under the layer, with one source and with two, held against their ceiling and Wald's bound."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentflow.engine.trust.figures import Figures
from agentflow.flow.policy import Policy
from tests.benchmarks.chain_world import MOST, SMALL, Did, Errors, Split, known_figures, run, twin

LENGTHS = (10, 50, 100, 1000)
RATES = (0.01, 0.05, 0.10)
LOST = 0.01
"""Share of chains that may be lost to what asking again can remove; the bar is at .02."""
SLIPS = 0.25
"""How often sources slip where rare slips are drawn more often, and weighed back."""


@dataclass(frozen=True)
class Row:
    """One length of chain under one policy."""

    errors: Errors
    length: int
    calls: float
    """A step."""
    slipped: float
    """Share of the steps that the source gets right in the end and that are silently wrong all the same."""
    error: float
    """The standard error of `slipped`."""
    given_up: float

    @property
    def right(self) -> float:
        """P(chain right)."""
        return ((1 - self.errors.systematic) * (1 - self.slipped)) ** self.length

    @property
    def of_ceiling(self) -> float:
        """P(chain right) as a share of what one source can reach."""
        return (1 - self.slipped) ** self.length

    def bound(self, lost: float) -> float:
        """The fewest calls a step by any rule that loses this share of chains to slips (Wald, 1945)."""
        return max(1.0, wald(1 - self.errors.slip, share_of(lost, self.length))) / (1 - self.errors.fault)


def share_of(lost: float, length: int) -> float:
    """The share of steps that may be lost where so many of the chains may."""
    return 1 - (1 - lost) ** (1 / length)


def wald(right: float, error: float) -> float:
    """No test, fixed or sequential, with `error` on both sides asks for fewer answers on average."""
    odds = (1 - 2 * error) * math.log((1 - error) / error)
    return odds / ((2 * right - 1) * math.log(right / (1 - right)))


def one_source(errors: Errors, length: int, lost: float, figures: Figures, steps: int, seed: int) -> Row:
    """One source asked until what asking again can remove is removed."""
    policy = Policy(ladder=(SMALL,), alpha=share_of(lost, length), max_attempts=MOST, pooled=True)
    plain = run(policy, twin({SMALL: errors}, seed=seed), figures, range(steps))
    slipped, error = rare(policy, errors, figures, steps, seed)
    return Row(
        errors,
        length,
        statistics.fmean(done.calls for done in plain),
        slipped,
        error,
        statistics.fmean(not done.accepted for done in plain),
    )


def rare(policy: Policy, errors: Errors, figures: Figures, steps: int, seed: int) -> tuple[float, float]:
    """The share of steps, of those the source is not always wrong on, that slip through; and its standard error.

    Importance sampling: the layer meets a source that slips far more often, and each run counts by how likely the
    true source would have been to answer so.
    """
    often = max(SLIPS, errors.undetectable)
    fault = errors.fault
    total = fault + often
    models = twin({SMALL: Errors(total, (fault / total, often / total, 0.0))}, seed=seed + 7_919)
    worth = {"independent": errors.undetectable / often}
    worth["right"] = (1 - fault - errors.undetectable) / (1 - total)
    lost = [_weight(done, worth) * (not done.right) for done in run(policy, models, figures, range(steps))]
    return statistics.fmean(lost), statistics.stdev(lost) / steps**0.5


def _weight(done: Did, worth: Mapping[str, float]) -> float:
    return math.prod(each ** done.outcomes.get(name, 0) for name, each in worth.items())


def removable(errors: Errors) -> Figures:
    """The source's figures without what it always gets wrong, which no answer of its own can show."""
    rest = 1 - errors.systematic
    split: Split = (errors.split[0] / (1 - errors.split[2]), errors.split[1] / (1 - errors.split[2]), 0.0)
    return known_figures({SMALL: Errors((errors.p - errors.systematic) / rest, split)})


def grid(split: Split, lost: float, steps: int, seed: int) -> list[Row]:
    """Every rate and every length."""
    found: list[Row] = []
    for p in RATES:
        errors = Errors(p, split)
        found += [one_source(errors, length, lost, removable(errors), steps, seed) for length in LENGTHS]
    return found


def ratio(rows: Sequence[Row], lost: float) -> float:
    """Calls over Wald's bound, the mean of the rows."""
    return statistics.fmean(row.calls / row.bound(lost) for row in rows)
