"""Benchmark of ladders: `python -m tests.benchmarks.ladder` holds a tuned ladder of three models against the oracle's.

An exam asks three faulty models about the tuning cases; the library counts their figures and chooses the bars; the
real engine then does the held-out cases with that ladder. The oracle knows which answers are right before it pays for
them: it takes the first model's where it is right, else the cheapest other that is. Hard cases are hard for all models.
"""

import argparse
import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow.engine.answer import Services, by_model
from agentflow.engine.attempt import perform
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.figures import Figures, StepFigures
from agentflow.exams.ladder import Climb, Ladder, Quality, cheapest, done, frontier
from agentflow.exams.ladder_replay import Asked, Weighing, climbs, is_right, measured
from agentflow.exams.tune import tuned
from agentflow.flow.model import Model
from agentflow.flow.policy import Policy
from agentflow.flow.record import Evidence, Record
from agentflow.flow.step import Step, read_signature
from agentflow.testing import Confidence, Faulty, FaultyModel, MemoryJournal, Price, RightRate, Twin, by_marker
from tests.benchmarks.ladder_picture import Point, drawn
from tests.benchmarks.report import Metric, finish

ROLES = ("small", "medium", "large")
PRICES = {"small": Decimal(1), "medium": Decimal(5), "large": Decimal(25)}
"""A call's, in thousandths of what a case is worth; only their relation counts."""
AUC = 0.95
SPREAD = 2.5
"""a + b of the Beta law of how often a model is right on a case."""


@dataclass(frozen=True)
class World:
    """How often each of the models is right, and how well it knows."""

    right: tuple[float, float, float]
    auc: float = AUC

    def __str__(self) -> str:
        return f"{'/'.join(f'{share:.2f}'.lstrip('0') for share in self.right)}, AUC {self.auc:g}"

    def twin(self, seed: int) -> Twin:
        """The models; wrong answers of one are not those of another, unless by chance."""
        models = {
            name: FaultyModel(
                price=Price(call=PRICES[name]),
                right_rate=RightRate(a=SPREAD * share, b=SPREAD * (1 - share), shared=1),
                split=(0, 0.5, 0.5),
                wrong_values=10,
                confidence=Confidence(auc=self.auc, field="sure"),
            )
            for name, share in zip(ROLES, self.right, strict=True)
        }
        return Twin(Faulty(seed=seed, models=models), by_marker(lambda case: {"value": gold(int(case))}))


WORLDS = (World((0.80, 0.90, 0.96)), World((0.90, 0.94, 0.96)), World((0.60, 0.80, 0.93)))
AUCS = (0.70, 0.80, 0.90, 0.99)
TARGET = 1.6


class Task(Record):
    """One case."""

    case: int


class Said(Record):
    """What a model is asked for."""

    value: int
    sure: float = 0.5


class Read(Record):
    """What the step makes."""

    value: int
    evidence: dict[str, Evidence] = {}


def gold(case: int) -> int:
    """The right value."""
    return 7_000_003 + 10 * case


async def read(task: Task, *, model: Model) -> Read:
    """Asks for the value and how sure the model is."""
    said = await model.ask(Said, "Read the value.", f"[case:{task.case}]")
    return Read(value=said.value, evidence={"value": Evidence(trust=said.sure, source=model.role)})


STEP = Step(name="read", kind="step", call=read, signature=read_signature(read), policy=Policy(ladder=ROLES))


def examined(models: Twin, cases: Sequence[int]) -> list[Asked]:
    """What each model says of each case, once."""
    return asyncio.run(_examined(models, cases))


async def _examined(models: Twin, cases: Sequence[int]) -> list[Asked]:
    found: list[Asked] = []
    for case in cases:
        attempts: dict[str, Any] = {}
        for role in ROLES:
            services = Services(f"exam-{case}", {}, models, MemoryJournal(keep_lines=False))
            attempt = await by_model(STEP, role, [Task(case=case)], services)
            assert attempt is not None
            attempts[role] = (replace(attempt, cost=PRICES[role]),)
        found.append(Asked(str(case), Read(value=gold(case)), attempts))
    return found


def run(models: Twin, figures: StepFigures, cases: Sequence[int]) -> tuple[float, float]:
    """The real engine with the tuned ladder: its cost a case, and the share that comes out right."""
    return asyncio.run(_run(models, Figures(steps={STEP.name: figures}), cases))


async def _run(models: Twin, figures: Figures, cases: Sequence[int]) -> tuple[float, float]:
    cost = right = 0.0
    for case in cases:
        journal = MemoryJournal(keep_lines=False)
        verdict = await perform(STEP, [Task(case=case)], Services(f"live-{case}", {}, models, journal, figures))
        cost += float(journal.cost)
        right += isinstance(verdict, Accepted) and verdict.made.value == gold(case)
    return cost / len(cases), right / len(cases)


