"""Bars are chosen so that what is promised costs least."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.exams.ladder import NEVER, REFUSED, Quality, Rung, Silent, cheapest, done, frontier, place


def cases(seed: int, count: int, right: tuple[float, ...] = (0.8, 0.95), apart: float = 2.5) -> list[list[Rung]]:
    """A cheap and a dear source that know how sure they may be."""
    rng, prices = random.Random(seed), (1.0, 20.0, 100.0)
    climbs: list[list[Rung]] = []
    for _ in range(count):
        rights = [rng.random() < share for share in right]
        climbs.append([Rung(rng.gauss(apart * r, 1), r, price) for r, price in zip(rights, prices, strict=False)])
    return climbs


def test_the_first_rung_that_is_sure_enough_is_taken():
    climb = [Rung(0.5, False, 1), Rung(0.8, True, 2), Rung(0.9, True, 3)]
    assert place(climb, (0.6, 0.7, 0.0)) == 1
    assert place(climb, (NEVER, NEVER, NEVER)) is None


def test_what_was_asked_is_paid_and_a_person_too():
    climb = [Rung(0.5, False, 1), Rung(0.8, True, 2)]
    assert done([climb], (0.6, 0.7), 50).cost == 3
    assert done([climb], (0.6, 0.9), 50).cost == 53
    assert done([climb], (0.4, 0.9), 50).cost == 1


def test_a_ladder_is_as_good_as_its_dear_source_at_a_fraction_of_the_cost():
    climbs = cases(1, 1500)
    strong = sum(climb[-1].right for climb in climbs) / len(climbs)
    found = cheapest(climbs, Quality(strong))
    assert found is not None
    assert found.done.right >= strong * len(climbs)
    assert found.done.cost < 0.6 * 20 * len(climbs)


def test_bars_found_by_turns_cost_about_as_little_as_the_best_of_a_grid():
    climbs, aim = cases(3, 200), Silent(0.05, 60)
    found = cheapest(climbs, aim)
    grid = [climb[0].sure for climb in climbs[::6]] + [NEVER]
    other = [climb[1].sure for climb in climbs[::6]] + [NEVER]
    tried = (done(climbs, (a, b), aim.review) for a in grid for b in other)
    best = min(each.cost for each in tried if aim.held_by(each))
    assert found is not None
    assert found.done.cost <= 1.05 * best


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_of_what_is_taken_no_more_is_wrong_than_promised(alpha: float):
    found = cheapest(cases(5, 800), Silent(alpha, 60))
    assert found is not None
    assert found.done.silent <= alpha
    assert found.done.accepted > 400


def test_a_quality_that_no_rung_reaches_is_not_promised():
    assert cheapest([[Rung(0.5, False, 1)]] * 10, Quality(0.5)) is None


def test_equally_sure_answers_are_treated_alike():
    climbs = [[Rung(0.5, i % 2 == 0, 1.0)] for i in range(40)]
    found = cheapest(climbs, Silent(0.1, 10))
    assert found is not None
    assert found.done.accepted == 0


@given(st.integers(0, 50))
def test_the_frontier_tells_what_its_bars_do(seed: int):
    climbs = cases(seed, 30, (0.6, 0.8, 0.9))
    for ladder in frontier(climbs, Silent(0.1, 30)):
        assert ladder.done == done(climbs, ladder.bars, 30)


def test_what_may_not_be_taken_is_not_taken_though_the_promise_would_bear_it():
    climbs = [[Rung(REFUSED if n % 50 == 0 else 0.9, n % 50 != 0, 1.0)] for n in range(200)]
    found = cheapest(climbs, Silent(0.1, 100))
    assert found is not None
    assert found.done.accepted == 196


def test_the_bars_are_as_low_as_the_aim_bears():
    climbs = cases(9, 600)
    aim = Quality(0.9)
    found = cheapest(climbs, aim)
    assert found is not None
    assert aim.held_by(found.done)
    assert found.done.right <= 0.9 * len(climbs) + 4
