"""Live jobs are held against what a pack promises."""

from dataclasses import replace
from decimal import Decimal

import pytest

from agentflow import Promises
from agentflow.errors import PackError
from agentflow.exams.slo import Live, held, is_sampled

ALL = Promises(silent=0.05, touchless=0.8, seconds=10, cost=Decimal("0.10"), audits=1.0)


def live(number: int, **more) -> Live:
    return replace(Live(f"job_{number}", True, True, 2.0, 0.02, False), **more)


def by_name(jobs: list[Live], promises: Promises = ALL):
    return {each.name: each for each in held(jobs, promises)}


def test_what_is_well_within_its_promise_is_kept():
    found = by_name([live(n) for n in range(300)])
    assert {each.state for each in found.values()} == {"kept"}
    assert found["silent errors"].spent == 0


def test_what_is_surely_outside_is_broken_and_what_is_not_sure_is_open():
    jobs = [live(n, wrong=n % 5 == 0, touchless=True, seconds=20.0, cost=0.5) for n in range(200)]
    found = by_name(jobs)
    assert {name for name, each in found.items() if each.state == "broken"} == {
        "silent errors", "seconds, 95 %", "USD an outcome",
    }  # fmt: skip
    assert found["silent errors"].spent == pytest.approx(4)
    assert by_name([live(n) for n in range(5)])["silent errors"].state == "open"


def test_too_many_reviews_break_the_promise_of_touchless_jobs():
    found = by_name([live(n, touchless=n % 2 == 0) for n in range(200)])["without a person"]
    assert (found.state, found.value) == ("broken", 0.5)


def test_audits_that_chance_did_not_choose_do_not_count():
    promises = replace(ALL, audits=0.2)
    jobs = [live(n, wrong=not is_sampled(f"job_{n}", 0.2)) for n in range(500)]
    found = by_name(jobs, promises)["silent errors"]
    assert found.value == 0
    assert 60 < found.cases < 140


def test_what_a_person_answered_is_no_silent_error():
    assert by_name([live(n, touchless=False, wrong=True) for n in range(50)])["silent errors"].cases == 0


def test_what_failed_jobs_cost_is_paid_by_the_outcomes():
    jobs = [live(n, cost=0.1) for n in range(50)] + [live(50 + n, finished=False, cost=0.1) for n in range(50)]
    assert by_name(jobs)["USD an outcome"].value == pytest.approx(0.2)


def test_nothing_is_promised_unless_it_is_said():
    assert held([live(1)], Promises()) == []


def test_a_share_above_one_cannot_be_promised():
    with pytest.raises(PackError, match="silent=2"):
        Promises(silent=2)


def test_jobs_that_wait_for_a_person_are_none_that_ended_without_one():
    jobs = [live(n) for n in range(50)] + [live(50 + n, finished=False, waits=True) for n in range(150)]
    found = by_name(jobs)["without a person"]
    assert (found.state, found.value, found.cases) == ("broken", 0.25, 200)
    assert by_name(jobs)["USD an outcome"].value == pytest.approx(0.02)


def test_nothing_is_spent_where_nothing_was_seen():
    assert {each.spent for each in held([], ALL)} == {0.0}
    [whole] = held([live(n) for n in range(20)], Promises(touchless=1.0))
    assert whole.spent == 0.0
