"""The bars of the benchmark hold at a small size."""

from tests.benchmarks.faults import measure


def test_an_outage_is_not_multiplied_and_stragglers_are_overtaken():
    metrics, picture = measure(repeats=1, jobs=500, seed=1, loads=(95,))
    assert [metric.name for metric in metrics if metric.ok is False] == []
    found = {metric.name: metric.value for metric in metrics}
    assert found["sends a request at 95 of 100/s, jitter alone"] > 2
    assert picture.startswith("<svg")
