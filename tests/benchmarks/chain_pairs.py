"""P1: chains with a second source, whose mistakes are partly the first one's, with and without a person."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from agentflow.engine.trust.figures import Figures
from agentflow.flow.policy import Policy
from tests.benchmarks.chain_exam import examined
from tests.benchmarks.chain_steps import LOST, ceiling
from tests.benchmarks.chain_world import LARGE, MOST, SMALL, Did, Errors, known_figures, run, share_of, twin
from tests.benchmarks.report import Metric, wilson

OVERLAPS = (0.0, 0.1, 0.3, 0.6)
"""Shares of the first source's mistakes that the second one makes too."""
ALPHA = 0.005
BETTER = 5
"""How much rarer the second source's errors are; it costs ten times as much."""
LENGTH = 100
REPEATS = 3
"""Streams of known figures: some thousand steps alone tell .004 from .005 badly."""


@dataclass(frozen=True)
class Share:
    """What became of many steps."""

    steps: int
    right: float
    """Share that is right, by whatever was accepted; what a person does counts as not right."""
    silent: float
    review: float
    calls: float
    cost: float
    """USD a step."""


def share(done: Sequence[Did]) -> Share:
    """Counts the steps."""
    right = statistics.fmean(each.accepted and each.right for each in done)
    silent = statistics.fmean(each.silent for each in done)
    review = statistics.fmean(not each.accepted for each in done)
    calls, cost = statistics.fmean(each.calls for each in done), statistics.fmean(each.cost for each in done)
    return Share(len(done), right, silent, review, calls, cost)


def pair_of(errors: Errors) -> dict[str, Errors]:
    """The source and a better one."""
    return {SMALL: errors, LARGE: Errors(errors.p / BETTER, errors.split)}


def two(policy: Policy, errors: Errors, overlap: float, figures: Figures, steps: int, seed: int) -> Share:
    """Both sources under the real layer."""
    return share(run(policy, twin(pair_of(errors), overlap=overlap, seed=seed), figures, range(steps)))


def aided(alpha: float = ALPHA) -> Policy:
    """A person does what is not trusted."""
    return Policy(ladder=(SMALL, LARGE), alpha=alpha, max_attempts=8)


def alone(length: int) -> Policy:
    """Nobody does."""
    return Policy(ladder=(SMALL, LARGE), alpha=share_of(LOST, length), max_attempts=MOST, pooled=True, unaided=True)


def metrics(*, steps: int, exams: int, seed: int, rates: Sequence[float] = (0.05, 0.10)) -> list[Metric]:
    """Two sources against one's ceiling, and the silent error with a person, at every overlap."""
    found = [_beats(overlap, steps, seed) for overlap in OVERLAPS]
    for p in rates:
        errors = Errors(p, (0.6, 0.3, 0.1))
        for overlap in OVERLAPS:
            known = known_figures(pair_of(errors), overlap)
            found += _aided(f"p={p:g}, {overlap:.0%} shared, known", errors, overlap, [known] * REPEATS, steps, seed)
            sat = [examined(pair_of(errors), overlap=overlap, seed=seed + i) for i in range(exams)]
            found += _aided(f"p={p:g}, {overlap:.0%} shared, estimated", errors, overlap, sat, steps // exams, seed)
        assumed = [Figures()]
        found += _aided(f"p={p:g}, 30% shared, priors alone", errors, 0.3, assumed, steps // 4, seed, barred=False)
    return found


def _beats(overlap: float, steps: int, seed: int) -> Metric:
    errors = Errors(0.05, (0.6, 0.3, 0.1))
    known = known_figures(pair_of(errors), overlap)
    done = two(alone(LENGTH), errors, overlap, known, steps, seed)
    top = ceiling(errors, LENGTH)
    low, high = wilson(done.right, steps)
    name = f"two sources unaided / one's ceiling, N={LENGTH}, {overlap:.0%} shared"
    return Metric(name, done.right**LENGTH / top, low**LENGTH / top, high**LENGTH / top, 1.0)


def _aided(
    name: str, errors: Errors, overlap: float, figures: Sequence[Figures], steps: int, seed: int, *, barred: bool = True
) -> list[Metric]:
    done = [two(aided(), errors, overlap, each, steps, seed + i) for i, each in enumerate(figures)]
    silent, review = statistics.fmean(d.silent for d in done), statistics.fmean(d.review for d in done)
    n = steps * len(done)
    bar = ALPHA if barred else None
    return [
        Metric(f"silent error at alpha {ALPHA}, {name}", silent, *wilson(silent, n), bar, "at most"),
        Metric(f"share in review, {name}", review, *wilson(review, n), None),
    ]
