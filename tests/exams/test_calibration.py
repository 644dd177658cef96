"""What an exam counts of each source comes near to what was planted, and stands under the stamps of what was asked."""

from pathlib import Path

import pytest

from agentflow.engine.trust.figures import Figures, Stamps
from agentflow.exams.asking import by_gold
from agentflow.exams.calibration import as_json, calibrate, observations
from agentflow.exams.candidates import candidates_of
from agentflow.exams.cases import Exam
from agentflow.exams.keeping import Kept
from agentflow.exams.planning import Plan
from agentflow.exams.running import examine
from agentflow.testing import Twin
from tests.exams.packs import exam_of, faulty, letters


async def counted(home: Path, cases: int, trials: int, **errors: float) -> tuple[Exam, Kept, list[str]]:
    exam, models = exam_of(cases), Twin(faulty(**errors), by_gold())
    found = tuple(candidates_of(letters, models, list(errors), list(errors)))
    kept = Kept(home)
    went = await examine(Plan(exam, exam.cases, found, trials), kept, {})
    kept.close()
    return exam, kept, went.keys


async def test_how_often_each_source_errs_is_counted_by_step(tmp_path: Path):
    exam, kept, keys = await counted(tmp_path, 100, 3, small=0.2, large=0.04)
    figures = calibrate(exam, kept, keys, Stamps(pack="now"), ("tune", "certify", "hold"))
    assert set(figures.steps) == {"sort", "answer"}
    small = figures.steps["sort"].every.sources["small"]
    assert small.systematic.mean * 2 == pytest.approx(0.1, abs=0.08)  # one of two fields of an answer errs
    assert figures.steps["answer"].calls["small"].cost > 0
    assert set(figures.steps["sort"].every.shared) == {"large|small"}
    assert Figures.model_validate(as_json(figures)) == figures


async def test_only_cases_to_tune_on_are_looked_at(tmp_path: Path):
    exam, kept, keys = await counted(tmp_path, 60, 1, small=0.2)
    rows = observations(exam, kept, keys)
    assert {row.case for row in rows["sort"]} == {case.id for case in exam.of("tune")}


async def test_what_is_made_of_anothers_mistake_is_no_mistake_of_the_sources_own(tmp_path: Path):
    exam, kept, keys = await counted(tmp_path, 60, 1, small=0.5)
    rows = observations(exam, kept, keys, ("tune", "certify", "hold"))
    wrong = {row.case for row in rows["sort"] if row.value != row.truth}
    assert wrong
    assert not wrong & {row.case for row in rows["answer"]}


def test_figures_of_an_exam_without_rows_are_none():
    assert calibrate(exam_of(0), Kept(Path("nowhere")), [], Stamps()).steps == {}
