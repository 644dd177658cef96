"""The guarantee benchmark measures at a small size."""

import pytest

from tests.benchmarks.guarantee import measure, metrics, pictures
from tests.benchmarks.guarantee_ceiling import ceiling
from tests.benchmarks.guarantee_worlds import FLAT, WORLDS


@pytest.fixture(scope="module")
def told():
    return measure(WORLDS[0], 40, 1, 500)


def test_a_plain_threshold_breaks_the_promise_where_ours_keeps_it(told):
    assert told["plain threshold"].broken > 0.25
    assert told["agentflow"].broken <= 0.1


def test_more_is_accepted_than_by_testing_from_strict_to_loose(told):
    assert told["agentflow"].coverage > told["Learn then Test, strict to loose"].coverage


def test_the_truth_of_a_bar_is_that_of_a_large_exam():
    world = WORLDS[0]
    exam = world.exam(5, 20_000)
    coverage, risk = world.accepts(0.9)
    accepted = [case for case in exam if case.sure >= 0.9]
    assert len(accepted) / len(exam) == pytest.approx(coverage, abs=0.01)
    assert sum(case.wrong for case in accepted) / len(accepted) == pytest.approx(risk, abs=0.004)


def test_pictures_and_metrics_tell_every_rule(told):
    assert len(metrics(WORLDS[0], told)) == 8
    assert all(name.endswith(".svg") and "agentflow" in drawn for name, drawn in pictures({WORLDS[0]: told}).items())


def test_where_a_signal_says_next_to_nothing_only_the_corrected_bound_keeps_the_promise():
    told = measure(FLAT, 60, 1, 400)
    assert told["plain threshold"].broken > 0.5
    assert told["agentflow"].broken <= 0.1


def test_no_rule_goes_beyond_the_ceiling_and_more_cases_lift_it(told):
    few, many = (ceiling(WORLDS[0], 0.05, cases, 300, 1) for cases in (500, 4_000))
    assert told["agentflow"].coverage < few < many < 1.01
