"""The exam of the invoices pack: `python -m tests.benchmarks.invoice_exam --write domains/invoices/calibration.json`.

Asks the pack's sources for documents whose right answer is known and counts their mistakes: the on-device source, and
with `--models models.toml` every model that it names. The documents are divided by supplier: one part is for exams,
the other one for whatever is measured with the figures that they give.
"""

import argparse
import asyncio
import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentflow import Documents
from agentflow.engine.answer import Services, by_code, by_model
from agentflow.engine.models import Budget, ModelConfig, Models, read_models
from agentflow.engine.trust import Attempt
from agentflow.engine.trust.buying import CALL_SECONDS
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Calls, Figures, StepFigures
from agentflow.engine.trust.observing import Observation, observed
from agentflow.exams.scoring import spelled as spelled_as
from agentflow.flow.step import Step
from agentflow.testing import MemoryJournal
from domains.invoices.asking import Answer, grounded
from domains.invoices.pack import PROMISED
from domains.invoices.records import Invoice
from tests.benchmarks.invoice_gold import DATA, Case, read_cases
from tests.benchmarks.invoice_world import desk, extraction

DEVICE = "device"
EDGES = (0.5, 0.8, 0.95)
"""Upper edges of the bins of what the on-device source says of its own values: few, so that each holds enough."""
TRIALS = 3
"""How often a model is asked for the same document."""
ABOUT = (
    "How often each source errs on a value, the on-device source by how sure it says it is: counts alone, on "
    "{documents} documents of {suppliers} suppliers, by python -m tests.benchmarks.invoice_exam. Models: {models}."
)
NO_MODELS = "none, they are weighed by cautious priors until an exam has measured them"


def main() -> None:
    """Counts the on-device source's mistakes and writes them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with docs/, gold.jsonl, vendors.csv")
    parser.add_argument("--models", type=Path, help="a models.toml; each of its roles is asked three times a document")
    parser.add_argument("--all", action="store_true", help="count on all documents, where nothing is measured later")
    parser.add_argument("--write", type=Path, help="the calibration.json to write; else it is printed")
    args = parser.parse_args()
    text = asyncio.run(_calibration(args.data, read_models(args.models) if args.models else {}, whole=args.all))
    if args.write:
        args.write.write_text(text, encoding="utf-8")
    else:
        print(text)


async def _calibration(data: Path, models: Mapping[str, ModelConfig], *, whole: bool) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        async with desk(data, Path(scratch)) as (services, reader):
            cases = await read_cases(data, services.connectors[Documents], reader)  # type: ignore[arg-type]
            cases = cases if whole else examined(cases, 0)
            step = await figures_of(cases, replace(services, models=Models(models, Budget(None))), list(models))
    suppliers, documents = len({case.supplier for case in cases}), len({case.cluster for case in cases})
    about = ABOUT.format(documents=documents, suppliers=suppliers, models=", ".join(models) or NO_MODELS)
    figures = Figures(about=about, steps={"extract": step})
    return json.dumps(figures.model_dump(mode="json", exclude_defaults=True), indent=1) + "\n"


async def figures_of(cases: Sequence[Case], services: Services, roles: Sequence[str]) -> StepFigures:
    """The figures of the on-device source and of these models, counted on the cases."""
    journal = MemoryJournal()
    rows = await device_rows(cases, services)
    calls: dict[str, Calls] = {}
    for role in roles:
        spent, asked = journal.cost, journal.calls
        rows += await model_rows(cases, role, replace(services, journal=journal))
        cost = float(journal.cost - spent) / max(1, journal.calls - asked)
        calls[role] = Calls(cost=cost, seconds=CALL_SECONDS)
    return lean(counted(rows)).model_copy(update={"calls": calls})


def examined(cases: Iterable[Case], part: int) -> list[Case]:
    """The cases of one part, 0 or 1: every supplier is in one of them, with all its documents."""
    return [case for case in cases if hashlib.sha256(case.supplier.encode()).digest()[0] % 2 == part]


async def device_rows(cases: Sequence[Case], services: Services) -> list[Observation]:
    """What the on-device source says of each labelled field."""
    step = extraction()
    rows: list[Observation] = []
    for case in cases:
        rows += _rows(case, 0, await by_code(step, DEVICE, [case.pages], services), step)
    return rows


async def model_rows(cases: Sequence[Case], role: str, services: Services) -> list[Observation]:
    """What a model says of each labelled field, asked several times a document, each a draw of its own."""
    step = extraction()
    rows: list[Observation] = []
    for case in cases:
        for trial in range(TRIALS):
            attempt = await by_model(step, role, [case.pages], services, (), trial)
            rows += _rows(case, trial, attempt, step) if attempt else []
    return rows


def counted(rows: Sequence[Observation]) -> StepFigures:
    """The figures of the extraction."""
    return estimate(rows, ties=ties_of(extraction()), code=frozenset((DEVICE,)), edges={DEVICE: EDGES})


def lean(figures: StepFigures) -> StepFigures:
    """What so few documents can tell: the fields all together. The time of this machine is left out."""
    every = figures.every.model_copy(update={"checks": {}})
    return StepFigures(every=every, identities=figures.identities)


def ties_of(step: Step) -> dict[str, tuple[str, ...]]:
    """The checks that tie fields, by name."""
    return dict(step.ties)


def truth_of(case: Case) -> Invoice:
    """The invoice that the page shows."""
    return grounded(Answer.model_validate(case.answer), case.layout, "gold")


def _rows(case: Case, trial: int, attempt: Attempt, step: Step) -> list[Observation]:
    """The rows of the fields that are promised and whose right value is known."""
    truth = truth_of(case)
    known = {name for name in PROMISED if getattr(truth, name) is not None and name != "type_code"}
    if isinstance(attempt.made, Invoice):
        attempt = replace(attempt, made=spelled(attempt.made, truth))
    found = observed(case.id, trial, attempt, truth, ties_of(step))
    return [row for row in found if row.fault or row.path in known]


def spelled(made: Invoice, truth: Invoice) -> Invoice:
    """The invoice with texts spelled as the truth has them, where they differ in case, accents or punctuation alone."""
    return spelled_as(made, truth, PROMISED)


if __name__ == "__main__":
    main()
