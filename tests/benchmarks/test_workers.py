"""Workers that are killed, paused and cut off lose no job, and repeat at most the step under way."""

from pathlib import Path

import pytest

from tests.benchmarks.places import Place, open_place
from tests.benchmarks.workers import cut, embedded, kill, stop

JOBS, CONCURRENCY = 24, 6
RATES = ("seconds until", "orphans")
"""What a busy machine may miss, and what is there by chance."""


@pytest.fixture
async def place(postgres: str, tmp_path: Path):
    """An empty job database on PostgreSQL."""
    async with open_place(postgres, tmp_path / "place", step=0.05) as opened:
        yield opened


def missed(metrics: list) -> list[str]:
    return [m.name for m in metrics if m.ok is False and not any(rate in m.name for rate in RATES)]


async def test_a_worker_that_is_killed_loses_nothing(place: Place):
    assert missed(await kill(place, JOBS, CONCURRENCY)) == []


async def test_a_worker_that_is_paused_wakes_up_and_changes_nothing(place: Place):
    assert missed(await stop(place, JOBS, CONCURRENCY)) == []


async def test_a_worker_that_is_cut_off_the_database_comes_back_and_changes_nothing(place: Place):
    assert missed(await cut(place, JOBS, CONCURRENCY)) == []


async def test_an_embedded_worker_that_is_killed_takes_up_what_it_left(tmp_path: Path):
    async with open_place(f"sqlite:///{tmp_path / 'jobs.db'}", tmp_path / "place", step=0.05) as opened:
        assert missed(await embedded(opened, JOBS, CONCURRENCY)) == []
