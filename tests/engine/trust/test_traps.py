"""Systematic mistakes fall on sources one by one at their rates, and together as often as they share them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow.engine.trust.traps import Ways, given_bins, ways

falling = st.lists(st.just(0.0) | st.floats(1e-6, 0.5), min_size=1, max_size=4).map(
    lambda each: sorted(each, reverse=True)
)


def rate(found: Ways, *places: int) -> float:
    """How often all of these sources make the same mistake; one alone, any."""
    return sum(p for p, way in found if way[places[0]] >= 0 and len({way[place] for place in places}) == 1)


@given(falling, st.floats(0.0, 1.0))
def test_the_ways_are_all_that_can_happen(rates: list[float], share: float):
    found = ways(rates, [[share] * len(rates)] * len(rates))
    assert sum(p for p, _ in found) == pytest.approx(1.0)


@given(st.floats(0.01, 0.5), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_two_sources_err_at_their_rates_and_share_what_they_share(first: float, part: float, share: float):
    rates = [first, first * part]
    found = ways(rates, [[1.0, share], [share, 1.0]])
    assert [rate(found, 0), rate(found, 1)] == pytest.approx(rates)
    assert rate(found, 0, 1) == pytest.approx(first * min(share, part))


@given(falling)
def test_where_nothing_is_shared_sources_err_independently(rates: list[float]):
    found = ways(rates, [[0.0] * len(rates)] * len(rates))
    for place, each in enumerate(rates):
        assert rate(found, place) == pytest.approx(each)
    clear = sum(p for p, way in found if set(way) == {-1})
    expected = 1.0
    for each in rates:
        expected *= 1 - each
    assert clear == pytest.approx(expected)


@given(falling, st.floats(0.0, 1.0), st.floats(0.0, 0.9))
def test_a_source_that_is_so_sure_errs_at_the_rate_of_its_bin(rates: list[float], share: float, sure: float):
    if not 0 < rates[0] < 1:
        return
    found = given_bins(ways(rates, [[share] * len(rates)] * len(rates)), rates, [sure, *rates[1:]])
    assert sum(p for p, _ in found) == pytest.approx(1.0)
    assert rate(found, 0) == pytest.approx(sure, abs=1e-9)
