"""Benchmark of the guarantee: `python -m tests.benchmarks.guarantee` counts the promises that exams break.

A world is a faulty model with an error rate and a confidence of a set AUC. Each recalibration draws an exam from it,
chooses how sure an answer must be, and is judged by the true law of the world: how much it accepts, and how much of
that is wrong. The ideal knows the law and accepts as much as the promise allows.
"""

import argparse
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import fmean, stdev

from agentflow.exams.certify import Promise, Scored, certify, first_look, in_order
from agentflow.exams.certify_binomial import allowed
from tests.benchmarks.guarantee_ceiling import ceiling
from tests.benchmarks.guarantee_worlds import FLAT, WORLDS, World
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.report import Metric, finish, wilson

DELTA, CASES, STEPS = 0.05, 1000, 100


Rule = Callable[[Sequence[Scored], Sequence[Scored], Promise], float | None]
"""The bar, from the cases to tune on, those to certify on, and the promise."""


def ours(tuned: Sequence[Scored], cases: Sequence[Scored], promise: Promise) -> float | None:
    """The library's rule."""
    return certify(cases, promise, first=first_look(tuned, promise)).bar


def sequence(tuned: Sequence[Scored], cases: Sequence[Scored], promise: Promise) -> float | None:
    """Learn then test: bars at every hundredth of the tuned cases, from the strictest that can pass to the loosest."""
    start = min(len(tuned), math.ceil(math.log(promise.delta) / math.log(1 - promise.alpha)))
    tops = sorted((case.sure for case in tuned), reverse=True)
    bars_tried = [tops[m - 1] for m in range(start, len(tops) + 1, max(1, len(tops) // STEPS))]
    ranked = sorted(cases, key=lambda case: -case.sure)
    wrong = list(accumulate((case.wrong for case in ranked), initial=0))
    up = [-case.sure for case in ranked]
    counts = [(wrong[m], m) for m in (bisect_left(up, -bar + 1e-15) for bar in bars_tried)]
    passed = in_order(counts, promise)
    return bars_tried[passed - 1] if passed else None


def plain(_: Sequence[Scored], cases: Sequence[Scored], promise: Promise) -> float | None:
    """The lowest bar whose counted error is at most alpha."""
    return _lowest(cases, [math.floor(promise.alpha * m) for m in range(len(cases) + 1)])


def searched(_: Sequence[Scored], cases: Sequence[Scored], promise: Promise) -> float | None:
    """The lowest bar whose exact bound is at most alpha, as though it had been the only one looked at."""
    return _lowest(cases, allowed(len(cases), promise.alpha, promise.delta))


def _lowest(cases: Sequence[Scored], most: Sequence[int]) -> float | None:
    ranked = sorted(cases, key=lambda case: -case.sure)
    wrong = list(accumulate((case.wrong for case in ranked), initial=0))
    best = max((m for m in range(1, len(ranked) + 1) if wrong[m] <= most[m]), default=0)
    return ranked[best - 1].sure if best else None


RULES: dict[str, Rule] = {
    "agentflow": ours,
    "Learn then Test, strict to loose": sequence,
    "exact bound, uncorrected": searched,
    "plain threshold": plain,
}


@dataclass(frozen=True)
class Told:
    """What a rule did in a world, over all its recalibrations."""

    broken: float
    coverage: float
    """Mean of the true coverages, as a share of the ideal."""
    spread: float
    """Its standard error."""
    runs: int


def measure(world: World, runs: int, seed: int, cases: int = CASES) -> dict[str, Told]:
    """Every rule on the same exams."""
    promise, found = Promise(world.alpha, DELTA), {name: [] for name in RULES}
    for run in range(runs):
        tuned, held = (world.exam(2 * (seed * 1_000_003 + run) + half, cases) for half in (0, 1))
        for name, rule in RULES.items():
            found[name].append(world.accepts(rule(tuned, held, promise)))
    return {name: _told(world, accepted) for name, accepted in found.items()}


def _told(world: World, accepted: Sequence[tuple[float, float]]) -> Told:
    shares = [coverage / world.ideal for coverage, _ in accepted]
    broken = fmean(risk > world.alpha for _, risk in accepted)
    return Told(broken, fmean(shares), stdev(shares) / math.sqrt(len(shares)), len(shares))


def metrics(world: World, told: dict[str, Told]) -> list[Metric]:
    """The library's rule against its bars; the others beside it."""
    rows: list[Metric] = []
    for name, each in told.items():
        is_ours = name == "agentflow"
        interval = (each.coverage - 1.96 * each.spread, each.coverage + 1.96 * each.spread)
        share = Metric(f"{world}: coverage / ideal, {name}", each.coverage, *interval, 0.85 if is_ours else None)
        rows += [_broken(f"{world}: broken promises, {name}", each, DELTA if is_ours else None), share]
    return rows


def highest(world: World, share: float) -> Metric:
    """What no rule that keeps the promise can go beyond."""
    return Metric(f"{world}: coverage / ideal, at most for any rule", share, None, None, None)


def _broken(name: str, told: Told, bar: float | None) -> Metric:
    return Metric(name, told.broken, *wilson(told.broken, told.runs), bar, "at most")


def pictures(found: dict[World, dict[str, Told]]) -> dict[str, str]:
    """SVG by name."""
    broken = [
        Bar(str(world), name, each.broken, *wilson(each.broken, each.runs))
        for world, told in found.items()
        for name, each in told.items()
    ]
    coverage = [
        Bar(str(world), name, each.coverage, each.coverage - 1.96 * each.spread, each.coverage + 1.96 * each.spread)
        for world, told in found.items()
        for name, each in told.items()
    ]
    return {
        "guarantee_broken.svg": bars(
            f"Share of exams of {CASES} cases whose promise is broken ({DELTA:g} allowed)", broken
        ),
        "guarantee_coverage.svg": bars("Share accepted, of what who knows the law could accept", coverage),
    }


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50 recalibrations in place of 1000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file, and the pictures beside it")
    args = parser.parse_args()
    found = {world: measure(world, 50 if args.quick else 1000, args.seed) for world in WORLDS}
    if args.json is not None:
        for name, drawn in pictures(found).items():
            (args.json.parent / name).write_text(drawn, encoding="utf-8")
    rows = [row for world, told in found.items() for row in metrics(world, told)]
    runs = 100 if args.quick else 1000
    rows += [highest(world, ceiling(world, DELTA, CASES, runs, args.seed)) for world in WORLDS]
    flat = measure(FLAT, 50 if args.quick else 1000, args.seed)
    finish("guarantee", rows + [row for row in metrics(FLAT, flat) if "broken" in row.name], args.json)


if __name__ == "__main__":
    main()
