"""The trust benchmark measures at a small size."""

from tests.benchmarks.trust import covered, decided, fakes, spent, twin


def test_decisions_and_steps_are_measured():
    assert decided(30) > 0
    assert spent(fakes(), 5) > 0
    assert spent(twin(1), 5) > 0


def test_an_exams_intervals_hold_the_rates_that_it_was_drawn_by():
    assert min(metric.value for metric in covered(8, 1)) >= 0.6
