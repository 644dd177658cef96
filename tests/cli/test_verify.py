"""`agentflow verify` goes through what a real run was charged for, and its exit code says whether it holds."""

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.errors import RunError
from tests.cli.packs import write_pack


def agentflow(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


@pytest.fixture
def ran(tmp_path: Path) -> tuple[str, Path, Path]:
    """The job of a letter that was filed, the folder of its pack, and that of the run."""
    pack, out = write_pack(tmp_path, "a b c", "HELLO"), tmp_path / "out"
    agentflow("run", pack, "--out", out)
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    return next(line["job"] for line in lines if line["outcome"] == "Filed"), pack, out


def test_a_verification_that_holds_ends_with_0(ran: tuple[str, Path, Path]):
    job, pack, out = ran
    found = agentflow("verify", job, pack, "--out", out)
    assert (found.exit_code, found.stdout.splitlines()[-1]) == (0, "the same verdict and the same hashes")
    told = json.loads(agentflow("verify", job, pack, "--out", out, "--json").stdout)
    assert (told["job"], told["verdict"], told["again"], told["checks"], told["differs"]) == (
        job,
        "pass",
        "pass",
        1,
        [],
    )


def test_a_result_that_was_tampered_with_ends_with_1_and_is_told(ran: tuple[str, Path, Path]):
    job, pack, out = ran
    with sqlite3.connect(out / "agentflow.db") as books:
        books.execute("UPDATE job SET output = json_set(output, '$.words', 4) WHERE id = ?", [job])
    found = agentflow("verify", job, pack, "--out", out)
    assert found.exit_code == 1
    assert "differs: the output is not what the records hold: words" in found.stdout


def test_what_cannot_be_gone_through_is_no_verdict(ran: tuple[str, Path, Path]):
    job, pack, out = ran
    assert agentflow("verify", "job_nobody", pack, "--out", out).exit_code == 2
    assert "name the folder of the pack letters" in agentflow("verify", job, "--out", out).output
    waiting = agentflow("verify", _waiting(out), pack, "--out", out)
    assert isinstance(waiting.exception, RunError)  # which the command's own door makes exit code 2


def _waiting(out: Path) -> str:
    with sqlite3.connect(out / "agentflow.db") as books:
        return books.execute("SELECT id FROM job WHERE status = 'awaiting_review'").fetchone()[0]
