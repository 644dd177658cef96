"""A small version of the chain benchmark, with fixed seeds."""

from tests.benchmarks.chain_peers import ahead_by, follow
from tests.benchmarks.chain_steps import LOST, one_source, removable
from tests.benchmarks.chain_world import SMALL, Errors, twin

ERRORS = Errors(0.05, (0.6, 0.3, 0.1))


def test_one_source_comes_near_to_its_ceiling() -> None:
    row = one_source(ERRORS, 100, LOST, removable(ERRORS), steps=400, seed=1)
    assert row.of_ceiling >= 0.98


def test_the_layer_asks_few_times_more_than_any_rule_must() -> None:
    row = one_source(ERRORS, 100, 0.05, removable(ERRORS), steps=400, seed=1)
    assert row.calls / row.bound(0.05) <= 1.2


def test_votes_leave_what_a_source_always_gets_wrong() -> None:
    took = follow(ahead_by(2), twin({SMALL: ERRORS}), range(2_000))
    assert 0.002 < sum(t.silent for t in took) / 2_000 < 0.009
