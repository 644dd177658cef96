"""The pack's own samples are its exam, and the exam books nothing."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from agentflow import load_pack
from agentflow.connectors.opening import open_connectors
from agentflow.exams.candidates import candidates_of
from agentflow.exams.cases import read_exam
from agentflow.exams.keeping import Kept
from agentflow.exams.planning import Plan
from agentflow.exams.running import examine
from agentflow.exams.scoring import marks_of
from agentflow.jobs.packs import read_connect
from agentflow.testing import FakeModels
from domains.invoices import make_samples
from domains.invoices.connectors.books import Books
from domains.invoices.make_samples import EXAM_DIR

FOLDER = Path(make_samples.__file__).parent


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[dict[type[Any], Any]]:
    async with AsyncExitStack() as stack:
        connect = read_connect(EXAM_DIR / "connect.toml")
        yield await open_connectors(stack, load_pack(str(FOLDER)).pack, tmp_path / "desk", connect)


def test_the_cases_that_are_committed_are_those_of_the_samples(tmp_path: Path):
    make_samples.make_exam(tmp_path)
    assert (tmp_path / "cases.jsonl").read_text("utf-8") == (EXAM_DIR / "cases.jsonl").read_text("utf-8")


async def test_e_invoices_come_out_right_what_a_person_has_to_see_is_seen_and_nothing_is_booked(
    desk: dict[type[Any], Any], tmp_path: Path
):
    pack = load_pack(str(FOLDER)).pack
    exam = read_exam(pack, FOLDER)
    cases = tuple(case for case in exam.cases if case.id in ("19", "21", "38"))
    kept = Kept(tmp_path / "exam")
    went = await examine(Plan(exam, cases, tuple(candidates_of(pack, FakeModels(), [], ["pack"])), 1), kept, desk)
    kept.close()
    (marks,) = marks_of(exam, kept, went.keys)
    assert {mark.case: mark.result for mark in marks.whole} == {"19": "right", "21": "right", "38": "right"}
    await desk[Books].export_csv(tmp_path / "books.csv")
    assert len((tmp_path / "books.csv").read_text().splitlines()) == 1  # the columns' names
