"""`agentflow tune` shows the ladders that an exam proves as a diff, and writes them where it is told to."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.engine.models import read_models
from agentflow.engine.trust.figures import Figures
from agentflow.exams.cases import Case, dump_cases, read_cases
from agentflow.exams.stamping import fresh
from agentflow.jobs.packs import load_pack
from tests.exams.packs import case_of

FAULTY = """
seed = 1
[models.small]
error = 0.1
split = [0, 0.5, 0.5]
price = { call = "0.001" }
[models.large]
error = 0.02
price = { call = "0.02" }
[models.idle]
error = 0.9
price = { call = "0.1" }
"""
MODELS = '[small]\nmodel = "openai/small"\n\n[large]\nmodel = "openai/large"\n\n[idle]\nmodel = "openai/idle"\n'


def call(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


def faults(out: Path) -> tuple[object, ...]:
    return "--faults", out.parent / "faulty.toml"


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A pack, and the folder of its exam."""
    tmp = tmp_path_factory.mktemp("tuned")
    folder, out = tmp / "p_tuned", tmp / "out"
    (folder / "exam").mkdir(parents=True)
    (folder / "pack.py").write_text("from tests.exams.packs import letters\n")
    (folder / "models.toml").write_text(MODELS)
    (folder / "exam" / "exam.toml").write_text('human_cost = "2"\n')
    parts = ["tune"] * 60 + ["certify"] * 60
    cases = [case_of(n, split=part, tags={"vendor": f"v{n}"}) for n, part in enumerate(parts)]
    (folder / "exam" / "cases.jsonl").write_text(dump_cases(cases))
    (tmp / "faulty.toml").write_text(FAULTY)
    done = call("exam", folder, "--models", "small,large", *faults(out), "--trials", 2, "--out", out)
    assert done.exit_code == 0, done.output
    return folder, out


def test_the_ladders_are_shown_as_a_diff_and_nothing_is_written(examined: tuple[Path, Path]):
    folder, out = examined
    done = call("tune", folder, "--alpha", 0.2, "--delta", 0.1, *faults(out), "--run", out)
    assert done.exit_code == 0, done.output
    assert "certified:" in done.output
    assert '+    "rungs": [' in done.output
    assert "+# agentflow tune: no ladder asks this role\n [idle]" in done.output
    assert not (folder / "calibration.json").exists()


def test_a_promise_that_the_cases_are_too_few_for_is_not_certified(examined: tuple[Path, Path]):
    folder, out = examined
    done = call("tune", folder, "--alpha", 0.01, *faults(out), "--run", out, "--step", "sort")
    assert done.exit_code == 1, done.output
    assert "NOT certified" in done.output
    assert "60 cases without one error prove no better than" in done.output


def test_what_is_written_is_what_the_pack_goes_by(examined: tuple[Path, Path]):
    folder, out = examined
    done = call("tune", folder, "--alpha", 0.2, "--delta", 0.1, *faults(out), "--run", out, "--write")
    assert done.exit_code == 0, done.output
    told = json.loads((folder / "calibration.json").read_text())["steps"]["sort"]["ladder"]
    assert told["rungs"][0]["source"] == "small"
    assert "silent error <= 0.2" in told["about"]
    assert load_pack(str(folder)).pack.calibration["steps"]["sort"]["ladder"] == told
    again = call("tune", folder, "--alpha", 0.2, "--delta", 0.1, *faults(out), "--run", out)
    assert "the files are as they should be" in again.output


def test_without_an_exam_it_says_what_to_run(examined: tuple[Path, Path], tmp_path: Path):
    done = call("tune", examined[0], "--alpha", 0.1, "--run", tmp_path)
    assert done.exit_code == 1
    assert "run agentflow exam first" in str(done.exception)


def test_what_was_asked_of_other_models_proves_nothing(examined: tuple[Path, Path], tmp_path: Path):
    folder, out = examined
    done = call("tune", folder, "--alpha", 0.2, "--delta", 0.1, "--run", out)
    assert "the exam has asked other models" in str(done.exception)
    other = tmp_path / "other.toml"
    other.write_text(FAULTY.replace("error = 0.1", "error = 0.3"))
    again = tmp_path / "out"
    shutil.copytree(out, again)
    call("exam", folder, "--models", "small", "--faults", other, "--split", "tune", "--trials", 1, "--out", again)
    mixed = call("tune", folder, "--alpha", 0.2, "--delta", 0.1, "--faults", other, "--run", again, "--step", "sort")
    assert "480 runs are left out" in mixed.output
    assert "NOT certified" in mixed.output


