"""Two runs are compared pair by pair: a planted regression is found, chance alone raises no alarm."""

import random
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.exams.comparing import EXACT, by_signs, compare, holm
from agentflow.exams.scoring import Mark


def mark(case: int, result: Any, trial: int = 0, group: str | None = None) -> Mark:
    return Mark(str(case), trial, group or str(case), {}, result, "", Decimal(0), 1.0)


def pairs(
    rng: random.Random, cases: int, before: float, now: float, shared: float, kind: str = "wrong"
) -> tuple[list[Mark], list[Mark]]:
    """Errors of both, so large a share of the earlier's being the later's too."""
    first, second = list[Mark](), list[Mark]()
    for case in range(cases):
        wrong = rng.random() < before
        also = rng.random() < (shared if wrong else (now - before * shared) / (1 - before))
        first.append(mark(case, kind if wrong else "right"))
        second.append(mark(case, kind if also else "right"))
    return first, second


def test_what_broke_and_what_mended_is_named():
    before, now = (
        [mark(0, "right"), mark(1, "wrong"), mark(2, "right")],
        [mark(0, "wrong"), mark(1, "right"), mark(2, "right")],
    )
    found = compare("now", now, "before", before)
    assert (found.broke, found.mended, found.pairs) == (("0",), ("1",), 3)
    assert (found.right.fewer, found.right.more) == (1, 1)


def test_only_runs_that_both_have_are_compared():
    found = compare("now", [mark(0, "right"), mark(5, "wrong")], "before", [mark(0, "right"), mark(7, "wrong")])
    assert found.pairs == 1


def test_two_runs_without_a_case_in_common_cannot_be_compared():
    with pytest.raises(ValueError, match="have no case in common"):
        compare("now", [mark(0, "right")], "before", [mark(1, "right")])


@pytest.mark.parametrize(("fewer", "more", "p"), [(0, 0, 1.0), (0, 5, 0.0625), (6, 6, 1.0), (2, 8, 0.109375)])
def test_mcnemars_test_is_exact(fewer: int, more: int, p: float):
    assert by_signs([-1] * fewer + [1] * more) == pytest.approx(p)


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_clusters_that_may_come_out_either_way_have_the_p_of_all_their_signs(rises: list[int]):
    sums = [abs(sum(s * r for s, r in zip(signs, rises, strict=True))) for signs in product((-1, 1), repeat=len(rises))]
    assert by_signs(rises) == pytest.approx(sum(each >= abs(sum(rises)) for each in sums) / len(sums))


def test_a_few_clusters_that_all_change_alike_are_no_proof():
    assert by_signs([4] * 5) == pytest.approx(1 / 16)


def test_of_many_clusters_the_normal_law_says_nearly_what_the_exact_one_does():
    rises = [1, -2, 3] * (EXACT // 3) + [3] * 20
    few, many = by_signs(rises[-EXACT:]), by_signs([*rises[-EXACT:], 1, -1])
    assert many == pytest.approx(few, rel=0.1)


def test_a_run_held_against_itself_has_not_become_worse():
    before, _ = pairs(random.Random(1), 200, 0.1, 0.1, 0.5)
    found = compare("same", before, "same", before)
    assert (found.worse, found.better, found.regression) == (1.0, 1.0, False)


def test_more_that_is_silently_wrong_is_a_regression_though_as_much_is_right():
    before = [mark(i, "review" if i < 30 else "right") for i in range(300)]
    now = [mark(i, "wrong" if i < 15 else "review" if i < 30 else "right") for i in range(300)]
    found = compare("now", now, "before", before)
    assert (found.right.difference.value, found.regression) == (0.0, True)


def test_more_that_a_person_has_to_see_is_a_regression_though_nothing_is_wrong():
    before = [mark(i, "right") for i in range(300)]
    now = [mark(i, "review" if i < 15 else "right") for i in range(300)]
    assert compare("now", now, "before", before).regression


def test_trials_of_one_document_are_not_taken_for_cases_of_their_own():
    """One document whose 20 trials all turn is one change, which chance makes half of the time."""
    before = [mark(0, "right", t, "d") for t in range(20)] + [mark(1, "right", t, "e") for t in range(20)]
    now = [mark(0, "wrong", t, "d") for t in range(20)] + [mark(1, "right", t, "e") for t in range(20)]
    found = compare("now", now, "before", before)
    assert found.worse == pytest.approx(0.5, abs=0.05)
    assert found.right.p > 0.3


def test_the_interval_of_the_difference_holds_it():
    held = 0
    for seed in range(40):
        before, now = pairs(random.Random(seed), 200, 0.10, 0.16, 0.5)
        found = compare("now", now, "before", before, seed=seed).silent.difference
        held += (found.low or 0) <= 0.06 <= (found.high or 0)
    assert held >= 35


def test_several_candidates_are_judged_together():
    """Of ten that differ by chance alone, one of p = .04 is no regression; one of p < .005 is."""
    before, now = pairs(random.Random(5), 300, 0.10, 0.10, 0.5)
    _, bad = pairs(random.Random(5), 300, 0.10, 0.25, 0.5)
    others = [compare(str(seed), pairs(random.Random(seed), 300, 0.1, 0.1, 0.5)[1], "before", now) for seed in range(9)]
    found = compare("bad", bad, "before", before)
    assert [each.name for each in holm([*others, found])] == ["bad"]