def oracle(asked: Sequence[Asked]) -> float:
    """What it would cost a case to pay for the first model, and then for the cheapest that is right."""
    return sum(_paid(case) for case in asked) / len(asked)


def _paid(case: Asked) -> float:
    right = [role for role in ROLES if is_right(case.attempts[role][0].made, case.truth, ("value",))]
    first = float(PRICES[ROLES[0]])
    return first if not right or right[0] == ROLES[0] else first + float(PRICES[right[0]])


def strongest(asked: Sequence[Asked]) -> float:
    """The share that the dearest model alone gets right."""
    return sum(is_right(case.attempts[ROLES[-1]][0].made, case.truth, ("value",)) for case in asked) / len(asked)


def equal_quality(ladders: Sequence[Ladder], held: Sequence[Climb], share: float) -> float:
    """The cost a case at which ladders of the frontier are as often right as that, between the two nearest."""
    points = sorted((d.right / d.cases, d.cost / d.cases) for d in (done(held, each.bars) for each in ladders))
    enough = [(cost, right) for right, cost in points if right >= share]
    if not enough:
        return math.nan
    cost, right = min(enough)
    below = [(c, r) for r, c in points if r < share and c < cost]
    if not below:
        return cost
    low, less = max(below, key=lambda point: point[1])
    return low + (cost - low) * (share - less) / (right - less)


@dataclass(frozen=True)
class Measured:
    """One world, in parts of what the dearest model alone costs."""

    world: World
    cost: float
    right: float
    equal: float
    """What the ladders of the frontier cost where they are as often right as the dearest model."""
    oracle: float
    strong: float
    cases: int
    curve: tuple[Point, ...]


def measure(world: World, tune: int, hold: int, seed: int) -> Measured:
    """Tunes on some cases and runs the engine on others."""
    models = world.twin(seed)
    asked, held = examined(models, range(tune)), examined(models, range(tune, tune + hold))
    weighing = Weighing(measured(asked))
    aim = Quality(strongest(asked))
    on_tune, on_hold = climbs(asked, ROLES, weighing), climbs(held, ROLES, weighing)
    chosen = cheapest(on_tune, aim)
    assert chosen is not None
    figures = weighing.figures.model_copy(update={"ladder": tuned(ROLES, chosen.bars)})
    cost, right = run(models, figures, range(tune, tune + hold))
    ladders, whole = frontier(on_tune, aim), float(PRICES[ROLES[-1]])
    curve = tuple(Point(d.cost / d.cases / whole, d.right / d.cases) for d in (done(on_hold, e.bars) for e in ladders))
    strong = strongest(held)
    equal = equal_quality(ladders, on_hold, strong)
    return Measured(world, cost / whole, right, equal / whole, oracle(held) / whole, strong, hold, curve)


def metrics(found: Measured, *, bar: bool) -> list[Metric]:
    """The ladder against the oracle's."""
    name, n = str(found.world), found.cases
    error = 1.96 * math.sqrt(2 * found.strong * (1 - found.strong) / n)
    gap = found.right - found.strong
    return [
        Metric(f"{name}: cost at equal quality / oracle", found.equal / found.oracle, None, None, *_bar(bar)),
        Metric(f"{name}: cost as run / oracle", found.cost / found.oracle, None, None, None, "at most"),
        Metric(f"{name}: cost / always-strong", found.cost, None, None, None, "at most"),
        Metric(f"{name}: oracle's cost / always-strong", found.oracle, None, None, None, "at most"),
        Metric(f"{name}: share right, less always-strong's", gap, gap - error, gap + error, None),
    ]


def _bar(bar: bool) -> tuple[float | None, Any]:
    return (TARGET if bar else None), "at most"


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file, and the picture beside it")
    args = parser.parse_args()
    tune, hold = (1000, 2000) if args.quick else (4000, 20_000)
    found = [measure(world, tune, hold, args.seed) for world in WORLDS]
    others = [measure(World(WORLDS[0].right, auc), tune, hold, args.seed) for auc in AUCS]
    if args.json is not None:
        shown = {
            f"AUC {each.world.auc:g}": each.curve for each in sorted((found[0], *others), key=lambda m: m.world.auc)
        }
        path = args.json.parent / "ladder.svg"
        path.write_text(drawn(shown, found[0].strong, found[0].oracle), encoding="utf-8")
    rows = [row for each in found for row in metrics(each, bar=True)]
    finish("ladder", rows + [row for each in others for row in metrics(each, bar=False)], args.json)


if __name__ == "__main__":
    main()
