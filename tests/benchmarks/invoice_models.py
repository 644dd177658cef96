"""Benchmark of the invoices pack with models: `python -m tests.benchmarks.invoice_models`.

Two faulty models stand behind HTTP, reached through litellm as any other. Real pages are read by the pack under its
policy: on-device source, a small and a frontier model, identities, vendor facts. The figures it goes by are counted on
one part of the suppliers, the other part decides. Beside it, on the same pages: the on-device source alone, each model
asked once, and the frontier model asked three times with a majority of fields.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow import Documents
from agentflow.engine.answer import Services, by_model
from agentflow.engine.attempt import perform
from agentflow.engine.models import Budget, Models, read_models
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.figures import Figures
from agentflow.testing import Faulty, FaultyModel, Gold, MemoryJournal, Price, serve
from agentflow.testing.truth import sha256
from domains.invoices.pack import ALPHA
from domains.invoices.records import Invoice
from tests.benchmarks.checks import clustered
from tests.benchmarks.invoice_exam import examined, figures_of, spelled, truth_of
from tests.benchmarks.invoice_gold import DATA, Case, read_cases
from tests.benchmarks.invoice_world import desk, extraction
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.report import Metric, finish

SMALL, FRONTIER = "small", "frontier"
ERRORS = {SMALL: 0.08, FRONTIER: 0.03}
PRICES = {
    SMALL: Price(input=Decimal("0.15"), output=Decimal("0.60")),
    FRONTIER: Price(input=Decimal(3), output=Decimal(15)),
}
"""USD for a million tokens, as such models cost."""
VOTES = 3
LAYER, DEVICE, MAJORITY = "trust layer", "on-device alone", "frontier, best of three"


@dataclass(frozen=True)
class Done:
    """What became of one document."""

    cluster: str
    delivered: bool
    fields: int
    """Labelled fields that the delivered invoice fills."""
    wrong: int
    cost: Decimal
    """USD."""


Arm = Callable[[Case], Awaitable[tuple[Any, bool, Decimal]]]
"""Gives what is made of a document, whether it goes without a person, and what it cost."""


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with docs/, gold.jsonl, vendors.csv")
    parser.add_argument("--split", type=_split, default=(0.6, 0.3, 0.1), help="d,u,c, or the JSON of checks")
    parser.add_argument("--per", choices=("field", "answer"), default="field", help="what errs")
    parser.add_argument("--overlap", type=float, default=0.3, help="share of mistakes that the frontier model shares")
    parser.add_argument("--seeds", type=int, default=4, help="draws of the models' mistakes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one draw of mistakes")
    parser.add_argument("--json", type=Path, help="write the figures to this file, and a picture beside it")
    args = parser.parse_args()
    seeds = range(args.seed, args.seed + (1 if args.quick else args.seeds))
    arms = asyncio.run(measured(args.data, seeds, args.split, args.per, args.overlap))
    if args.json:
        args.json.with_suffix(".svg").write_text(picture(arms), encoding="utf-8")
    finish("invoice_models", metrics(arms), args.json)


def _split(given: str) -> tuple[float, ...]:
    """`0.6,0.3,0.1`, or the three shares that the benchmark of checks wrote down."""
    if Path(given).is_file():
        found = json.loads(Path(given).read_text())["metrics"]
        return tuple(found[f"split: {name}"]["value"] for name in NAMES)
    return tuple(float(part) for part in given.split(","))


NAMES = ("detectable", "undetectable, independent", "correlated")


def faulty(seed: int, split: Sequence[float], per: Any, overlap: float) -> Faulty:
    """The two models."""
    shares: Any = tuple(split)
    models = {
        name: FaultyModel(
            error=error,
            split=shares,
            per=per,
            detectable="value",
            price=PRICES[name],
            follows=overlap if name == FRONTIER else 0.0,
            rate_may_rise=True,
        )
        for name, error in ERRORS.items()
    }
    return Faulty(seed=seed, models=models)


async def measured(
    data: Path, seeds: Sequence[int], split: Sequence[float], per: str, overlap: float
) -> dict[str, list[Done]]:
    """Every arm on every document of the deciding part, once for every draw of the models' mistakes."""
    done: dict[str, list[Done]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        async with desk(data, Path(scratch)) as (services, reader):
            cases = await read_cases(data, services.connectors[Documents], reader)  # type: ignore[arg-type]
            for seed in seeds:
                async with serve(faulty(seed, split, per, overlap), truth(cases)) as server:
                    toml = Path(scratch) / "models.toml"
                    await asyncio.to_thread(toml.write_text, server.models_toml())
                    bound = replace(services, models=Models(read_models(toml), Budget(None)))
                    for name, found in (await _arms(cases, bound, services)).items():
                        done.setdefault(name, []).extend(found)
    return done


def truth(cases: Sequence[Case]) -> Callable[[Any], Gold | None]:
    """What would be right, by the text that the model is shown."""
    answers: Mapping[str, Case] = {case.sha256: case for case in cases}

    def look_up(request: Any) -> Gold | None:
        case = answers.get(sha256(request.text))
        return Gold(case=case.id, answer=case.answer) if case else None

    return look_up


async def _arms(cases: Sequence[Case], bound: Services, alone: Services) -> dict[str, list[Done]]:
    exam, decide = examined(cases, 0), examined(cases, 1)
    figures = Figures(steps={"extract": await figures_of(exam, bound, list(ERRORS))})
    arms: dict[str, Arm] = {
        DEVICE: _by_pack(replace(alone, figures=figures)),
        "small, once": _by_vote(SMALL, 1, bound),
        "frontier, once": _by_vote(FRONTIER, 1, bound),
        MAJORITY: _by_vote(FRONTIER, VOTES, bound),
        LAYER: _by_pack(replace(bound, figures=figures)),
    }
    return {name: [await _done(case, arm) for case in decide] for name, arm in arms.items()}


def _by_pack(services: Services) -> Arm:
    """The pack's own step under its policy."""

    async def arm(case: Case) -> tuple[Any, bool, Decimal]:
        journal = MemoryJournal()
        verdict = await perform(extraction(), [case.pages], replace(services, job=case.id, journal=journal))
        accepted = isinstance(verdict, Accepted)
        return (verdict.made if isinstance(verdict, Accepted) else verdict.candidate), accepted, journal.cost

    return arm


def _by_vote(role: str, votes: int, services: Services) -> Arm:
    """A model asked so often, each field what most answers say; what it says is delivered as it is."""

    async def arm(case: Case) -> tuple[Any, bool, Decimal]:
        journal = MemoryJournal()
        asked = replace(services, job=case.id, journal=journal)
        made = [await by_model(extraction(), role, [case.pages], asked, (), variant) for variant in range(votes)]
        answers = [attempt.made for attempt in made if attempt and isinstance(attempt.made, Invoice)]
        return (majority(answers) if answers else None), bool(answers), journal.cost

    return arm


def majority(answers: Sequence[Invoice]) -> Invoice:
    """What most answers say of each field; the first one where no two agree."""
    names = [name for name in Invoice.model_fields if name not in ("evidence", "lines", "taxes", "accounts")]
    most = {name: Counter(getattr(answer, name) for answer in answers).most_common(1)[0][0] for name in names}
    return answers[0].model_copy(update=most)


async def _done(case: Case, arm: Arm) -> Done:
    made, delivered, cost = await arm(case)
    if not delivered:
        return Done(case.cluster, False, 0, 0, cost)
    right = truth_of(case)
    said = spelled(made, right)
    filled = [name for name in case.gold if getattr(said, name) is not None]
    wrong = sum(getattr(said, name) != getattr(right, name) for name in filled)
    return Done(case.cluster, True, len(filled), wrong, cost)


def metrics(arms: Mapping[str, Sequence[Done]]) -> list[Metric]:
    """The bars, then every arm's figures."""
    layer, three = arms[LAYER], arms[MAJORITY]
    ratio = float(_cost(layer) / _cost(three)) if _cost(three) else 0.0
    found = [
        silent(LAYER, layer, ALPHA),
        Metric("model cost over that of the frontier model three times", ratio, None, None, 0.5, "at most"),
    ]
    for name, done in arms.items():
        touchless = clustered([(one.cluster, one.delivered) for one in done])
        found += [
            Metric(f"{name}: delivered without a person (n = {touchless[3]})", *touchless[:3], None),
            silent(name, done, None),
            Metric(f"{name}: USD a document", float(_cost(done)) / len(done), None, None, None),
        ]
    return found


def silent(name: str, done: Sequence[Done], bar: float | None) -> Metric:
    """Wrong fields among those that were delivered; where there are none, n fields prove no better than 3/n."""
    trials = [(one.cluster, i < one.wrong) for one in done if one.delivered for i in range(one.fields)]
    share, low, high, n = clustered(trials)
    high = 3 / n if n and share == 0 else high
    return Metric(f"{name}: silently wrong fields (n = {n})", share, low, high, bar, "at most")


def _cost(done: Sequence[Done]) -> Decimal:
    return sum((one.cost for one in done), Decimal(0))


def picture(arms: Mapping[str, Sequence[Done]]) -> str:
    """What each arm delivers and how much of it is wrong, as SVG."""
    rows: list[Bar] = []
    for name, done in arms.items():
        delivered = clustered([(one.cluster, one.delivered) for one in done])
        wrong = clustered([(one.cluster, one.wrong > 0) for one in done if one.delivered])
        rows += [Bar(name, "delivered without a person", *delivered[:3]), Bar(name, "wrong in a field", *wrong[:3])]
    return bars("Real pages, two faulty models", [row for row in rows if row.value == row.value])


if __name__ == "__main__":
    main()
