"""The drift benchmark measures at a small size."""

from tests.benchmarks.drift import (
    CHECKED,
    LIVE,
    WITHIN,
    drifting,
    found_after,
    is_accused,
    is_accused_live,
    is_found_live,
    lived,
    picture,
    quiet,
)


def test_a_doubled_error_is_found_within_the_audits_allowed():
    assert all(found_after(CHECKED, seed, 0.10) <= WITHIN for seed in range(5))


def test_a_source_that_stays_as_it_is_is_left_alone():
    assert not any(is_accused(CHECKED, seed, 2000) for seed in range(5))


def test_the_picture_tells_found_and_accused():
    drawn = picture([quiet(CHECKED, 2, 1, 500), *drifting(CHECKED, 2, 1)])
    assert "to 10%" in drawn
    assert "as it was" in drawn


def test_audits_and_checks_together_leave_a_live_source_alone_that_stays_as_it_is():
    assert not any(is_accused_live(world, seed, 3000) for world in LIVE for seed in range(3))


def test_a_doubled_error_of_a_settled_live_source_is_found():
    assert sum(is_found_live(CHECKED, seed, 0.10, 8000) for seed in range(4)) >= 3


def test_the_false_demotions_of_live_sources_are_held_against_the_bar():
    rows = lived(1, 1, 500)
    assert [row.bar for row in rows] == [0.05] * len(LIVE) + [0.90, None]
