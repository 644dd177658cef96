"""A step keeps to its money and its time, and waits for models that are away as long as both last."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from agentflow import Policy, Problem
from agentflow.errors import ModelError
from agentflow.testing import MemoryJournal, Price
from tests.benchmarks.virtual import now, run
from tests.engine.desk import Bench, Page, Total, codes, do, positive, row, told, value

CENT = {"price": Price(call=Decimal("0.01"))}
"""Every answer costs a cent."""


def down(first: float, last: float, **more: Any) -> dict[str, Any]:
    return {"episodes": [{"seconds": (first, last), **more}]}


def test_a_step_with_no_money_asks_no_model():
    async def go() -> None:
        bench = Bench(m={})
        assert codes(await bench.do(row(ladder=("m",), budget=Decimal(0)))) == ["budget_spent"]
        assert (bench.sends("m"), bench.journal.lines) == (0, [])

    run(go())


async def test_a_step_with_no_money_still_asks_its_own_code():
    async def device(page: Page) -> Total:
        return Total(value=3)

    step = row(ladder=("device", "m"), sources={"device": device}, budget=Decimal(0))
    assert value(await do(step, told())) == Total(value=3)


@pytest.mark.parametrize("alpha", [None, 0.01])
def test_a_step_with_no_time_asks_nobody(alpha: float | None):
    async def go() -> None:
        bench = Bench(m={})
        assert codes(await bench.do(row(ladder=("m",), deadline=0.0, alpha=alpha))) == ["deadline"]
        assert (bench.sends("m"), bench.journal.attempts) == (0, [])

    run(go())


def test_no_call_is_made_that_could_cost_more_than_the_step_has_left():
    async def go() -> None:
        bench = Bench(config={"max_tokens": 1}, m=CENT)
        step = row(checks=[_never], ladder=("m",), max_attempts=9, budget=Decimal("0.025"))
        assert codes(await bench.do(step)) == ["odd", "budget_spent"]
        assert sum(line.cost for line in bench.journal.lines) == Decimal("0.02")

    run(go())


def _never(total: Total) -> list[Problem]:
    return [Problem(code="odd", message="look again", path="value")]


def test_votes_asked_for_at_once_cannot_spend_the_same_money():
    async def go() -> None:
        bench = Bench(config={"max_tokens": 1}, m={**CENT, "latency": {"median": 9, "sigma": 0}})
        step = row(ladder=("m",), alpha=0.08, deadline=15.0, budget=Decimal("0.01"))
        assert "budget_spent" in codes(await bench.do(step))
        assert [line.fault for line in bench.journal.attempts] == [None, "budget_spent"]
        assert sum(line.cost for line in bench.journal.lines) == Decimal("0.01")

    run(go())


def test_where_the_dear_model_is_too_dear_the_cheap_one_is_still_asked():
    async def go() -> None:
        dear = {"price": Price(call=Decimal(5))}
        bench = Bench(config={"max_tokens": 1}, dear=dear, cheap=CENT)
        step = row(ladder=("dear", "cheap"), budget=Decimal(1))
        assert value(await bench.do(step)) == Total(value=5)
        assert bench.sends("dear") == 0

    run(go())


def test_what_a_step_spends_is_taken_from_the_jobs_money():
    async def go() -> None:
        bench = Bench(usd=Decimal("0.03"), config={"max_tokens": 1}, m=CENT)
        step = row(ladder=("m",), budget=Decimal("0.02"))
        verdicts = [await bench.do(step, case=case) for case in (1, 2, 3, 4)]
        assert [value(one).value for one in verdicts[:3]] == [1, 2, 3]
        assert codes(verdicts[3]) == ["budget_spent"]
        assert bench.models.budget.left == 0

    run(go())


def test_an_answer_that_comes_too_late_is_a_fault_and_its_cost_counts():
    async def go() -> None:
        price = {"price": Price(input=Decimal(1), output=Decimal(1))}
        bench = Bench(m={"latency": {"median": 30, "sigma": 0}, **price})
        assert "deadline" in codes(await bench.do(row(ladder=("m",), deadline=10.0)))
        [attempt], [line] = bench.journal.attempts, bench.journal.lines
        assert (now(), attempt.cost) == (10, line.cost)
        assert line.cost > 0

    run(go())


async def test_code_that_takes_too_long_is_left_behind():
    async def slow(page: Page) -> Total:
        await asyncio.sleep(60)
        return Total(value=0)

    step = row(ladder=("slow",), sources={"slow": slow}, deadline=0.01)
    assert codes(await do(step, told())) == ["deadline", "deadline"]


async def test_a_timeout_of_the_steps_own_code_is_not_taken_for_the_deadline():
    async def impatient(page: Page) -> Total:
        raise TimeoutError("its own")

    step = row(ladder=("impatient",), sources={"impatient": impatient}, deadline=60.0)
    with pytest.raises(TimeoutError, match="its own"):
        await do(step, told())


def test_near_the_deadline_answers_are_asked_for_at_once():
    async def go() -> None:
        took = []
        for deadline in (1000.0, 15.0):
            bench, began = Bench(m={"latency": {"median": 9, "sigma": 0}}), now()
            value(await bench.do(row(ladder=("m",), alpha=0.08, deadline=deadline)))
            took.append((bench.sends("m"), now() - began))
        (calls, slowly), (as_many, at_once) = took
        assert calls == as_many > 1
        assert slowly == pytest.approx(9 * calls)
        assert at_once == pytest.approx(9)

    run(go())


def test_the_deadline_of_the_job_is_kept_as_the_steps_own():
    async def go() -> None:
        bench = Bench(m=down(0, 60))
        bench.models = bench.models.within(seconds=20)
        assert codes(await bench.do(row(ladder=("m",))))
        assert now() <= 20

    run(go())


def test_a_job_without_time_asks_nobody():
    async def go() -> None:
        bench = Bench(m={})
        bench.models = bench.models.within(seconds=0)
        assert codes(await bench.do(row(ladder=("m",)))) == ["deadline"]
        assert bench.sends("m") == 0

    run(go())


@pytest.mark.parametrize("alpha", [None, 0.2])
def test_a_provider_that_is_down_for_a_minute_is_waited_for(alpha: float | None):
    async def go() -> None:
        bench = Bench(m=down(0, 60))
        assert value(await bench.do(row(ladder=("m",), alpha=alpha))) == Total(value=5)
        assert 60 <= now() < 90
        assert bench.sends("m") < 20

    run(go())


def test_every_attempt_that_sent_something_is_written_down_and_no_other():
    async def go() -> None:
        bench = Bench(config={"tries": 1}, m=down(0, 60))
        others = [bench.do(row(ladder=("m",)), case=case) for case in range(20)]
        await asyncio.gather(*others)
        told, paid = bench.journal.attempts, bench.journal.lines
        assert {line.attempt for line in paid} <= {line.attempt for line in told}
        assert len(told) <= len(paid) + 20

    run(go())


def test_a_person_is_told_once_that_a_model_is_away():
    async def go() -> None:
        bench = Bench(m=down(0, 10**6))
        verdict = await bench.do(row(ladder=("m",)))
        assert codes(verdict) == ["model_unreachable"]
        assert len(bench.journal.attempts) > 2

    run(go())


def test_a_run_without_money_asks_no_model():
    async def go() -> None:
        bench = Bench(usd=Decimal(0), m={}, n={})
        verdict = await bench.do(row(ladder=("m", "n")))
        assert codes(verdict) == ["budget_spent", "budget_spent"]
        assert "raise --budget" in verdict.reasons[0].message
        assert bench.sends("m") + bench.sends("n") == 0

    run(go())


@pytest.mark.parametrize(
    "wrong", [{"max_attempts": 0}, {"budget": Decimal(-1)}, {"deadline": -1.0}, {"patience": -1.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy(**wrong)


def test_the_answer_after_an_outage_is_the_models_first_and_asked_as_configured():
    async def go() -> None:
        bench = Bench(m=down(0, 60))
        await bench.do(row(ladder=("m",)))
        assert {sent["temperature"] for sent in bench.client.sent} == {0}

    run(go())


def test_waiting_uses_up_no_attempt():
    async def go() -> None:
        bench = Bench(m=down(0, 100))
        assert value(await bench.do(row(ladder=("m",), max_attempts=1))) == Total(value=5)

    run(go())


def test_nobody_waits_while_another_source_can_do_the_work():
    async def go() -> None:
        bench = Bench(m=down(0, 60), n={})
        assert value(await bench.do(row(ladder=("m", "n")))) == Total(value=5)
        assert now() < 10

    run(go())


def test_a_second_opinion_is_waited_for_where_it_is_needed():
    async def go() -> None:
        bench = Bench(m={}, n=down(0, 30))
        step = row(ladder=("m", "n"), alpha=0.08, max_attempts=1)
        assert value(await bench.do(step)) == Total(value=5)
        assert 30 <= now() < 60

    run(go())


def test_patience_ends_with_a_person():
    async def go() -> None:
        bench = Bench(m=down(0, 10**6))
        assert codes(await bench.do(row(ladder=("m",), patience=45.0))) == ["model_unreachable"]
        assert now() <= 60

    run(go())


def test_each_wait_is_told_with_its_step_and_whom_it_waits_for(caplog: pytest.LogCaptureFixture):
    async def go() -> None:
        with caplog.at_level("INFO", "agentflow.engine.roster"):
            await Bench(m=down(0, 10**6)).do(row(ladder=("m",), patience=45.0))

    run(go())
    told = [message for message in caplog.messages if message.startswith("read waits ")]
    assert "for m, which does not answer; at most 45 s" in told[0]
    assert len(told) > 1


def test_without_patience_a_person_is_asked_at_once():
    async def go() -> None:
        bench = Bench(config={"tries": 1}, m=down(0, 10**6))
        assert codes(await bench.do(row(ladder=("m",), patience=0.0))) == ["model_unreachable"]
        assert now() == 0

    run(go())


def test_a_provider_that_asks_for_an_hour_is_not_waited_for():
    async def go() -> None:
        bench = Bench(m={"retry_after": 3600, **down(0, 10, status=429)})
        assert codes(await bench.do(row(ladder=("m",)))) == ["model_unreachable"]
        assert now() < 5

    run(go())


def test_a_key_that_is_refused_is_not_waited_for():
    async def go() -> None:
        bench = Bench(m=down(0, 10**6, status=401))
        assert codes(await bench.do(row(ladder=("m",)))) == ["model_unreachable"]
        assert (now(), bench.sends("m")) == (0, 1)

    run(go())


def test_a_wall_clock_that_jumps_by_hours_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    async def go() -> None:
        hours = iter([h * 3600.0 for _ in range(10**4) for h in (0, 9, -9, 5)])
        monkeypatch.setattr(time, "time", lambda: next(hours))
        bench = Bench(m={"latency": {"median": 2}, **down(0, 60)})
        assert value(await bench.do(row(ladder=("m",), alpha=0.08, deadline=300.0, max_attempts=9))) == Total(value=5)
        assert 60 <= now() < 120

    run(go())


async def test_a_model_that_says_nothing_of_coming_back_is_not_waited_for():
    models, journal = told(small=[ModelError("no such host")]), MemoryJournal()
    assert codes(await do(row(checks=[positive], ladder=("small",), max_attempts=3), models, journal)) == [
        "model_unreachable"
    ]


def test_models_of_a_step_share_what_is_known_of_their_wires():
    async def go() -> None:
        bench = Bench(m={})
        within = bench.models.within(usd=Decimal(1))
        assert within.lines is bench.models.lines
        assert within.seconds_left == float("inf")
        assert bench.models.within(seconds=5).within(seconds=9).seconds_left == 5

    run(go())
