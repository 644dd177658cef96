"""A run that is killed at random moments ends every input once, with one posting each."""

from pathlib import Path

from tests.benchmarks.resume import measure


def test_a_killed_run_loses_and_repeats_nothing(tmp_path: Path):
    metrics = measure(tmp_path, kills=3, seed=7, limit=22)
    assert [metric.name for metric in metrics if metric.ok is False] == []
