"""Benchmark of jobs: `python -m tests.benchmarks.jobs` measures what accepting, running and keeping them costs.

`submit` asks a real server over HTTP; the others run jobs through the library in one embedded process, each in a
process of its own. Models answer at once, but in `waits`, where each answer takes a second. Everything shares the
machine; rates are those of the machine as it is, ratios are of two sides measured in turn.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.accepting import accepting, child
from tests.benchmarks.asking import STEPS
from tests.benchmarks.places import Server
from tests.benchmarks.report import Metric, finish

SCENARIOS = ("submit", "waits", "overhead", "bytes", "soak")
SLICES = 10
A_JOB = 16_384
"""Bytes that a job of ten steps may leave in the database."""
LARGEST = 12


@dataclass(frozen=True)
class Sizes:
    """How much of everything is done."""

    requests: int = 5_000
    waiting: int = 1_000
    seconds: float = 1.0
    """That a model takes for an answer in `waits`."""
    rounds: int = 7
    a_round: int = 60
    kept: int = 500
    soaked: int = 20_000


QUICK = Sizes(requests=600, waiting=100, rounds=3, a_round=20, kept=100, soaked=500)
TINY = Sizes(requests=24, waiting=8, seconds=0.05, rounds=1, a_round=4, kept=10, soaked=40)
"""For the tests."""


async def submit(kind: str, url: str, home: Path, sizes: Sizes) -> list[Metric]:
    """A server without a worker, asked over keep-alive connections."""
    return await accepting(kind, url, home, sizes.requests)


async def waits(kind: str, url: str, home: Path, sizes: Sizes) -> list[Metric]:
    """Jobs that mostly wait for their model, all under way at once."""
    count = sizes.waiting
    spent = _embedded("waits", url, home, jobs=count, seconds=sizes.seconds, concurrency=count)
    name = f"{count} jobs of ten waits, {kind}"
    return [
        Metric(f"{name}: seconds", spent["wall"], None, None, 60.0, "at most"),
        Metric(f"{name}: MB resident at most", spent["peak"], None, None, 600.0, "at most"),
        Metric(f"{name}: ms of processor a step", 1000 * spent["processor"] / count / STEPS, None, None, None),
    ]


async def overhead(kind: str, url: str, home: Path, sizes: Sizes, *others: str) -> list[Metric]:
    """Jobs with their ledger beside the same steps in LangGraph alone, and beside typed steps in it, in turn."""
    told = {"url": url, "others": others, "home": str(home), "jobs": sizes.a_round, "times": sizes.rounds}
    rounds = child("tests.benchmarks.beside", json.dumps({**told, "concurrency": 8}))
    steps = sizes.a_round * STEPS
    walls, spent = ([[side[which] for side in one] for one in rounds] for which in (0, 1))
    name, sides = f"overhead, {kind}", ("LangGraph's", "of typed steps in LangGraph", "ours")
    return [
        _middle(f"{name}: processor a step, ours / LangGraph's", [ours / bare for bare, _, ours in spent], 1.3),
        _middle(
            f"{name}: processor a step that we add / LangGraph's", [(o - bare) / bare for bare, _, o in spent], 1.3
        ),
        _middle(f"{name}: of that by jobs and ledger", [(ours - typed) / bare for bare, typed, ours in spent]),
        _middle(f"{name}: wall clock a step, ours / LangGraph's", [ours / bare for bare, _, ours in walls]),
        *(
            _middle(f"{name}: ms of processor a step, {side}", [1000 * one[i] / steps for one in spent])
            for i, side in enumerate(sides)
        ),
    ]


async def left(kind: str, url: str, home: Path, sizes: Sizes) -> list[Metric]:
    """What jobs of ten asked steps leave in the database behind their end."""
    before, after = _embedded("room", url, home, jobs=sizes.kept, concurrency=20)
    grown = {table: (size - before.get(table, 0)) / sizes.kept for table, size in after.items()}
    tables = sorted(((size, table) for table, size in grown.items() if size >= 1), reverse=True)
    return [
        Metric(f"bytes a ten-step job leaves, {kind}", sum(grown.values()), None, None, A_JOB, "at most"),
        *(Metric(f"bytes a job in {table}, {kind}", size, None, None, None) for size, table in tables[:LARGEST]),
    ]


async def soak(kind: str, url: str, home: Path, sizes: Sizes) -> list[Metric]:
    """Many short jobs: whether the last cost what the first did; the first slice is for warming up."""
    slices = _embedded("soak", url, home, jobs=sizes.soaked, slices=SLICES, concurrency=16)
    costs = [1000 * one["processor"] / one["jobs"] for one in slices]
    memory = [one["megabytes"] for one in slices]
    growth = _slope(costs[1:]) * len(costs[1:]) / statistics.mean(costs[1:])
    name = f"soak of {sizes.soaked}, {kind}"
    return [
        Metric(f"{name}: growth of processor a job, by the line of least squares", growth, None, None, 0.15, "at most"),
        Metric(f"{name}: ms of processor a job, median slice", statistics.median(costs), min(costs), max(costs), None),
        Metric(f"{name}: MB grown, second slice to last", memory[-1] - memory[1], None, None, 20.0, "at most"),
        Metric(f"{name}: MB resident at the end", memory[-1], None, None, None),
    ]


def _embedded(function: str, url: str, home: Path, **options: Any) -> Any:
    return child("tests.benchmarks.embedded", function, json.dumps({"url": url, "home": str(home), **options}))


def _middle(name: str, values: Sequence[float], bar: float | None = None) -> Metric:
    return Metric(name, statistics.median(values), min(values), max(values), bar, "at most")


def _slope(values: Sequence[float]) -> float:
    """Of the line of least squares, a value."""
    return statistics.linear_regression(range(len(values)), values).slope


async def measure(home: Path, server: Server | None, sizes: Sizes, only: Sequence[str] = ()) -> list[Metric]:
    """All scenarios, or those in `only`, each on a database of its own of every kind; without `server` on SQLite."""
    metrics: list[Metric] = []
    for scenario in only or SCENARIOS:
        for kind in ("SQLite", "PostgreSQL") if server else ("SQLite",):
            place = home / f"{scenario}-{kind}"
            place.mkdir(parents=True)

            def database(kind: str = kind, place: Path = place) -> str:
                return server.database() if server and kind == "PostgreSQL" else f"sqlite:///{place / _new(place)}"

            found = await _measured(scenario, kind, place, sizes, database)
            print(f"{scenario}: " + ", ".join(f"{m.name} = {m.value:.4g}" for m in found), file=sys.stderr)
            metrics.extend(found)
    return metrics


async def _measured(scenario: str, kind: str, place: Path, sizes: Sizes, database: Callable[[], str]) -> list[Metric]:
    match scenario:
        case "overhead":
            return await overhead(kind, database(), place, sizes, database(), database())
        case "bytes":
            return await left(kind, database(), place, sizes)
        case _:
            return await {"submit": submit, "waits": waits, "soak": soak}[scenario](kind, database(), place, sizes)


def _new(place: Path) -> str:
    file = place / f"jobs{len(list(place.glob('*.db')))}.db"
    file.touch()  # so that the next is another
    return file.name


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--seed", type=int, default=1, help="taken for the sake of sameness: nothing here is drawn")
    parser.add_argument("--data", type=Path, help="as --seed")
    parser.add_argument("--only", nargs="*", default=(), choices=SCENARIOS, help="which of them")
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        server = Server(Path(scratch))
        try:
            metrics = asyncio.run(measure(Path(scratch), server, QUICK if args.quick else Sizes(), args.only))
        finally:
            server.close()
    finish("jobs", metrics, args.json)


if __name__ == "__main__":
    main()
