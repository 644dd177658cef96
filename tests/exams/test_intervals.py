"""Intervals hold what they are of as often as they say, though runs hang together."""

import random

import pytest

from agentflow.engine.trust.figures import Rate
from agentflow.exams.intervals import NOTHING, beta_below, of_rate, quantile, ratio, share


def clustered(rng: random.Random, clusters: int, size: int, mean: float) -> list[tuple[str, float]]:
    """Rows of a cluster share their luck: Beta(mean * 3, (1 - mean) * 3)."""
    rows: list[tuple[str, float]] = []
    for number in range(clusters):
        p = rng.betavariate(3 * mean, 3 * (1 - mean))
        rows += [(str(number), float(rng.random() < p)) for _ in range(size)]
    return rows


@pytest.mark.parametrize("mean", [0.05, 0.4, 0.9])
def test_the_interval_of_a_share_holds_it_though_rows_are_clustered(mean: float):
    rng, held = random.Random(7), 0
    for _ in range(600):
        found = share(clustered(rng, 100, 5, mean))
        held += (found.low or 0) <= mean <= (found.high or 0)
    assert 0.925 <= held / 600 <= 0.98


def test_independent_rows_would_not_hold_it():
    rng, held = random.Random(1), 0
    for _ in range(400):
        rows = [(str(i), value) for i, (_, value) in enumerate(clustered(rng, 100, 5, 0.4))]
        found = share(rows)
        held += (found.low or 0) <= 0.4 <= (found.high or 0)
    assert held / 400 < 0.9


def test_no_error_in_a_hundred_cases_proves_no_better_than_three_and_a_half_in_a_hundred():
    found = share((str(i), 0.0) for i in range(100))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.037, abs=0.001)


def test_rows_that_all_agree_count_as_many_as_there_are_clusters():
    assert share((str(i % 10), 0.0) for i in range(1000)) == share((str(i), 0.0) for i in range(10))


def test_the_interval_of_a_ratio_holds_it():
    rng, held = random.Random(2), 0
    for _ in range(400):
        rows: list[tuple[str, float, float]] = []
        for number in range(80):
            right = rng.random() < 0.7
            rows += [(str(number), rng.expovariate(1.0), float(right)) for _ in range(3)]
        found = ratio(rows)
        held += (found.low or 0) <= 1 / 0.7 <= (found.high or 0)
    assert 0.91 <= held / 400 <= 0.99


def test_the_interval_of_a_quantile_holds_it():
    rng, held = random.Random(3), 0
    for _ in range(400):
        rows = [
            (str(number), luck + rng.random()) for number in range(100) for luck in [rng.random()] for _ in range(4)
        ]
        found = quantile(rows, 0.5)
        held += (found.low or 0) <= 1.0 <= (found.high or 0)
    assert 0.9 <= held / 400 <= 0.99


def test_nothing_seen_is_no_estimate():
    assert share([]) == ratio([]) == quantile([], 0.5) == NOTHING


@pytest.mark.parametrize(("hits", "misses"), [(0.5, 9.5), (3, 40), (200, 9), (5000, 5000), (1, 1)])
def test_the_interval_of_a_counted_rate_is_the_middle_of_its_beta_law(hits: float, misses: float):
    rng = random.Random(1)
    drawn = sorted(rng.betavariate(hits, misses) for _ in range(20_000))
    found = of_rate(Rate(hits=hits, misses=misses))
    assert found.low == pytest.approx(drawn[500], abs=0.006)
    assert found.high == pytest.approx(drawn[-501], abs=0.006)


def test_the_beta_law_of_one_and_one_is_even():
    assert beta_below(0.3, 1, 1) == pytest.approx(0.3)
