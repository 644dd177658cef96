"""Which further answers are bought: the cheapest that could do, and none that could not."""

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.engine.trust.buying import Need, cheapest, first_of, spared
from agentflow.engine.trust.law import Law, Pattern, Verdict, agreeing, weigh
from tests.engine.trust.worlds import TRUTH, Source, World, buy, pattern_of_answers

LADDER = ("small", "large")
PRICES = (1.0, 10.0)
PLENTY = (5, 5)


SMALL, LARGE = Source(0.01, 0.1), Source(0.005, 0.02)


def law(small: Source = SMALL, large: Source = LARGE, overlap: float = 0.0) -> Law:
    return World({"small": small, "large": large}, overlap, wrong=4).law()


def need(found: Law, bar: float, **said: list[int]) -> Need:
    return Need(found, pattern_of_answers(found, said)[1], bar)


def after(need: Need, votes: tuple[int, ...], value: int) -> float:
    """Trust in a value that all further answers give."""
    placed = [0] * len(need.law.sources)
    for name, count in zip(LADDER, votes, strict=True):
        placed[need.law.places[name]] = count
    return weigh(need.law, agreeing(need.law, need.pattern, value, tuple(placed)))[value]


@given(
    slips=st.tuples(st.floats(0.01, 0.3), st.floats(0.01, 0.3)),
    stuck=st.tuples(st.floats(0.0, 0.05), st.floats(0.0, 0.05)),
    bar=st.floats(0.9, 0.9999),
    said=st.lists(st.integers(0, 1), max_size=2),
    left=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_no_dearer_answers_are_bought_than_would_do(
    slips: tuple[float, float],
    stuck: tuple[float, float],
    bar: float,
    said: list[int],
    left: tuple[int, int],
):
    found = law(Source(stuck[0], slips[0]), Source(stuck[1], slips[1]))
    wanted = need(found, bar, small=said)
    likely = [value for value, each in enumerate(weigh(found, wanted.pattern)) if each >= 0.05]
    fresh = [len(wanted.pattern.counts)] if 1 - sum(weigh(found, wanted.pattern)) >= 0.05 else []
    every = [v for v in product(range(left[0] + 1), range(left[1] + 1)) if any(v)]
    enough = [v for v in every if any(after(wanted, v, value) >= bar for value in [*likely, *fresh])]
    bought = cheapest((wanted,), LADDER, left, PRICES)
    if not enough:
        assert bought is None
    else:
        assert bought in enough
        assert _cost(bought) == min(map(_cost, enough))


def _cost(votes: tuple[int, ...]) -> float:
    return sum(n * price for n, price in zip(votes, PRICES, strict=True))


def test_votes_of_a_cheap_source_are_bought_before_a_dear_one_where_they_do():
    assert cheapest((need(law(), 0.97),), LADDER, PLENTY, PRICES) == (2, 0)


def test_what_one_source_can_never_reach_takes_another():
    assert cheapest((need(law(), 0.9995),), LADDER, PLENTY, PRICES) == (2, 1)


def test_nothing_is_bought_where_no_answers_could_do():
    assert cheapest((need(law(), 1 - 1e-9),), LADDER, PLENTY, PRICES) is None
    assert cheapest((need(law(), 0.9),), LADDER, (0, 0), PRICES) is None


def test_where_sources_share_all_mistakes_the_second_is_not_bought_in_vain():
    stuck = Source(0.01, 0.001)
    assert cheapest((need(law(stuck, stuck, overlap=1.0), 0.9999),), LADDER, PLENTY, PRICES) is None
    assert cheapest((need(law(stuck, stuck, overlap=0.0), 0.9999),), LADDER, PLENTY, PRICES) is not None


def test_a_value_that_a_check_blocks_is_not_worth_answers():
    found = law()
    blocked = Pattern(((1, 0),), (Verdict(1.0, 1.0, blocked=True),), -1, (0, 0))
    votes = cheapest((Need(found, blocked, 0.97),), LADDER, PLENTY, PRICES)
    assert votes is None or votes != (1, 0)


def test_the_answers_meet_the_needs_of_all_fields():
    easy, hard = need(law(), 0.9, small=[0]), need(law(), 0.98, small=[0, 1])
    assert cheapest((easy,), LADDER, PLENTY, PRICES) == (1, 0)
    both = cheapest((easy, hard), LADDER, PLENTY, PRICES)
    assert both == cheapest((hard,), LADDER, PLENTY, PRICES) != (1, 0)


def test_the_cheapest_of_the_answers_is_asked_for_first():
    assert first_of((2, 1), PRICES) == 0
    assert first_of((0, 1), PRICES) == 1
    assert first_of((1, 1), (3.0, 2.0)) == 1


@given(slip=st.floats(0.005, 0.2), alpha=st.floats(0.001, 0.1))
def test_a_pooled_alpha_is_the_mean_of_what_stays_and_what_goes_on(slip: float, alpha: float):
    found = law(Source(0.0, slip), Source(0.0, 0.01))
    wanted = need(found, 1 - alpha, small=[0])
    share = spared(wanted, "small")
    doubt = 1 - weigh(found, wanted.pattern)[0]
    assert 0 <= share < 1
    if share:
        agree = (1 - doubt) * (1 - slip)
        later = agree * min(1 - after(wanted, (1, 0), 0), alpha) + (1 - agree) * alpha
        assert share * doubt + (1 - share) * later == pytest.approx(alpha)


def test_nothing_is_spared_where_the_next_answer_leaves_as_much_doubt():
    wanted = need(law(Source(0.3, 0.0), Source(0.3, 0.0), overlap=1.0), 0.9, small=[0])
    assert spared(wanted, "small") == 0


def test_a_pooled_alpha_holds_for_the_mean_of_cases_and_saves_answers():
    """One source whose second answer makes a case far surer than promised; four standard deviations of the count."""
    alpha, cases = 0.02, 8_000
    world = World({"small": Source(0.0, 0.05), "large": Source(0.0, 0.01)}, wrong=4)
    found, rng = world.law(), random.Random(3)
    errors, calls = {True: 0, False: 0}, {True: 0, False: 0}
    for pooled in (True, False):
        for _ in range(cases):
            done = buy(world.case(rng), rng, found, alpha, prices={"small": 1.0, "large": 10.0}, pooled=pooled)
            errors[pooled] += done.value != TRUTH
            calls[pooled] += sum(done.calls)
    assert errors[True] <= alpha * cases + 4 * (alpha * cases) ** 0.5
    assert errors[True] > 2 * errors[False]
    assert calls[True] < 0.9 * calls[False]
