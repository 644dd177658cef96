"""A run is right, silently wrong or seen by a person, by the gold's fields and no others."""

from decimal import Decimal
from typing import Any

import pytest

from agentflow.exams.cases import Exam
from agentflow.exams.keeping import Ended, Kept, Made, StepDone
from agentflow.exams.scoring import Mark, Marks, marks_of
from agentflow.exams.summary import told_of
from tests.exams.packs import case_of, exam_of


def ended(**more: Any) -> Ended:
    records = {"Reply": {"topic": "topic 1", "code": 101}, "Sent": {"key": "exam", "code": 101}}
    given: dict[str, Any] = {"status": "finished", "outcome": "Sent", "records": records}
    return Ended(**{"run": "a", "candidate": "small", "case": "1", "trial": 0, **given, **more})


def step(name: str, value: Any, **more: Any) -> StepDone:
    made = None if value is None else Made(type={"sort": "Sorted", "answer": "Reply"}[name], value=value)
    return StepDone(run="a", candidate="small", case="1", trial=0, step=name, made=made, **{"accepted": True, **more})


class Lines(Kept):
    """Kept in memory."""

    def __init__(self, *lines: Ended | StepDone) -> None:
        self.steps = {(s.run, s.step, s.item, s.turn): s for s in lines if isinstance(s, StepDone)}
        self.ends = {line.run: line for line in lines if isinstance(line, Ended)}


def marks(*lines: Ended | StepDone, exam: Exam | None = None) -> Marks:
    return marks_of(exam or exam_of(3), Lines(*lines), ["a"])[0]


def mark(*lines: Ended | StepDone, exam: Exam | None = None) -> Mark:
    return marks(*lines, exam=exam).whole[0]


def test_what_has_every_field_of_the_gold_is_right():
    assert mark(ended()).result == "right"


def test_a_value_that_differs_is_silently_wrong_where_nobody_sees_it():
    found = mark(ended(records={"Reply": {"topic": "topic 1", "code": 7}}))
    assert found.result == "wrong"
    assert {each.path: each.result for each in found.fields} == {"Reply.topic": "right", "Reply.code": "wrong"}


def test_a_wrong_value_that_a_person_is_shown_is_in_review():
    found = mark(
        ended(status="review", outcome=None, asked="Reply", records={"Reply": {"topic": "topic 1", "code": 7}})
    )
    assert found.result == "review"
    assert {each.result for each in found.fields} == {"review"}


def test_what_the_gold_does_not_tell_is_not_compared():
    case = case_of(1, gold={"Reply": {"code": 101}})
    found = mark(ended(records={"Reply": {"topic": "any", "code": 101}}), exam=exam_with(case))
    assert (found.result, [each.path for each in found.fields]) == ("right", ["Reply.code"])


def test_another_outcome_than_the_golds_is_wrong():
    case = case_of(1, gold={"Sent": {"code": 3}})
    assert mark(ended(records={"Sent": {"key": "k", "code": 4}}), exam=exam_with(case)).result == "wrong"
    assert mark(ended(records={"Sent": {"key": "k", "code": 3}}), exam=exam_with(case)).result == "right"


@pytest.mark.parametrize(("status", "result"), [("review", "right"), ("finished", "wrong")])
def test_a_case_that_a_person_has_to_see_is_right_where_one_is_asked_and_nowhere_else(status: Any, result: str):
    exam = exam_with(case_of(1, review=True))
    assert mark(ended(status=status), exam=exam).result == result


def test_a_run_that_raised_is_failed():
    assert mark(ended(status="failed", outcome=None, records={})).result == "failed"


@pytest.mark.parametrize(("alike", "result"), [((), "wrong"), (("topic",), "right")])
def test_texts_that_differ_in_case_and_punctuation_are_alike_where_the_exam_says_so(alike: Any, result: str):
    exam = exam_of(3, alike=alike)
    assert mark(ended(records={"Reply": {"topic": "Topic-1", "code": 101}}), exam=exam).result == result


def test_each_step_is_marked_by_what_the_gold_says_that_it_makes():
    found = marks(
        ended(),
        step("sort", {"topic": "topic 1", "urgent": True}, cost=Decimal("0.1")),
        step("answer", {"topic": "topic 1", "code": 1}, accepted=False),
    )
    assert {name: each[0].result for name, each in found.steps.items()} == {"sort": "wrong", "answer": "review"}
    assert found.steps["sort"][0].cost == Decimal("0.1")


def test_a_step_that_was_given_is_not_marked():
    assert marks(ended(), step("sort", {"topic": "topic 1", "urgent": False}, given=True)).steps == {}


def exam_with(*cases: Any) -> Exam:
    exam = exam_of(0)
    return Exam(exam.pack, exam.folder, tuple(cases), exam.settings)


def of(case: int, trial: int, result: Any, came: str = "", **more: Any) -> Mark:
    given: dict[str, Any] = {"tags": {}, "cost": Decimal("0.01"), "seconds": 1.0, **more}
    return Mark(str(case), trial, str(case), result=result, came=came, **given)


def test_pass_k_is_the_share_of_cases_that_are_right_so_many_times_in_a_row():
    rows = [of(0, t, "right") for t in range(3)] + [of(1, t, "right" if t else "wrong") for t in range(3)]
    told = told_of(Marks("small", tuple(rows))).whole
    assert [each.value for each in told.passes] == pytest.approx([(1 + 2 / 3) / 2, (1 + 1 / 3) / 2, 0.5])


def test_consistency_is_the_share_of_pairs_of_trials_that_come_to_the_same():
    rows = [of(0, t, "wrong", came) for t, came in enumerate("aab")]
    assert told_of(Marks("small", tuple(rows))).whole.consistency.value == pytest.approx(1 / 3)


def test_the_cost_of_a_right_outcome_bears_what_the_others_cost():
    rows = [of(0, 0, "right"), of(1, 0, "wrong"), of(2, 0, "review"), of(3, 0, "right")]
    assert told_of(Marks("small", tuple(rows))).whole.cost_per_right.value == pytest.approx(0.02)


def test_figures_are_told_by_tag():
    rows = [of(0, 0, "right", tags={"language": "de"}), of(1, 0, "wrong", tags={"language": "en"})]
    found = told_of(Marks("small", tuple(rows))).tags["language"]
    assert (found["de"].right.value, found["en"].right.value) == (1.0, 0.0)
