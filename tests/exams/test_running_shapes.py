"""Lists, questions and functions go through an exam as they go through a job."""

from pathlib import Path
from typing import Any

from agentflow import Model, Pack, Policy, Price, Record, workflow
from agentflow.engine.trust.figures import Stamps
from agentflow.exams.calibration import calibrate, observations
from agentflow.exams.candidates import candidates_of, sources_of
from agentflow.exams.cases import Case, Exam, checked
from agentflow.exams.keeping import Kept
from agentflow.exams.planning import Plan
from agentflow.exams.running import examine
from agentflow.exams.scoring import Marks, marks_of
from agentflow.exams.tune_cases import asked_of
from agentflow.testing import FakeModel, FakeModels


class Order(Record):
    lines: list[str]


class Line(Record):
    text: str


class Coded(Record):
    account: str


class Booked(Record):
    accounts: list[str]


class Unclear(Record):
    why: str


split_calls: list[int] = []


async def split(order: Order) -> list[Line] | Unclear:
    split_calls.append(1)
    return Unclear(why="a question mark") if "?" in order.lines else [Line(text=text) for text in order.lines]


async def code(line: Line, *, model: Model) -> Coded:
    return await model.ask(Coded, "Code the line.", line.text)


async def by_rule(line: Line) -> Coded:
    return Coded(account=f"rule {line.text}")


async def book(coded: list[Coded]) -> Booked:
    return Booked(accounts=[one.account for one in coded])


orders = Pack(
    name="orders",
    workflow=workflow("orders", takes=Order, gives=Booked)
    .step(split)
    .each(code, policy=Policy(ladder=("rule", "small")), sources={"rule": by_rule})
    .step(book)
    .review(Unclear, answers=Booked)
    .build(),
    prices={Booked: Price("1.00")},
)

CASES = (
    Case(
        id="1",
        input={"lines": ["a", "b"]},
        gold={"list[Coded]": [{"account": "A"}, {"account": "B"}], "Booked": {"accounts": ["A", "B"]}},
    ),
    Case(id="2", input={"lines": ["?"]}, gold={"Unclear": {}}),
)
EXAM = Exam(orders, Path(), checked(orders, Path(), CASES))


def upper(asked: Any) -> Coded:
    return Coded(account=asked.text.upper())


async def examined(
    home: Path, *names: str, models: Any = None, trials: int = 1
) -> tuple[dict[str, Marks], Kept, list[str]]:
    models = models or FakeModels(small=FakeModel(upper))
    kept = Kept(home)
    went = await examine(Plan(EXAM, CASES, tuple(candidates_of(orders, models, ["small"], names)), trials), kept, {})
    kept.close()
    return {each.candidate: each for each in marks_of(EXAM, kept, went.keys)}, kept, went.keys


async def test_each_item_of_a_list_is_a_question_of_its_own(tmp_path: Path):
    found, kept, _ = await examined(tmp_path, "small", "rule")
    assert [mark.result for mark in found["small"].whole] == ["right", "right"]
    assert found["rule"].whole[0].result == "wrong"
    assert sorted(line.item for line in kept.steps.values() if line.step == "code" and line.candidate == "small") == [
        0,
        1,
    ]


async def test_the_items_of_a_list_make_one_mark_of_their_step(tmp_path: Path):
    found, _, _ = await examined(tmp_path, "rule")
    (mark,) = found["rule"].steps["code"]
    assert (mark.result, [each.path for each in mark.fields]) == ("wrong", ["account", "account"])


async def test_to_ask_a_person_is_right_where_the_gold_says_so(tmp_path: Path):
    found, _, _ = await examined(tmp_path, "small")
    assert {mark.case: mark.result for mark in found["small"].whole} == {"1": "right", "2": "right"}


async def test_a_function_of_a_ladder_is_a_candidate_and_a_model_takes_the_place_of_models_alone(tmp_path: Path):
    assert sources_of(orders) == ["rule", "small"]
    _, kept, _ = await examined(tmp_path, "small", "rule", "pack")
    asked = {
        (line.candidate, each.source) for line in kept.steps.values() for each in line.attempts if line.step == "code"
    }
    assert asked == {("small", "small"), ("rule", "rule"), ("pack", "rule")}


async def test_a_function_does_the_same_records_once(tmp_path: Path):
    split_calls.clear()
    await examined(tmp_path, "small", "rule", trials=3)
    assert len(split_calls) == len(CASES)


async def test_each_item_is_counted_and_a_function_once_a_case(tmp_path: Path):
    _, kept, keys = await examined(tmp_path, "small", "rule", trials=3)
    rows = observations(EXAM, kept, keys, ("tune", "certify", "hold"))["code"]
    assert sum(row.source == "rule" for row in rows) == 2
    assert sum(row.source == "small" for row in rows) == 6
    figures = calibrate(EXAM, kept, keys, Stamps(), ("tune", "certify", "hold"))
    assert figures.steps["code"].every.sources["rule"].slip.mean == 0
    assert figures.about.startswith("How often each source errs")
    assert "1 cases of 1 documents" in figures.about


async def test_a_step_of_the_pack_that_raises_fails_its_run_and_no_other(tmp_path: Path):
    def breaks(asked: Any) -> Coded:
        if asked.text == "a":
            raise OSError("the disk is full")
        return upper(asked)

    found, kept, _ = await examined(tmp_path, "small", models=FakeModels(small=FakeModel(breaks)))
    assert [mark.result for mark in found["small"].whole] == ["failed", "right"]
    assert "the disk is full" in str([end.error for end in kept.ends.values()])


async def test_a_form_that_is_never_right_is_seen_by_a_person(tmp_path: Path):
    fake = FakeModels(small=FakeModel(lambda _: {"nothing": 1}))
    found, _, _ = await examined(tmp_path, "small", models=fake)
    assert found["small"].whole[0].result == "review"


async def test_a_router_knows_of_a_case_what_the_steps_before_have_made_of_it(tmp_path: Path):
    _, kept, keys = await examined(tmp_path, "small", "rule")
    step = next(step for step in orders.workflow.steps if step.name == "code")
    found = asked_of(EXAM, kept, keys, step, ("tune", "certify", "hold"))
    assert {case.case: dict(case.features) for case in found} == {"1#0": {"Line.text": "a"}, "1#1": {"Line.text": "b"}}
