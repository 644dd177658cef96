"""A small version of the chain benchmark, with fixed seeds."""

from xml.etree import ElementTree

import pytest

from tests.benchmarks.chain_exam import examined
from tests.benchmarks.chain_hanoi import moved, right_way, towers
from tests.benchmarks.chain_pairs import ALPHA, LENGTH, OVERLAPS, aided, alone, pair_of, two
from tests.benchmarks.chain_peers import ahead_by, follow
from tests.benchmarks.chain_picture import ROW, _apart, cascade
from tests.benchmarks.chain_side import overhead, ways
from tests.benchmarks.chain_steps import bounded, ceiling, reached
from tests.benchmarks.chain_stream import CHEAP, SURE, frontier, metrics
from tests.benchmarks.chain_world import SMALL, Errors, known_figures, twin

ERRORS = Errors(0.05, (0.6, 0.3, 0.1))
KNOWN = known_figures({SMALL: ERRORS})


@pytest.mark.parametrize("length", [10, 1000])
def test_one_source_comes_near_to_its_ceiling(length: int) -> None:
    assert reached(ERRORS, length, KNOWN, steps=300, seed=1).of_ceiling >= 0.98


def test_one_source_comes_near_to_its_ceiling_with_figures_of_an_exam() -> None:
    figures = examined({SMALL: ERRORS}, seed=1)
    assert reached(ERRORS, 100, figures, steps=200, seed=1).of_ceiling >= 0.98


def test_the_layer_asks_few_times_more_than_any_rule_must() -> None:
    assert bounded(ERRORS, 100, KNOWN, steps=300, seed=1).over_bound <= 1.2


def test_a_chain_that_nobody_stands_by_for_gives_no_step_up() -> None:
    assert two(alone(LENGTH), ERRORS, 0.3, known_figures(pair_of(ERRORS), 0.3), 300, 1).review == 0


def test_two_sources_go_beyond_what_one_can_reach() -> None:
    done = two(alone(LENGTH), ERRORS, 0.3, known_figures(pair_of(ERRORS), 0.3), 1_000, 1)
    assert done.right**LENGTH > ceiling(ERRORS, LENGTH)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_a_person_beside_keeps_silent_errors_below_alpha(overlap: float) -> None:
    errors = Errors(0.1, ERRORS.split)
    assert two(aided(), errors, overlap, known_figures(pair_of(errors), overlap), 500, 1).silent <= ALPHA


def test_votes_leave_what_a_source_always_gets_wrong() -> None:
    took = follow(ahead_by(2), twin({SMALL: ERRORS}), range(1_500))
    assert 0.002 < sum(t.silent for t in took) / len(took) < 0.01


def test_a_tower_is_moved_without_an_error_at_three_calls_a_move() -> None:
    (run,) = towers(7, 1)
    assert run.whole
    assert run.calls / run.moves <= 3.05


def test_the_right_moves_solve_the_towers() -> None:
    pegs = "AAAAA"
    for number in range(2**5 - 1):
        pegs = moved(pegs, right_way(pegs, number))
    assert pegs in ("BBBBB", "CCCCC")


def test_a_stream_needs_half_the_calls_of_fixed_votes_and_is_no_more_often_wrong() -> None:
    found = frontier(cases=1_200, labels=3_000, seed=1, alphas=(CHEAP, SURE))
    assert [metric.name for metric in metrics(found, 3_000) if metric.ok is False] == []


def test_what_the_layer_takes_of_the_processor_is_measured_apart_from_the_model() -> None:
    step, attempt, call = (metric.value for metric in overhead(200, 1))
    assert 0 < attempt < step
    assert call > 0


def test_the_picture_of_the_cascade_is_svg_and_carries_the_names_of_its_lines() -> None:
    words = "".join(ElementTree.fromstring(cascade(ways(200, 1))).itertext())
    for name in ("one call", "retry until", "best of 3", "one source", "two sources", "and a person"):
        assert name in words


def test_names_at_the_ends_of_lines_that_meet_stand_one_above_the_other():
    rows = [(100.0, ["a person"], "x"), (101.0, ["two", "sources"], "y"), (300.0, ["the most"], "z")]
    placed = {kind: y for y, _, kind in _apart(rows)}
    assert (placed["z"], placed["y"]) == (300.0, 101.0)
    assert placed["x"] + ROW <= placed["y"]
