"""The ladder benchmark measures at a small size."""

import pytest

from tests.benchmarks.ladder import WORLDS, measure, metrics
from tests.benchmarks.ladder_picture import drawn


@pytest.fixture(scope="module")
def found():
    return measure(WORLDS[0], 300, 500, 1)


def test_a_tuned_ladder_costs_a_fraction_of_the_dearest_model(found):
    assert found.oracle < found.cost < 0.5
    assert found.right > found.strong - 0.05


def test_the_picture_and_the_metrics_tell_it(found):
    assert "always-strong" in drawn({"AUC .95": found.curve}, found.strong, found.oracle)
    assert sum(metric.bar is not None for metric in metrics(found, bar=True)) == 1
