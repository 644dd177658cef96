"""A roster gives each answer a number once, and knows whom to come back to, and when."""

import pytest

from agentflow.engine.roster import LONGEST_WAIT, Roster
from agentflow.engine.trust import Attempt


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def away(source: str = "a", seconds: float = 0.0) -> Attempt:
    return Attempt(source, None, fault="model_unreachable", away=seconds)


def test_each_answer_has_a_number_of_its_own(clock: Clock):
    roster = Roster({"a": 3, "b": 1}, 60, clock)
    assert [roster.variant("a"), roster.variant("a"), roster.variant("b")] == [0, 1, 0]
    assert (roster.left("a"), roster.left("b")) == (1, 0)


def test_a_number_that_brought_no_answer_is_given_out_again_and_no_other(clock: Clock):
    roster = Roster({"a": 9}, 60, clock)
    first, second, third = (roster.variant("a") for _ in range(3))
    roster.note(away(), second)
    assert roster.answered("a") == 2
    assert {first, third, roster.variant("a"), roster.variant("a")} == {0, 1, 2, 3}


def test_who_is_away_is_not_asked_before_the_wait_and_may_be_after_it(clock: Clock):
    roster = Roster({"a": 2}, 60, clock)
    roster.note(away(seconds=7), roster.variant("a"))
    assert (roster.left("a"), roster.ever("a")) == (0, 2)
    assert roster.pause(["a"]) == 7
    clock.now += 7
    roster.back(7)
    assert roster.left("a") == 2


def test_the_waits_grow_and_are_spread_by_chance(clock: Clock):
    roster, waits = Roster({"a": 2}, 10**6, clock), []
    for _ in range(9):
        roster.note(away(), roster.variant("a"))
        waits.append(roster.pause(["a"]) or 0.0)
        clock.now += waits[-1]
        roster.back(waits[-1])
    assert all(0.5 * most <= wait <= most for wait, most in zip(waits, (1, 2, 4, 8, 16), strict=False))
    assert max(waits) <= LONGEST_WAIT


def test_an_answer_makes_the_next_wait_short_again(clock: Clock):
    roster = Roster({"a": 5}, 10**6, clock)
    for _ in range(4):
        roster.note(away(), roster.variant("a"))
    roster.note(Attempt("a", object()), roster.variant("a"))
    assert not roster.is_away("a")
    roster.note(away(), roster.variant("a"))
    assert roster.is_away("a")


def test_patience_is_used_up_by_waiting(clock: Clock):
    roster = Roster({"a": 2}, 10, clock)
    roster.note(away(seconds=6), roster.variant("a"))
    clock.now += 6
    roster.back(6)
    roster.note(away(seconds=6), roster.variant("a"))
    assert roster.pause(["a"]) is None


def test_nobody_is_waited_for_who_has_answered_as_often_as_he_may(clock: Clock):
    roster = Roster({"a": 1, "b": 1}, 60, clock)
    one, two = roster.variant("a"), roster.variant("b")
    roster.note(away(), one)
    roster.drop("a")
    roster.note(Attempt("b", object()), two)
    assert roster.pause(["a", "b"]) is None


def test_a_clock_that_lags_behind_a_wait_keeps_nobody_away_for_ever(clock: Clock):
    roster = Roster({"a": 2}, 60, clock)
    roster.note(away(seconds=5), roster.variant("a"))
    clock.now += 4.99
    roster.back(5)
    assert roster.left("a") == 2
