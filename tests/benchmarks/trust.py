"""Benchmark of trust: `python -m tests.benchmarks.trust` measures what decisions take and how true figures are."""

import argparse
import asyncio
import random
import time
from collections import Counter
from pathlib import Path

from agentflow import Model, Policy, Problem, Record, ties, workflow
from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.buying import cheapest
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.evidence import Laws, believe
from agentflow.engine.trust.figures import StepFigures
from agentflow.engine.trust.standing import accepted, likeliest, stand
from agentflow.engine.trust.verdict import Attempt
from agentflow.flow.step import Step
from agentflow.testing import FakeModel, FakeModels, Faulty, FaultyModel, MemoryJournal, Twin, by_marker
from tests.benchmarks.report import Metric, finish, wilson
from tests.engine.trust.worlds import Source, World, exam, within

LADDER, PRICES, PLENTY = ("small", "large"), (1.0, 5.0), (4, 5)
PAIR = World({"small": Source(0.05, 0.06, 0.05), "large": Source(0.012, 0.015, 0.02)}, overlap=0.2, wrong=10)
"""Rates of systematic mistakes, slips and faults."""


class Page(Record):
    case: int


class Sums(Record):
    net: int
    total: int


async def read(page: Page, *, model: Model) -> Sums:
    """Asks for both fields."""
    return await model.ask(Sums, "Read the sums.", f"[case:{page.case}]")


@ties("net", "total")
def adds_up(sums: Sums) -> list[Problem]:
    """The total is no less than the net."""
    return [] if sums.total >= sums.net else [Problem(code="sums", message="the total is less than the net")]


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    decisions, steps, exams = (20_000, 500, 20) if args.quick else (1_000_000, 5_000, 200)
    finish("trust", measure(decisions, steps, exams, args.seed), args.json)


def measure(decisions: int, steps: int, exams: int, seed: int) -> list[Metric]:
    """What decisions and steps take, and how often the 95 % intervals of an exam's rates hold the truth."""
    return [
        Metric("CPU seconds of a million decisions", decided(decisions) * 1e6, None, None, 60, "at most"),
        Metric("CPU ms an attempt, fake model", spent(fakes(), steps), None, None, 1, "at most"),
        Metric("CPU ms an attempt, twin's own included", spent(twin(seed), steps), None, None, 1, "at most"),
        *covered(exams, seed),
    ]


def decided(count: int) -> float:
    """CPU seconds of one decision: which values are likeliest, how far they are trusted, what to ask for next."""
    laws, tied = Laws(StepFigures(), LADDER, frozenset()), {"adds_up": ("net", "total")}
    one, other = Sums(net=1, total=2), Sums(net=1, total=3)
    kinds = ((one,), (one, one), (one, other))
    began = time.process_time()
    for number in range(count):
        given = kinds[number % len(kinds)]
        attempts = [Attempt(name, made, said={"adds_up": ()}) for name, made in zip(LADDER, given, strict=False)]
        believed = believe(attempts, laws, tied)
        standing = stand(likeliest(attempts, believed), believed, tied, {})
        needs = standing.needs(0.02)
        _ = cheapest(needs, LADDER, PLENTY, PRICES) if needs else accepted(standing, attempts)
    return (time.process_time() - began) / count


def spent(models: FakeModels | Twin, steps: int) -> float:
    """CPU milliseconds of the whole step, for each attempt."""
    journal = MemoryJournal()
    began = time.process_time()
    done = asyncio.run(_perform(models, steps, journal))
    took = time.process_time() - began
    assert done, "no step came to an answer"
    return 1000 * took / len(journal.attempts)


async def _perform(models: FakeModels | Twin, steps: int, journal: MemoryJournal) -> int:
    step, done = _step(), 0
    for case in range(steps):
        verdict = await perform(step, [Page(case=case)], Services(f"job-{case}", {}, models, journal))
        done += isinstance(verdict, Accepted)
    return done


def _step() -> Step:
    policy = Policy(ladder=LADDER, alpha=0.02)
    return workflow("sums", takes=Page, gives=Sums).step(read, policy=policy, checks=[adds_up]).build().steps[0]


def fakes() -> FakeModels:
    """Models that are right at once."""
    return FakeModels(**{name: FakeModel(lambda _: Sums(net=1, total=2)) for name in LADDER})


def twin(seed: int) -> Twin:
    """Models that err."""
    models = {"small": FaultyModel(error=0.08), "large": FaultyModel(error=0.03)}
    return Twin(Faulty(seed=seed, models=models), by_marker(lambda case: {"net": int(case), "total": int(case) + 5}))


def covered(exams: int, seed: int) -> list[Metric]:
    """Of exams of 300 cases and 4 calls, the share whose interval holds the rate that they were drawn by."""
    held: Counter[str] = Counter()
    for number in range(exams):
        rng = random.Random(1000 * seed + number)
        field = estimate(exam(PAIR, rng, 300, 4)).fields["x"]
        for name, source in PAIR.sources.items():
            for rate in ("systematic", "slip", "fault"):
                held[f"{rate}, {name}"] += within(getattr(field.sources[name], rate), getattr(source, rate), rng)
        held["shared mistakes"] += within(field.shared["large|small"], PAIR.overlap, rng)
    return [
        Metric(f"95 % interval holds: {name}", count / exams, *wilson(count / exams, exams), None)
        for name, count in held.items()
    ]


if __name__ == "__main__":
    main()
