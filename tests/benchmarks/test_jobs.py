"""Every scenario of the benchmark of jobs runs, and finds what no busy machine can change."""

from pathlib import Path

import pytest

from tests.benchmarks.jobs import A_JOB, TINY, measure


@pytest.fixture
async def figures(tmp_path: Path, request: pytest.FixtureRequest):
    """Of one scenario, on SQLite."""
    return {metric.name: metric for metric in await measure(tmp_path, None, TINY, [request.param])}


@pytest.mark.parametrize("figures", ["submit"], indirect=True)
async def test_every_request_to_a_real_server_is_accepted(figures):
    assert figures["submit, SQLite: requests/s"].value > 0


@pytest.mark.parametrize("figures", ["waits"], indirect=True)
async def test_jobs_that_wait_for_their_models_keep_memory_bounded(figures):
    assert figures["8 jobs of ten waits, SQLite: MB resident at most"].ok


@pytest.mark.parametrize("figures", ["overhead"], indirect=True)
async def test_both_sides_of_the_overhead_are_measured(figures):
    assert figures["overhead, SQLite: processor a step, ours / LangGraph's"].value > 0


@pytest.mark.parametrize("figures", ["bytes"], indirect=True)
async def test_what_a_job_leaves_is_bounded_and_holds_no_checkpoints(figures):
    assert 0 < figures["bytes a ten-step job leaves, SQLite"].value <= A_JOB
    assert "bytes a job in checkpoints, SQLite" not in figures


@pytest.mark.parametrize("figures", ["soak"], indirect=True)
async def test_a_soak_ends_with_every_job_done(figures):
    assert figures["soak of 40, SQLite: ms of processor a job, median slice"].value > 0