def test_figures_of_a_faulty_model_are_kept_under_stamps_that_no_model_has(examined: tuple[Path, Path]):
    folder, out = examined
    call("tune", folder, "--alpha", 0.2, "--delta", 0.1, *faults(out), "--run", out, "--write")
    figures, told = fresh(
        Figures.model_validate_json((folder / "calibration.json").read_text()),
        load_pack(str(folder)).pack,
        read_models(folder / "models.toml"),
    )
    assert figures.steps["sort"].ladder is None
    assert any("another model plays it" in text for text in told)


def test_documents_of_few_vendors_are_told_and_a_vendor_can_be_counted_once(
    examined: tuple[Path, Path], tmp_path: Path
):
    folder, out = examined
    once = call("tune", folder, "--alpha", 0.2, *faults(out), "--run", out, "--step", "sort")
    assert "a document is counted once" in once.output
    few = tmp_path / "p_few"
    shutil.copytree(folder, few)
    cases = [case.model_copy(update={"tags": {"vendor": f"{case.part} {int(case.id) % 6}"}}) for case in cases_of(few)]
    (few / "exam" / "cases.jsonl").write_text(dump_cases(cases))
    told = call("tune", few, "--alpha", 0.2, *faults(out), "--run", out, "--step", "sort")
    assert "60 documents of 6 vendors certify" in told.output
    alone = call("tune", few, "--alpha", 0.2, *faults(out), "--run", out, "--step", "sort", "--once", "vendor")
    assert "6 cases without one error prove no better than" in alone.output


def cases_of(folder: Path) -> list[Case]:
    return read_cases(folder / "exam" / "cases.jsonl")


def test_what_is_missing_is_told_as_what_it_is(examined: tuple[Path, Path], tmp_path: Path):
    folder, out = examined
    strange = call("tune", folder, "--alpha", 0.2, *faults(out), "--run", out, "--step", "send")
    assert "letters has no step send that asks a ladder; it has sort, answer" in str(strange.exception)
    bare = tmp_path / "p_bare"
    shutil.copytree(folder, bare)
    (bare / "exam" / "cases.jsonl").write_text(dump_cases([c for c in cases_of(folder) if c.part == "certify"]))
    told = call("tune", bare, "--alpha", 0.2, *faults(out), "--run", out)
    assert "its cases have no tune split; add cases" in str(told.exception)


def test_a_step_whose_sources_keep_no_promise_is_told(examined: tuple[Path, Path]):
    folder, out = examined
    done = call("tune", folder, "--alpha", 0.2, *faults(out), "--run", out, "--step", "sort", "--max-cost", 0)
    assert done.exit_code == 1
    assert "sort: NOT certified; on the tune cases no ladder of its sources accepts anything for 0 USD" in done.output


STRICT = """
from dataclasses import replace
from tests.exams import packs

table = packs.letters.workflow
steps = [replace(s, policy=replace(s.policy, alpha=0.005)) if s.policy.ladder else s for s in table.steps]
letters = replace(packs.letters, workflow=replace(table, steps=tuple(steps)))
"""


def test_a_promise_that_is_looser_than_the_packs_own_is_told(examined: tuple[Path, Path], tmp_path: Path):
    folder, out = examined
    strict = tmp_path / "p_strict"
    shutil.copytree(folder, strict)
    (strict / "pack.py").write_text(STRICT)
    call("exam", strict, "--models", "small,large", *faults(out), "--trials", 1, "--out", tmp_path / "out")
    told = ("tune", strict, "--step", "sort", *faults(out), "--run", tmp_path / "out", "--alpha")
    assert "that is looser than alpha=0.005, which the pack states" in call(*told, 0.2).output
    assert "looser" not in call(*told, 0.005).output


def test_of_a_long_diff_the_head_is_shown_and_what_it_says_of_ladders():
    from agentflow.cli.tune import MOST_LINES, _shortened

    assert _shortened("a\nb\n") == "a\nb\n"
    counts = [f'+ "{line}": 1,' for line in range(100)]
    ladder = ['+  "ladder": {', '+   "rungs": {', "+   }", "+  },"]
    shown = _shortened("\n".join([*counts, *ladder, *counts])).splitlines()
    assert shown == [*counts[:MOST_LINES], "... 70 lines", *ladder, "... 100 lines"]
