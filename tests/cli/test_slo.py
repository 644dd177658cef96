"""`agentflow slo` tells what live jobs did against what is promised, and lists what to audit."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from tests.cli.packs import write_pack


def call(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


@pytest.fixture
def ran(tmp_path: Path) -> tuple[Path, Path]:
    """A pack that promises, and the folder of a run of it."""
    pack = write_pack(tmp_path, "one two", "three", "LOUD")
    text = (pack / "pack.py").read_text()
    text = text.replace("import EffectKey, Pack,", "import EffectKey, Pack, Promises,")
    text = text.replace(
        "delivers=Counted,", "delivers=Counted, promises=Promises(silent=0.5, touchless=0.01, seconds=60, audits=1),"
    )
    (pack / "pack.py").write_text(text)
    out = tmp_path / "out"
    call("run", pack, "--out", out)
    return pack, out


def test_promises_are_shown_with_what_is_known_of_them_and_what_to_audit(ran: tuple[Path, Path]):
    pack, out = ran
    shown = call("slo", pack, "--out", out)
    assert shown.exit_code == 0, shown.output
    assert "silent errors <= 0.5" in shown.output
    assert "without a person >= 0.01" in shown.output
    assert "2 jobs to audit" in shown.output


def test_an_audit_is_told_and_counts(ran: tuple[Path, Path]):
    pack, out = ran
    due = json.loads(call("slo", pack, "--out", out, "--json").output)["due"]
    for job in due:
        told = call("slo", pack, "--out", out, "--audit", job, "--wrong", "count", "--json")
    found = json.loads(told.output)
    silent = next(each for each in found["promises"] if each["name"] == "silent errors")
    assert (silent["value"], silent["cases"]) == (1.0, 2)
    assert found["due"] == []


def test_an_audit_needs_its_finding(ran: tuple[Path, Path]):
    pack, out = ran
    assert call("slo", pack, "--out", out, "--audit", "job_x").exit_code == 2
    assert call("slo", pack, "--out", out, "--right").exit_code == 2


def test_without_a_run_it_says_where_to_look_and_makes_no_database(ran: tuple[Path, Path], tmp_path: Path):
    told = call("slo", ran[0], "--out", tmp_path / "nowhere")
    assert told.exit_code == 2
    assert "there is no run in" in told.output
    assert not (tmp_path / "nowhere").exists()


def test_jobs_that_wait_for_a_person_count_and_the_json_is_json(ran: tuple[Path, Path]):
    pack, out = ran

    def no_number(text: str) -> None:
        raise AssertionError(f"{text} is no JSON")

    found = json.loads(call("slo", pack, "--out", out, "--json").output, parse_constant=no_number)
    by_name = {each["name"]: each for each in found["promises"]}
    assert by_name["without a person"]["value"] == pytest.approx(2 / 3)
    assert by_name["seconds, 95 %"]["high"] is None


def test_what_no_job_speaks_of_has_no_figures(ran: tuple[Path, Path]):
    pack, out = ran
    [line] = [line for line in call("slo", pack, "--out", out).output.splitlines() if "silent errors" in line]
    assert [cell.strip() for cell in line.split("│")[2:6]] == ["-", "-", "0", "-"]
