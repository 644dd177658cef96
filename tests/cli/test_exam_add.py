"""`agentflow exam add` takes cases from files and, with a curator's yes, from what people have answered."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.exams.adapters import to_inspect
from agentflow.exams.cases import Case, read_cases
from tests.cli.packs import write_pack
from tests.exams.packs import case_of


def agentflow(*arguments: object, answers: str = "") -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments], input=answers)


def cases(pack: Path) -> list[Case]:
    file = pack / "exam" / "cases.jsonl"
    return read_cases(file) if file.is_file() else []


def test_cases_from_a_file_are_added_and_exported_again(tmp_path: Path):
    pack = tmp_path / "p_added"
    pack.mkdir()
    (pack / "pack.py").write_text("from tests.exams.packs import letters\n")
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in to_inspect([case_of(1), case_of(2)])))
    done = agentflow("exam", "add", pack, file)
    assert done.exit_code == 0, done.output
    assert "2 cases added, 2 in all" in done.output
    assert "already" in str(agentflow("exam", "add", pack, file).exception)
    agentflow("exam", "export", pack, tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_text() == file.read_text()


@pytest.fixture
def corrected(tmp_path: Path) -> tuple[Path, Path]:
    """A pack, and the folder of a run in which a person has corrected one of two letters that shout."""
    pack, out = write_pack(tmp_path, "HELLO YOU", "STOP IT NOW"), tmp_path / "out"
    agentflow("run", pack, "--out", out)
    lines: list[dict[str, Any]] = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    answer = tmp_path / "answer.json"
    answer.write_text('{"words": 7}')
    done = agentflow("review", pack, lines[0]["job"], "--answer", answer, "--as", "Counted", "--out", out)
    assert done.exit_code == 0, done.output
    return pack, out


def test_a_correction_becomes_a_case_with_a_curators_yes(corrected: tuple[Path, Path]):
    pack, out = corrected
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", out, answers="y\n")
    assert done.exit_code == 0, done.output
    (case,) = cases(pack)
    assert case.gold == {"Counted": {"words": 7}, "Filed": {}}
    assert case.input in ({"text": "HELLO YOU"}, {"text": "STOP IT NOW"})


def test_a_correction_that_the_curator_does_not_take_becomes_none(corrected: tuple[Path, Path]):
    pack, out = corrected
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", out, answers="n\n")
    assert done.exit_code == 0, done.output
    assert not (pack / "exam").exists()


def test_a_correction_that_is_a_case_already_is_not_offered_again(corrected: tuple[Path, Path]):
    pack, out = corrected
    agentflow("exam", "add", pack, "--from-reviews", "--out", out, "--yes")
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", out, "--yes")
    assert "0 cases added, 1 in all" in done.output


FILES = """
from agentflow import Document, Pack, Price, Problem, Record, workflow

class Page(Record):
    words: int

async def read(document: Document) -> Page:
    return Page(words=document.size)

def never(page: Page) -> list[Problem]:
    return [Problem(code="unsure", message="Look at it.")]

pages = Pack(
    name="pages",
    workflow=workflow("pages", takes=Document, gives=Page).step(read, checks=[never]).build(),
    prices={Page: Price("0.10")},
)
"""


def test_the_document_of_a_corrected_job_is_kept_with_the_exam(tmp_path: Path):
    pack, out, inbox = tmp_path / "p_pages", tmp_path / "out", tmp_path / "letter.txt"
    pack.mkdir()
    (pack / "pack.py").write_text(FILES)
    inbox.write_text("Dear all")
    agentflow("run", pack, inbox, "--out", out)
    job = json.loads((out / "results.jsonl").read_text())["job"]
    answer = tmp_path / "answer.json"
    answer.write_text('{"words": 2}')
    agentflow("review", pack, job, "--answer", answer, "--out", out)
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", out, "--yes")
    assert done.exit_code == 0, done.output
    (case,) = cases(pack)
    assert case.gold == {"Page": {"words": 2}}
    assert case.file is not None
    assert (pack / "exam" / case.file).read_text() == "Dear all"


def test_a_run_that_is_not_there_is_told(tmp_path: Path):
    pack = write_pack(tmp_path)
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "there is no run in" in done.output


def test_what_was_erased_is_not_offered(corrected: tuple[Path, Path]):
    pack, out = corrected
    with closing(sqlite3.connect(out / "agentflow.db")) as database, database:
        database.execute("UPDATE job SET erased_at = '2026-01-01 00:00:00', input = '{}'")
    done = agentflow("exam", "add", pack, "--from-reviews", "--out", out, "--yes")
    assert done.exit_code == 0, done.output
    assert "0 cases added" in done.output
