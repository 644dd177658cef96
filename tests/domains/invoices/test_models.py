"""The pack against faulty models over HTTP, as the pack's README says to set them up."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agentflow import Documents, load_pack, open_runner
from agentflow.engine.models import Budget, Models, read_models
from agentflow.engine.trust.figures import Figures
from domains.invoices.reading import Reader
from tests.benchmarks.invoice_exam import figures_of, spelled, truth_of
from tests.benchmarks.invoice_gold import ROOT, Case, read_cases, truth_lines
from tests.benchmarks.invoice_world import desk

PACK = ROOT / "domains" / "invoices"
SAMPLES = PACK / "samples"
FILES = ("01-text-de.pdf", "02-text-en.pdf", "12-credit-note-de.pdf")
FAULTY = """
[models.small]
error = 0.08
price = {input = 0.15, output = 0.6}

[models.frontier]
error = 0.03
price = {input = 3, output = 15}
"""


async def cases_of(home: Path) -> list[Case]:
    """The samples that are asked about."""
    async with Documents.open(None, home) as documents, Reader.open(None, home) as reader:
        found = await read_cases(SAMPLES, documents, reader, ("pdf_plain",))
    return [case for case in found if case.pages.document.name in FILES]


@pytest.fixture
async def cases(tmp_path: Path) -> list[Case]:
    return await cases_of(tmp_path)


@contextmanager
def served(home: Path, cases: list[Case]) -> Generator[Path]:
    """The server's own command; gives the models.toml that reaches it."""
    (home / "faulty.toml").write_text(FAULTY)
    (home / "truth.jsonl").write_text(truth_lines(cases))
    models = home / "models.toml"
    command = [sys.executable, "-m", "agentflow.testing", "faulty.toml", "--truth", "truth.jsonl", "--port", "0"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(
        [*command, "--models", str(models)], cwd=home, env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("small, frontier at http")
            yield models
        finally:
            server.terminate()


def test_the_command_runs_the_pack_with_models_that_nobody_has_measured(tmp_path: Path, cases: list[Case]):
    command = [sys.executable, "-m", "agentflow.cli", "run", str(PACK), "--out", str(tmp_path / "out")]
    command += [str(SAMPLES / "documents" / name) for name in FILES]
    with served(tmp_path, cases) as models:
        done = subprocess.run(
            [*command, "--models", str(models)], cwd=ROOT, check=False, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert len(lines) == len(FILES)
    assert {line["status"] for line in lines} <= {"delivered", "in_review"}


async def test_models_that_an_exam_has_measured_spare_a_person_and_leave_nothing_wrong(
    tmp_path: Path, cases: list[Case]
):
    with served(tmp_path, cases) as toml:
        models = read_models(toml)
        async with desk(SAMPLES, tmp_path) as (services, _):
            for case in cases:
                await services.connectors[Documents].put(case.layout.model_dump_json().encode())  # type: ignore[attr-defined]
            bound = replace(services, models=Models(models, Budget(None)))
            step = await figures_of(cases, bound, ["small", "frontier"])
        figures = Figures(steps={"extract": step})
        folder = load_pack(str(PACK))
        pack = replace(folder.pack, calibration=figures.model_dump(mode="json"))
        connect = folder.connections({}, samples=True)
        async with open_runner(pack, home=tmp_path / "run", connect=connect, models=models) as runner:
            paid = 0
            for case in cases:
                name = case.pages.document.name
                document = await runner.documents.add(SAMPLES / "documents" / name, name)
                done = await runner.run((await runner.submit(document, name, document.sha256)).id)
                assert done.status == "finished", done.problems
                paid += done.cost_micros
                truth = truth_of(case)
                said = spelled(truth.model_validate({**done.output, "evidence": {}}), truth)  # type: ignore[dict-item]
                assert {n: getattr(said, n) for n in case.gold} == {n: getattr(truth, n) for n in case.gold}
                assert all(0 < found["trust"] <= 1 for found in done.evidence.values())
    assert paid > 0
