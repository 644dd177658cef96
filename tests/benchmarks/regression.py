"""Benchmark of regressions: `python -m tests.benchmarks.regression` plants one and counts how often it is found.

Pairs of runs of the same cases: errors rise from 10 to 13 %, half of the earlier errors being the later run's too, or
do not rise at all. What is counted is how often `agentflow exam --against` would end with exit code 1. The same with
cases of a document that err together, and with errors that a person sees.
"""

import argparse
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow.exams.comparing import LEVEL, by_chance
from agentflow.exams.scoring import Mark
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.report import Metric, finish, wilson

CASES, BEFORE, AFTER, SHARED = 1000, 0.10, 0.13, 0.5
POWER, ALARMS = 0.80, 0.05
TOGETHER = 4
"""Cases of one document, where they err together."""

Draw = Callable[[random.Random, float], tuple[list[Mark], list[Mark]]]


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 pairs of runs each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file, and a picture beside it")
    args = parser.parse_args()
    metrics = measured(100 if args.quick else 1000, args.seed)
    if args.json:
        rows = [Bar(m.name, "alarms", m.value, m.low or 0, m.high or 1) for m in metrics]
        args.json.with_suffix(".svg").write_text(bars("Share of pairs of runs that raise an alarm", rows))
    finish("regression", metrics, args.json)


def measured(runs: int, seed: int) -> list[Metric]:
    """How often an alarm is raised, with a regression and without one."""
    return [
        _metric("silent errors 10 -> 13 % are found", alone, AFTER, runs, seed, POWER),
        _metric("no difference", alone, BEFORE, runs, seed, ALARMS, "at most"),
        _metric("errors that a person sees, 10 -> 13 %", seen, AFTER, runs, seed, None),
        _metric("no difference, errors that a person sees", seen, BEFORE, runs, seed, ALARMS, "at most"),
        _metric(
            "no difference, four cases a document that err together", together, BEFORE, runs, seed, ALARMS, "at most"
        ),
    ]


def _metric(
    name: str, draw: Draw, now: float, runs: int, seed: int, bar: float | None, sense: Any = "at least"
) -> Metric:
    alarms = sum(_alarm(draw, now, f"{seed} {name} {number}", number) for number in range(runs))
    return Metric(name, alarms / runs, *wilson(alarms / runs, runs), bar, sense)


def _alarm(draw: Draw, now: float, key: str, number: int) -> bool:
    before, after = draw(random.Random(key), now)
    return by_chance(list(zip(before, after, strict=True)), number)[0] <= LEVEL


def alone(rng: random.Random, now: float, kind: Any = "wrong") -> tuple[list[Mark], list[Mark]]:
    """Every case a document of its own."""
    before, after = list[Mark](), list[Mark]()
    for case in range(CASES):
        wrong, also = errs(rng, now)
        before.append(_mark(case, case, kind if wrong else "right"))
        after.append(_mark(case, case, kind if also else "right"))
    return before, after


def seen(rng: random.Random, now: float) -> tuple[list[Mark], list[Mark]]:
    """Errors that a check objects to."""
    return alone(rng, now, "review")


def together(rng: random.Random, now: float) -> tuple[list[Mark], list[Mark]]:
    """The cases of a document err all or none."""
    before, after = list[Mark](), list[Mark]()
    for document in range(CASES // TOGETHER):
        wrong, also = errs(rng, now)
        for place in range(TOGETHER):
            case = document * TOGETHER + place
            before.append(_mark(case, document, "wrong" if wrong else "right"))
            after.append(_mark(case, document, "wrong" if also else "right"))
    return before, after


def errs(rng: random.Random, now: float) -> tuple[bool, bool]:
    """Whether the earlier and the later run err on a case."""
    wrong = rng.random() < BEFORE
    return wrong, rng.random() < (SHARED if wrong else (now - BEFORE * SHARED) / (1 - BEFORE))


def _mark(case: int, document: int, result: Any) -> Mark:
    return Mark(str(case), 0, str(document), {}, result, "", Decimal(0), 0.0)


if __name__ == "__main__":
    main()
