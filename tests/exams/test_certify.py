"""A bar for acceptance is proven on an exam, and what is not proven is not claimed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.exams.certify import Promise, Scored, advice, certify, first_look, in_order, p_value, wanted
from agentflow.exams.certify_binomial import allowed, at_most, floor, looking, lower, needed, power, upper

EXAMS = 400


def flat(seed: int, cases: int, rate: float) -> list[Scored]:
    """How sure an answer is says nothing here."""
    rng = random.Random(seed)
    return [Scored(rng.random(), rng.random() < rate) for _ in range(cases)]


def told(seed: int, cases: int) -> list[Scored]:
    """A tenth is wrong, nearly all of it among the least sure."""
    rng = random.Random(seed)
    wrongs = [rng.random() < 0.1 for _ in range(cases)]
    return [Scored(rng.gauss(0 if wrong else 2.5, 1), wrong) for wrong in wrongs]


@pytest.mark.parametrize(("alpha", "cases"), [(0.02, [149, 236, 313, 386]), (0.001, [2995, 4742, 6294, 7752])])
def test_so_many_accepted_cases_bear_none_to_three_errors(alpha: float, cases: list[int]):
    assert [needed(alpha, 0.05, errors) for errors in range(4)] == cases


@given(st.integers(1, 400), st.floats(0.001, 0.4), st.floats(0.001, 0.2))
def test_the_errors_allowed_are_the_most_with_a_small_enough_p_value(n: int, alpha: float, level: float):
    most = allowed(n, alpha, level)[n]
    assert at_most(most, n, alpha) <= level + 1e-9
    assert at_most(most + 1, n, alpha) >= level - 1e-9


@given(st.integers(1, 300), st.data(), st.floats(0.01, 0.3))
def test_at_the_upper_end_so_few_errors_have_the_probability_delta(n: int, data: st.DataObject, delta: float):
    errors = data.draw(st.integers(0, n - 1))
    end = upper(errors, n, delta)
    assert at_most(errors, n, end) == pytest.approx(delta, rel=1e-6)
    assert lower(errors, n, delta) <= errors / n <= end


def test_masses_too_small_for_a_float_still_add_up():
    assert at_most(700, 3000, 0.25) == pytest.approx(0.017892551731, rel=1e-9)


def test_no_error_in_n_cases_proves_about_three_in_n():
    assert floor(1000, 0.05) == pytest.approx(0.00299, abs=1e-5)
    assert upper(0, 1000, 0.05) == pytest.approx(floor(1000, 0.05))


def test_without_the_correction_for_looking_at_every_bar_a_signal_without_worth_deceives():
    exams = [flat(seed, 300, 0.0501) for seed in range(EXAMS)]
    single = allowed(300, 0.05, 0.05)
    alone = sum(_accepts(exam, single) for exam in exams)
    corrected = sum(certify(exam, Promise(0.05)).bar is not None for exam in exams)
    assert alone / EXAMS > 0.10
    assert corrected / EXAMS <= 0.07  # 5 % and two standard errors


def _accepts(exam: list[Scored], most: list[int]) -> bool:
    ranked, wrong = sorted(exam, key=lambda case: -case.sure), 0
    for m, case in enumerate(ranked, 1):
        wrong += case.wrong
        if wrong <= most[m]:
            return True
    return False


def test_a_walk_of_errors_comes_below_the_boundary_with_at_most_delta():
    boundary, rng = looking(400, 0.04, 0.1, 50), random.Random(3)
    crossed = 0
    for _ in range(2000):
        wrong = 0
        for m in range(1, 401):
            wrong += rng.random() < 0.04
            if wrong <= boundary[m]:
                crossed += 1
                break
    assert 0.07 < crossed / 2000 <= 0.1 + 0.014


def test_looking_begins_where_it_was_told_to():
    assert looking(200, 0.05, 0.05, 120)[:120] == (-1,) * 120
    assert looking(200, 0.05, 0.05, 120)[120] >= 0


def test_a_signal_of_worth_lets_most_cases_pass():
    found = certify(told(1, 1000), Promise(0.02), first=first_look(told(2, 1000), Promise(0.02)))
    assert found.coverage > 0.6
    assert found.wrong / found.accepted < found.bound <= 0.02


def test_equally_sure_answers_are_accepted_together_or_not_at_all():
    cases = [Scored(1.0, False)] * 70 + [Scored(0.5, False)] * 10 + [Scored(0.5, True)] * 10
    found = certify(cases, Promise(0.05))
    assert (found.bar, found.accepted) == (1.0, 70)


def test_below_the_feasibility_floor_nothing_is_accepted():
    found = certify([Scored(1.0, False)] * 58, Promise(0.05))
    assert found.bar is None
    assert found.floor > 0.05
    assert "needs 1 more" in advice(found)[0]


def test_configurations_after_the_first_that_fails_are_not_proven():
    good, bad = (0, 400), (30, 400)
    assert p_value(*bad, 0.02) > 0.05
    assert in_order([good, good, bad, good], Promise(0.02)) == 2


def test_a_configuration_that_accepts_nothing_is_not_proven():
    assert in_order([(0, 0)], Promise(0.02)) == 0


def test_cases_wanted_make_the_proof_likely_and_fewer_do_not():
    want = wanted(Promise(0.01), risk=0.004, coverage=0.8)
    assert want.least == 374
    assert want.likely is not None
    assert power(round(want.likely * 0.8), 0.004, 0.01, 0.05) >= 0.79
    assert power(round(want.likely * 0.6), 0.004, 0.01, 0.05) < 0.79


def test_no_number_of_cases_proves_what_is_not_so():
    assert wanted(Promise(0.01), risk=0.01).likely is None


def test_advice_says_how_many_more_cases_would_let_more_pass():
    promise = Promise(0.02)
    lines = advice(certify(told(1, 300), promise), told(2, 300))
    assert any("cases more would let" in line for line in lines)


def test_a_promise_is_a_share():
    with pytest.raises(ValueError, match="alpha=2"):
        Promise(2)


def test_a_share_that_takes_more_cases_than_a_larger_one_is_not_spoken_of():
    tuned = [Scored(1.0, number == 3) for number in range(20)]
    told = advice(certify([], Promise(0.1), of=0), tuned, 20)
    counts = [int(line.split()[1]) for line in told if line.startswith("about")]
    assert counts == sorted(counts)
    assert told[-1].endswith("would let 100% pass")
