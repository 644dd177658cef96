"""What every engine keeps to, whichever carries the jobs."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from agentflow.jobs.tables import Job
from tests.jobs.engines.beds import KINDS, open_bed, until


@pytest.fixture(params=KINDS)
def bed(request: pytest.FixtureRequest, tmp_path: Path):
    """Opens an engine of each kind in turn."""
    kind = request.param
    url = request.getfixturevalue("postgres") if kind.endswith("postgresql") else f"sqlite:///{tmp_path / 'jobs.db'}"
    return lambda **options: open_bed(kind, url, **options)


async def test_a_job_that_is_handed_over_is_run(bed):
    async with bed() as b:
        [early] = await b.post("early")
        async with b.engine.serve(b.run, concurrency=2):
            await until(lambda: b.ended == [early])
            [late] = await b.post("late")
            await until(lambda: b.ended == [early, late])


async def test_a_job_that_a_thread_hands_over_is_run(bed):
    async with bed() as b, b.engine.serve(b.run, concurrency=2):
        await b.post("first")
        late = await b.hand_over("late")
        await until(lambda: late in b.ended)


async def test_the_same_id_twice_is_one(bed):
    async with bed() as b:
        async with b.sessions.begin() as session:
            job = await b.submit(session, "a")
            await b.engine.submit(session, job, "local")
        async with b.sessions.begin() as session:
            await b.engine.submit(session, job, "local")
        async with b.engine.serve(b.run, concurrency=2):
            await until(lambda: job in b.ended)
            [last] = await b.post("last")
            await until(lambda: last in b.ended)
    assert b.times[job] == 1


async def test_what_is_handed_over_while_it_runs_is_run_once_more(bed):
    async with bed() as b:
        [job] = await b.post("a")

        async def answered() -> None:
            async with b.sessions.begin() as session:
                await session.execute(update(Job).where(Job.id == job).values(fence=Job.fence + 1))
                if b.times[job] == 1:
                    await b.engine.submit(session, job, "local")

        async with b.engine.serve(lambda job: b.run(job, answered), concurrency=2):
            await until(lambda: b.ended == [job, job])


async def test_what_the_caller_rolls_back_was_never_handed_over(bed):
    async with bed() as b:
        async with b.sessions() as session:
            undone = await b.submit(session, "undone")
            await session.rollback()
            kept = await b.submit(session, "kept")
            await session.commit()
        assert (await b.engine.stats()).waiting == 1
        async with b.engine.serve(b.run, concurrency=2):
            await until(lambda: kept in b.ended)
    assert undone not in b.started


async def test_no_more_run_at_once_than_told(bed):
    async with bed() as b:
        jobs = await b.post(*"abcdefgh")
        async with b.engine.serve(lambda job: b.run(job, lambda: asyncio.sleep(0.05)), concurrency=3):
            await until(lambda: sorted(b.ended) == sorted(jobs))
    assert 1 <= b.at_once <= 3


async def test_a_cancelled_job_is_not_started(bed):
    async with bed() as b:
        gone, stays = await b.post("gone", "stays")
        await b.engine.cancel(gone)
        await b.end(gone)
        async with b.engine.serve(b.run, concurrency=2):
            await until(lambda: stays in b.ended)
    assert b.started == [stays]


async def test_a_run_that_breaks_off_is_tried_again(bed):
    async def breaks_twice(job: str) -> None:
        if b.times[job] < 2:
            b.started.append(job)
            raise OSError("the disk is full")
        await b.run(job)

    async with bed() as b:
        [job] = await b.post("a")
        async with b.engine.serve(breaks_twice, concurrency=2):
            await until(lambda: job in b.ended)
    assert b.times[job] == 3


async def test_a_job_whose_tries_are_used_up_is_not_lost(bed):
    async def breaks_often(job: str) -> None:
        if b.times[job] < 7:
            b.started.append(job)
            raise OSError("the disk is full")
        await b.run(job)

    async with bed() as b:
        [job] = await b.post("a")
        async with b.engine.serve(breaks_often, concurrency=2):
            await until(lambda: job in b.ended)
    assert b.times[job] == 8


async def test_one_tenants_crowd_does_not_keep_another_waiting(bed):
    async with bed(tenant_share=2) as b:
        crowd = set(await b.post(*map(str, range(12)), tenant="big"))
        go = asyncio.Event()

        async def work(job: str) -> None:
            await b.run(job, go.wait if job in crowd else None)

        async with b.engine.serve(work, concurrency=3):
            await until(lambda: len(b.started) == 2)
            [other] = await b.post("other", tenant="small")
            await until(lambda: other in b.ended)
            assert len(crowd & set(b.started)) == 2
            go.set()
            await until(lambda: crowd <= set(b.ended))


async def test_what_a_tenant_wants_most_starts_first(bed):
    async with bed() as b:
        [low] = await b.post("low")
        [high] = await b.post("high", priority=5)
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: len(b.ended) == 2)
    assert b.started == [high, low]


async def test_at_the_end_what_is_under_way_is_finished(bed):
    async with bed() as b:
        [job] = await b.post("a")
        async with b.engine.serve(lambda job: b.run(job, lambda: asyncio.sleep(0.2)), concurrency=1):
            await until(lambda: b.started == [job])
        assert b.ended == [job]
        assert (await b.engine.stats()).running == 0


async def test_at_the_end_what_takes_too_long_is_handed_back(bed):
    async with bed() as b:
        [job] = await b.post("a")
        async with b.engine.serve(lambda job: b.run(job, lambda: asyncio.sleep(60)), concurrency=1):
            await until(lambda: b.started == [job])
        stats = await b.engine.stats()
        assert (stats.waiting, stats.running, stats.workers) == (1, 0, 0)
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: b.ended == [job, job])


async def test_it_says_how_it_stands(bed):
    async with bed() as b:
        await b.post("a", "b", "c")
        assert (await b.engine.stats()).waiting == 3
        go = asyncio.Event()
        async with b.engine.serve(lambda job: b.run(job, go.wait), concurrency=2):
            await until(lambda: len(b.started) == 2)
            stats = await b.engine.stats()
            go.set()
        assert (stats.waiting, stats.running, stats.workers) == (1, 2, 1)
