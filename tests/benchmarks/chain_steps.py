"""P1: chains of steps with one source under the layer, held against the source's ceiling and against Wald's bound."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentflow.engine.trust.figures import Figures
from agentflow.flow.policy import Policy
from tests.benchmarks.chain_exam import examined
from tests.benchmarks.chain_world import MOST, SMALL, Did, Errors, Split, known_figures, run, share_of, twin
from tests.benchmarks.report import Metric

LENGTHS = (10, 50, 100, 1000)
RATES = (0.01, 0.05, 0.10)
SPLITS: tuple[Split, ...] = ((0.6, 0.4, 0.0), (0.6, 0.3, 0.1), (0.9, 0.09, 0.01))
"""Of which the first has nothing that one source cannot remove."""
TIGHT = 0.05
"""Share of chains that may be lost to slips where calls are held against the bound."""
LOST = 0.01
"""The same where P(chain right) is held against the ceiling; the bar is at .02."""
GRID = 0.005
"""The same for the whole grid: the lowest of twelve rows is off by their luck, and by that of exams."""
SLIPS = 0.35
"""How often sources slip where rare slips are drawn more often, and weighed back."""


@dataclass(frozen=True)
class Row:
    """One length of chain of one source."""

    errors: Errors
    length: int
    calls: float
    """A step."""
    slipped: float
    """Share of the steps, of those the source is not always wrong on, that end without the right answer."""
    error: float
    """The standard error: of `slipped`, or of the calls where that is not measured."""

    @property
    def right(self) -> float:
        """P(chain right)."""
        return ceiling(self.errors, self.length) * self.of_ceiling

    @property
    def of_ceiling(self) -> float:
        """P(chain right) as a share of what the source can reach."""
        return (1 - self.slipped) ** self.length

    @property
    def over_bound(self) -> float:
        """Calls over the fewest that any rule needs which loses as many chains to slips as `TIGHT` lets it."""
        fewest = max(1.0, wald(1 - self.errors.slip, share_of(TIGHT, self.length)))
        return self.calls * (1 - self.errors.fault) / fewest


def ceiling(errors: Errors, length: int) -> float:
    """P(chain right) if nothing is wrong but what the source always gets wrong."""
    return (1 - errors.systematic) ** length


def wald(right: float, error: float) -> float:
    """No test, fixed or sequential, with `error` on both sides asks for fewer answers on average (Wald, 1945)."""
    odds = (1 - 2 * error) * math.log((1 - error) / error)
    return odds / ((2 * right - 1) * math.log(right / (1 - right)))


def ahead(right: float, k: int) -> tuple[float, float]:
    """Error and answers of first-to-ahead-by-k between two values (the gambler's ruin)."""
    odds = ((1 - right) / right) ** k
    error = odds / (1 + odds)
    return error, k * (1 - 2 * error) / (2 * right - 1)


def least(errors: Errors, length: int) -> float:
    """Answers over Wald's bound of the best sequential test: between two values, a mix of ahead-by-k and by k + 1."""
    right, error = 1 - errors.slip, share_of(TIGHT, length)
    k = next(k for k in range(1, 99) if ahead(right, k)[0] <= error)
    low, votes = ahead(right, k)
    if k > 1:
        high, fewer = ahead(right, k - 1)
        share = (error - low) / (high - low)
        votes = share * fewer + (1 - share) * votes
    return votes / max(1.0, wald(right, error))


def policy(lost: float, length: int) -> Policy:
    """Of a step whose chain may be lost so often to what more answers could have removed."""
    return Policy(ladder=(SMALL,), alpha=share_of(lost, length), max_attempts=MOST, pooled=True, unaided=True)


def bounded(errors: Errors, length: int, figures: Figures, steps: int, seed: int) -> Row:
    """The calls that it takes."""
    done = run(policy(TIGHT, length), twin({SMALL: errors}, seed=seed), figures, range(steps))
    calls = [each.calls for each in done]
    return Row(errors, length, statistics.fmean(calls), math.nan, statistics.stdev(calls) / steps**0.5)


def reached(errors: Errors, length: int, figures: Figures, steps: int, seed: int, lost: float = LOST) -> Row:
    """What is lost to slips.

    Importance sampling: the layer meets a source that slips far more often, and each run counts by how likely the
    true source would have been to answer so.
    """
    often, fault = max(SLIPS, errors.undetectable), errors.fault
    total = fault + often
    models = twin({SMALL: Errors(total, (fault / total, often / total, 0.0))}, seed=seed + 7_919)
    worth = {"independent": errors.undetectable / often}
    worth["right"] = (1 - fault - errors.undetectable) / (1 - total)
    done = run(policy(lost, length), models, figures, range(steps))
    lost_ = [_weight(each, worth) * (not (each.accepted and each.right)) for each in done]
    calls = sum(_weight(each, worth) * each.calls for each in done) / sum(_weight(each, worth) for each in done)
    return Row(errors, length, calls, statistics.fmean(lost_), statistics.stdev(lost_) / steps**0.5)


def _weight(done: Did, worth: Mapping[str, float]) -> float:
    return math.prod(each ** done.outcomes.get(name, 0) for name, each in worth.items())


def metrics(*, steps: int, exams: int, seed: int, more: Sequence[Split] = ()) -> list[Metric]:
    """Both bars of every split, with figures known and estimated; from the priors alone without bars."""
    found: list[Metric] = []
    for split in (*SPLITS, *more):
        found += split_metrics(
            split, "known", [{p: known_figures({SMALL: Errors(p, split)}) for p in RATES}], steps, seed
        )
    for split in (*SPLITS, *more):
        sat = [{p: examined({SMALL: Errors(p, split)}, seed=seed + i) for p in RATES} for i in range(exams)]
        found += split_metrics(split, "estimated", sat, max(50, steps // exams), seed)
    assumed = split_metrics(SPLITS[1], "priors alone", [dict.fromkeys(RATES, Figures())], steps // 4, seed)
    return [*found, *(replace(metric, bar=None) for metric in assumed)]


def split_metrics(
    split: Split, how: str, figures: Sequence[Mapping[float, Figures]], steps: int, seed: int
) -> list[Metric]:
    """Calls over the bound, the mean of the twelve rows; P(right) over the ceiling, the lowest of them."""
    name = f"{_label(split)}, {how}"
    ratios: list[list[Row]] = [[] for _ in figures]
    nearest: list[Metric] = []
    for p in RATES:
        errors = Errors(p, split)
        for length in LENGTHS:
            rows: list[Row] = []
            for exam, each in enumerate(figures):
                own = seed + exam + 1_000 * len(nearest)
                ratios[exam].append(bounded(errors, length, each[p], max(50, steps // 2), own))
                rows.append(reached(errors, length, each[p], steps, own, GRID))
            nearest.append(_near(f"P(right) / ceiling, {name}, lowest of 12 (p={p:g}, N={length})", rows))
    return [_ratio(f"calls / bound, {name}", ratios), min(nearest, key=lambda metric: metric.value)]


def _label(split: Split) -> str:
    return "/".join(f"{100 * part:g}" for part in split)


def _ratio(name: str, exams: Sequence[Sequence[Row]]) -> Metric:
    """The mean of rows and of exams; its error is what exams differ by, or that of the calls where there is one."""
    means = [statistics.fmean(row.over_bound for row in rows) for rows in exams]
    mean = statistics.fmean(means)
    if len(means) > 1:
        error = statistics.stdev(means) / len(means) ** 0.5
    else:
        error = math.hypot(*(row.over_bound * row.error / row.calls for row in exams[0])) / len(exams[0])
    return Metric(name, mean, mean - 1.96 * error, mean + 1.96 * error, 1.2, "at most")


def _near(name: str, rows: Sequence[Row]) -> Metric:
    """The mean of exams."""
    value = statistics.fmean(row.of_ceiling for row in rows)
    error = statistics.fmean(row.length * row.error * row.of_ceiling for row in rows) / len(rows) ** 0.5
    return Metric(name, value, value - 1.96 * error, min(1.0, value + 1.96 * error), 0.98)
