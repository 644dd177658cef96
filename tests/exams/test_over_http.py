"""An exam of models behind HTTP, reached through litellm as any other, is counted and stamped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agentflow.cli import group
from agentflow.engine.trust.figures import Figures
from agentflow.exams.cases import dump_cases
from agentflow.testing import Faulty, FaultyModel, Gold, Price, Request, serve_in_thread
from tests.exams.packs import case_of, gold_of

CASES = 6


def truth(request: Request) -> Gold | None:
    number = request.text.partition("[case:")[2].partition("]")[0]
    answer: Mapping[str, Any] | None = gold_of(int(number)).get(request.form) if number else None
    return None if answer is None else Gold(number, answer)


def test_models_behind_http_are_measured_priced_and_stamped(tmp_path: Path):
    pytest.importorskip("aiohttp", reason="the faulty-model server needs the testing extra")
    pack = tmp_path / "p_http"
    (pack / "exam").mkdir(parents=True)
    (pack / "pack.py").write_text("from tests.exams.packs import letters\n")
    cases = [case_of(number, split="tune") for number in range(CASES)]
    (pack / "exam" / "cases.jsonl").write_text(dump_cases(cases))
    price = Price(input="1", output="2")  # pyright: ignore[reportArgumentType] - pydantic reads decimals from text
    models = {name: FaultyModel(price=price) for name in ("small", "large")}
    with serve_in_thread(Faulty(models=models), truth) as server:
        (pack / "models.toml").write_text(server.models_toml())
        done = CliRunner().invoke(group, ["exam", str(pack), "--trials", "2", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, (done.output, done.exception)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {each["end_to_end"]["right"]["value"] for each in report["candidates"].values()} == {1.0}
    assert float(report["spent"]) > 0
    figures = Figures.model_validate_json((tmp_path / "out" / "calibration.json").read_text())
    assert set(figures.steps) == {"sort", "answer"}
    assert set(figures.stamps.models) == {"small", "large"}
    assert {"sort", "answer", "answer#code_known"} <= set(figures.stamps.prompts)
    assert figures.stamps.pack
