"""Benchmark of recovery: `python -m tests.benchmarks.recovery` plants error rates and counts how often they are found.

Two sources answer by the law itself, each with its own rates of systematic mistakes, slips and faults, some of them
shared, under a check that catches and alarms. The exam's own estimating code counts them; what is measured is in how
many exams the 95 % interval of each rate (the middle of its Beta law) holds what was planted.
"""

import argparse
import random
from collections import Counter
from pathlib import Path

from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Rate
from agentflow.engine.trust.observing import Observation
from agentflow.exams.intervals import Estimate, of_rate
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.report import Metric, finish, wilson
from tests.engine.trust.worlds import TRUTH, Source, World, exam

WORLDS = {
    "rare": World({"small": Source(0.05, 0.06, 0.05), "large": Source(0.012, 0.015, 0.02)}, overlap=0.2, wrong=10),
    "common": World({"small": Source(0.15, 0.12, 0.05), "large": Source(0.06, 0.05, 0.02)}, overlap=0.4, wrong=10),
    "alike": World({"small": Source(0.08, 0.08, 0.03, 8.0), "large": Source(0.04, 0.03, 0.02, 8.0)}, 0.3, 10),
}
"""Planted: systematic mistakes, slips and faults of each source, and how alike the answers to one case are."""
CASES, TRIALS = 300, 4
CATCH, ALARM = 0.7, 0.03
LOW, HIGH = 0.925, 0.98


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="50 exams a world")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file, and a picture beside it")
    args = parser.parse_args()
    exams = 50 if args.quick else 1000
    metrics = [metric for name in WORLDS for metric in covered(name, exams, args.seed)]
    if args.json:
        rows = [Bar(m.name, "held", m.value, m.low or 0, m.high or 1) for m in metrics if m.sense == "at least"]
        text = bars(f"Share of {exams} exams whose 95 % interval holds what was planted", rows)
        args.json.with_suffix(".svg").write_text(text, encoding="utf-8")
    finish("recovery", metrics, args.json)


def covered(name: str, exams: int, seed: int) -> list[Metric]:
    """By rate: the share of exams whose interval holds the planted rate, against both bars."""
    held: Counter[str] = Counter()
    for number in range(exams):
        rng = random.Random(f"{seed} {name} {number}")
        held.update(rate for rate, found in _found(WORLDS[name], rng) if found)
    rates = [rate for rate, _ in _found(WORLDS[name], random.Random(0))]
    return [metric for rate in rates for metric in _metrics(f"{name}: {rate}", held[rate], exams)]


def _metrics(name: str, held: int, exams: int) -> list[Metric]:
    share = held / exams
    interval = wilson(share, exams)
    return [Metric(name, share, *interval, LOW), Metric(f"{name} (no wider)", share, *interval, HIGH, "at most")]


def _found(world: World, rng: random.Random) -> list[tuple[str, bool]]:
    """By rate: whether its interval holds it."""
    salt = rng.random()
    rows = [_checked(row, salt) for row in exam(world, rng, CASES, TRIALS)]
    field = estimate(rows).fields["x"]
    first, other = world.sources
    planted: list[tuple[str, Rate, float]] = [
        (f"{rate}, {name}", getattr(field.sources[name], rate), getattr(source, rate))
        for name, source in world.sources.items()
        for rate in ("systematic", "slip", "fault")
    ]
    check = field.checks["check"]
    planted += [
        ("overlap", field.shared["|".join(sorted((first, other)))], world.overlap),
        ("catch of the check", check.catch, CATCH),
        ("alarm of the check", check.alarm, ALARM),
    ]
    return [(name, _holds(of_rate(rate), truth)) for name, rate, truth in planted]


def _holds(found: Estimate, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _checked(row: Observation, salt: float) -> Observation:
    """With the check's word, the same however often the value is given."""
    if row.fault is not None:
        return row
    chance = random.Random(f"{row.case} {row.value} {salt}").random()
    objects = chance < (ALARM if row.value == TRUTH else CATCH)
    return Observation(row.case, row.source, row.trial, row.path, row.value, row.truth, said={"check": objects})


if __name__ == "__main__":
    main()
