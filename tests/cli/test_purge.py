"""`agentflow db purge` erases what a run has kept and says what it did; the bill still adds up."""

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from tests.cli.packs import write_pack


def agentflow(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a run with one letter that was filed and one that waits for a person."""
    agentflow("run", write_pack(tmp_path, "a b c", "HELLO"), "--out", tmp_path / "out")
    return tmp_path / "out"


def purge(out: Path, *options: object) -> Result:
    return agentflow("db", "purge", "--db", f"sqlite:///{out / 'agentflow.db'}", *options)


def kept(out: Path) -> int:
    with sqlite3.connect(out / "agentflow.db") as books:
        return books.execute("SELECT count(*) FROM job WHERE erased_at IS NULL").fetchone()[0]


def test_a_dry_run_says_what_would_be_erased_and_erases_nothing(out: Path):
    told = purge(out, "--tenant", "local", "--dry-run").output
    assert "would be erased: 2 jobs, 0 files; 1 of the jobs were under way" in told
    assert kept(out) == 2


def test_a_tenant_is_erased_and_the_bill_adds_up(out: Path):
    told = purge(out, "--tenant", "local", "--documents", out / "documents")
    assert (told.exit_code, told.output.splitlines()) == (
        0,
        [
            "erased: 2 jobs, 0 files; 1 of the jobs were under way and are canceled, free of charge",
            "documents deleted: 0",
        ],
    )
    assert kept(out) == 0
    assert agentflow("bill", "--out", out, "verify").exit_code == 0
    assert '"total_minor": 40' in agentflow("bill", "--out", out, "statement", "--format", "json").output


def test_by_age_what_is_younger_or_under_way_stays(out: Path):
    assert purge(out, "--older-than", "1").output.startswith("erased: 0 jobs")
    assert purge(out, "--older-than", "0").output.startswith("erased: 1 jobs")
    assert kept(out) == 1


def test_whose_or_what_age_has_to_be_said(out: Path):
    assert "say whose, or what age" in purge(out).output
    assert "there is no tenant nobody" in purge(out, "--tenant", "nobody").output
    assert kept(out) == 2
