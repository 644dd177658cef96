"""A judge is another model than the producer; it is shown the record and paid like any other."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agentflow import Model, Policy, Problem, Record, asks, workflow
from agentflow.engine import answer
from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, SourceFigures, StepFigures, known
from agentflow.errors import ModelError, WorkflowError
from agentflow.testing import MemoryJournal, Price
from tests.benchmarks.virtual import run
from tests.engine.desk import Bench, Page, Sums, Total, add, codes, do, read, row, told, value


class Opinion(Record):
    sound: bool


@asks("judge", "other")
async def plausible(total: Total, *, model: Model) -> list[Problem]:
    opinion = await model.ask(Opinion, "Is this a plausible total?", f"value: {total.value}")
    return [] if opinion.sound else [Problem(code="implausible", message=f"{model.role} doubts it", path="value")]


async def test_a_judge_that_doubts_sends_the_model_back_to_work():
    models = told(m=[{"value": 9}, {"value": 5}], judge=[{"sound": False}, {"sound": True}])
    assert value(await do(row(checks=[plausible], ladder=("m",)), models)) == Total(value=5)
    assert [asked.text for asked in models.models["judge"].asked] == ["value: 9", "value: 5"]
    assert [role for role, _ in models.told] == ["m", "judge", "m", "judge"]


async def test_nobody_judges_what_is_his_own():
    models = told(judge=[{"value": 5}], other=[{"sound": True}])
    assert value(await do(row(checks=[plausible], ladder=("judge",)), models)) == Total(value=5)
    assert len(models.models["other"].asked) == 1


def test_a_model_does_not_judge_itself_under_another_name_and_would_if_nobody_looked(monkeypatch: pytest.MonkeyPatch):
    judged: list[str] = []

    @asks("also")
    async def noted(total: Total, *, model: Model) -> list[Problem]:
        judged.append(model.role)
        return []

    async def go() -> None:
        bench = Bench(m={})
        bench.models = replace(bench.models, configs={**bench.models.configs, "also": bench.models.configs["m"]})
        assert value(await bench.do(row(checks=[noted], ladder=("m",)))) == Total(value=5)

    run(go())
    assert judged == []
    monkeypatch.setattr(answer, "_alike", lambda *_: False)
    run(go())
    assert judged == ["also"]


async def test_where_there_is_no_other_model_the_check_says_nothing():
    journal = MemoryJournal()
    models = told(judge=[{"value": 5}])
    assert value(await do(row(checks=[plausible], ladder=("judge",)), models, journal)) == Total(value=5)
    assert journal.attempts[0].problems == ()


async def test_what_is_put_together_is_judged_by_none_of_its_makers():
    judged: list[str] = []

    @asks("a", "b", "c", "judge")
    async def sound(sums: Sums, *, model: Model) -> list[Problem]:
        judged.append(f"{model.role}: {sums.net} {sums.tax} {sums.total}")
        return []

    answers = {"a": [{"net": 10, "tax": 2, "total": 13}], "b": [{"net": 11, "tax": 2, "total": 12}]}
    models = told(**answers, c=[{"net": 10, "tax": 3, "total": 12}], judge=[])
    source = SourceFigures(systematic=known(0.05), slip=known(0.05), fault=known(0), spread=None, wrong_values=100)
    field = FieldFigures(
        sources=dict.fromkeys("abc", source), shared={"a|b": known(0), "a|c": known(0), "b|c": known(0)}
    )
    step = row(add, checks=[sound], ladder=("a", "b", "c"), alpha=0.01, max_attempts=1)
    verdict = await do(step, models, figures=Figures(steps={"add": StepFigures(every=field)}))
    assert value(verdict) == Sums(net=10, tax=2, total=12)
    assert judged[-1] == "judge: 10 2 12"
    assert judged[0] == "b: 10 2 13"


async def test_a_judge_that_cannot_be_reached_keeps_the_record_in_its_step():
    models = told(m=[{"value": 5}], judge=[ModelError("no such host")])
    assert codes(await do(row(checks=[plausible], ladder=("m",), max_attempts=1), models)) == ["check_failed"]


async def test_a_judge_that_was_measured_saves_answers():
    calls = []
    source = SourceFigures(systematic=known(0.05), slip=known(0.05), fault=known(0), spread=None)
    for checks in ({}, {"plausible": CheckFigures(catch=known(0.95), alarm=known(0.01))}):
        field = FieldFigures(sources={"m": source}, checks=checks)
        models = told(m=lambda asked: {"value": 5}, judge=lambda asked: {"sound": True})
        step = row(checks=[plausible], ladder=("m",), alpha=0.02)
        await do(step, models, figures=Figures(steps={"read": StepFigures(every=field)}))
        calls.append(len(models.models["m"].asked))
    assert calls[1] == 1 < calls[0]


def test_what_a_judge_costs_counts_for_the_attempt_and_against_the_steps_money():
    @asks("judge")
    async def doubts(total: Total, *, model: Model) -> list[Problem]:
        await model.ask(Total, "Judge.", f"[case:{total.value}]")
        return [Problem(code="odd", message="look again", path="value")]

    async def go() -> None:
        cent = {"price": Price(call=Decimal("0.01"))}
        bench = Bench(config={"max_tokens": 1}, m=cent, judge=cent)
        step = row(checks=[doubts], ladder=("m",), max_attempts=9, budget=Decimal("0.04"))
        assert codes(await bench.do(step)) == ["odd", "budget_spent"]
        assert [line.cost for line in bench.journal.attempts] == [Decimal("0.02")] * 2
        assert {line.role for line in bench.journal.lines} == {"m", "judge"}

    run(go())


async def takes_a_model(total: Total, *, model: Model) -> list[Problem]:
    return []


@asks("judge")
def takes_none(total: Total) -> list[Problem]:
    return []


@pytest.mark.parametrize("check", [takes_a_model, takes_none])
def test_a_judge_without_a_role_or_a_model_is_found_in_the_table(check: Any):
    drafted: Any = workflow("desk", takes=Page, gives=Total)
    with pytest.raises(WorkflowError, match="takes a model and names no role"):
        drafted.step(read, checks=[check], policy=Policy(ladder=("m",))).build()
