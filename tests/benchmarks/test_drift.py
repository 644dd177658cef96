"""The drift benchmark measures at a small size."""

from tests.benchmarks.drift import CHECKED, WITHIN, drifting, found_after, is_accused, picture, quiet


def test_a_doubled_error_is_found_within_the_audits_allowed():
    assert all(found_after(CHECKED, seed, 0.10) <= WITHIN for seed in range(5))


def test_a_source_that_stays_as_it_is_is_left_alone():
    assert not any(is_accused(CHECKED, seed, 2000) for seed in range(5))


def test_the_picture_tells_found_and_accused():
    drawn = picture([quiet(CHECKED, 2, 1, 500), *drifting(CHECKED, 2, 1)])
    assert "to 10%" in drawn
    assert "as it was" in drawn
