"""`agentflow trace` tells from a job's id, or its input's name, what was tried and why it ended as it did."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.cli.trace import tree
from agentflow.jobs.migrate import downgrade
from tests.cli.packs import write_pack


def agentflow(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


def jobs(out: Path) -> dict[str | None, str]:
    found = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    return {line["outcome"] or line["status"]: line["job"] for line in found}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    pack = write_pack(tmp_path, "a b c", "HELLO", "crash")
    ran = agentflow("run", pack, "--out", tmp_path / "out")
    assert f"agentflow trace {jobs(tmp_path / 'out')['failed']} --out" in ran.output.replace("\n", "")
    return tmp_path / "out"


def test_a_finished_job_shows_its_steps_and_what_was_accepted(out: Path):
    shown = agentflow("trace", jobs(out)["Filed"], "--out", out).output
    assert "count: 1 code: Counted" in shown
    assert "file: 1 code: Filed" in shown
    assert "accepted: Filed" in shown
    assert "words: 3" in shown


def test_a_waiting_job_shows_why_a_person_is_asked_and_what_to_do(out: Path):
    job = jobs(out)["in_review"]
    shown = agentflow("trace", job, "--out", out).output
    assert "count: a person was asked" in shown
    assert "[shouting] words: It shouts." in shown
    assert f"agentflow review PACK {job}" in shown


def test_a_failed_job_shows_the_step_that_failed_in_each_of_its_runs(out: Path, tmp_path: Path):
    agentflow("run", next(tmp_path.glob("letters_*")), "--out", out)
    shown = agentflow("trace", jobs(out)["failed"], "--out", out).output
    assert shown.count("count: failed") == 2
    assert "run 1" in shown
    assert "run 2" in shown
    assert "OSError: the disk is full" in shown


def test_an_answered_job_keeps_the_question_and_shows_the_answer(out: Path, tmp_path: Path):
    job = jobs(out)["in_review"]
    agentflow("review", next(tmp_path.glob("letters_*")), job, "--accept", "--out", out)
    found = json.loads(agentflow("trace", job, "--out", out, "--json").output)
    told = [(a["source"], a["fault"]) for run in found["runs"] for step in run["steps"] for a in step["attempts"]]
    assert told == [("code", None), ("person", "asked"), ("person", None), ("code", None)]
    assert found["outcome"] == "Filed"


def test_a_job_is_found_by_the_start_of_its_id_and_by_its_inputs_name(out: Path, tmp_path: Path):
    job = jobs(out)["Filed"]
    name = json.loads(agentflow("trace", job, "--out", out, "--json").output)["input"]
    for wanted in (job[:-4], job.removeprefix("job_"), name, Path(name).name):
        assert json.loads(agentflow("trace", wanted, "--out", out, "--json").output)["job"] == job


def test_without_a_folder_every_run_in_out_is_looked_at(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert "there is no run in out" in agentflow("trace", "job_0").output
    agentflow("run", next(tmp_path.glob("letters_*")), "--limit", 1)
    job = next(iter(jobs(tmp_path / "here" / "out" / "letters").values()))
    assert "accepted: Filed" in agentflow("trace", job).output


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("nobody", "no job and no input is called nobody"),
        ("job_", "may be any of 3 jobs; name one:"),
        ("letters.jsonl", "may be any of 3 jobs; name one:"),
        ("%", "no job and no input is called %"),
        (" ", "name the JOB: its id, the start of it, or the file name of its input"),
    ],
)
def test_a_name_that_means_no_job_or_many_says_what_to_do(out: Path, wanted: str, says: str):
    result = agentflow("trace", wanted, "--out", out)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())


def test_a_folder_without_a_run_is_named(tmp_path: Path):
    result = agentflow("trace", "job_0", "--out", tmp_path / "none")
    assert result.exit_code == 2
    assert "name its folder with --out" in " ".join(result.output.split())


def test_looking_changes_nothing_and_asks_for_an_upgrade_where_one_is_due(out: Path):
    url = f"sqlite:///{out / 'agentflow.db'}"
    before = (out / "agentflow.db").read_bytes()
    assert agentflow("trace", "job_", "--db", url).exit_code == 2
    assert (out / "agentflow.db").read_bytes() == before
    _take_back(url)
    assert "agentflow db upgrade" in str(agentflow("trace", "job_", "--database", url).exception)


def _take_back(url: str) -> None:
    import asyncio

    from agentflow.connectors.sql import open_database

    async def go() -> None:
        async with open_database(url) as engine:
            await downgrade(engine, "0001")

    asyncio.run(go())


def attempt(number: int, source: str, **more: Any) -> dict[str, Any]:
    plain = {"fault": None, "made": "Total", "problems": [], "trust_before": None, "trust_after": None, "calls": []}
    spent = {"model": None, "tokens_in": 0, "tokens_out": 0, "cost": "0", "seconds": 0.0}
    return {"number": number, "source": source, **plain, **spent, **more}


def call(fault: str | None) -> dict[str, Any]:
    return {"step": "read", "model": "openai/s", "fault": fault} | dict.fromkeys(("tokens_in", "tokens_out"), 9) | {
        "cost": "0.001", "seconds": 1.0,
    }  # fmt: skip


def test_trust_tokens_cost_and_the_faults_of_the_wire_stand_with_each_attempt():
    from rich.console import Console

    trusted = {"trust_before": 0.0, "trust_after": 0.93, "tokens_in": 812, "tokens_out": 130, "cost": "0.0003"}
    sent = [call("Timeout"), call(None)]
    steps = [{"step": "read", "item": 3, "end": "open", "attempts": [attempt(1, "small", calls=sent, **trusted)]}]
    trace = {"input": "[red]x.pdf\x1b[0m", "job": "job_1", "status": "running", "outcome": None, "problems": []}
    trace |= {"runs": [{"run": "r", "began": "", "steps": steps}], "unfinished": [call("cancelled")]}
    console = Console(width=160, record=True, file=StringIO())
    console.print(tree({**trace, "cost": "0.001", "seconds": 2.0}))
    shown = console.export_text()
    assert "read (3): not ended" in shown
    assert "trust 0.000 -> 0.930 · 812 tokens in, 130 out · 0.0003 USD" in shown
    assert "call of openai/s: Timeout · 9 tokens in, 9 out · 0.001 USD · 1.00 s" in shown
    assert "calls whose attempt never came to an end" in shown
    assert "[red]x.pdf" in shown
    assert "\x1b" not in shown


def test_a_password_in_a_url_is_not_shown(tmp_path: Path):
    from agentflow.cli.trace import _only

    with pytest.raises(Exception, match=r"postgresql://me:\*\*\*@host/jobs") as caught:
        _only("x", [], ["postgresql://me:hush@host/jobs"])
    assert "hush" not in str(caught.value)
