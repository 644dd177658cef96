"""What is DBOS's own business: who is dead, what is left over, and that it keeps out of the way."""

import asyncio
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from agentflow.errors import ConfigError, RunError
from agentflow.jobs.engines.dbos import open_dbos
from agentflow.jobs.tables import Job, Worker
from tests.jobs.engines.beds import open_bed, until


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A fresh SQLite file."""
    return f"sqlite:///{tmp_path / 'jobs.db'}"


async def test_what_a_dead_worker_owned_goes_to_a_live_one(postgres: str):
    async with open_bed("dbos-postgresql", postgres) as b:
        [job] = await b.post("a")
        async with b.engine.serve(b.run, concurrency=1):
            async with b.sessions.begin() as session:
                session.add(Worker(id="dead", beat_at=func.timezone("UTC", func.now()) - timedelta(minutes=1)))
                await session.execute(text("UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'dead'"))
            await until(lambda: job in b.ended)


async def test_what_a_worker_without_a_sign_of_life_owned_goes_to_a_live_one(postgres: str):
    async with open_bed("dbos-postgresql", postgres) as b:
        [job] = await b.post("a")
        async with b.sessions.begin() as session:
            await session.execute(text("UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = 'unknown'"))
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: job in b.ended)


async def test_what_an_embedded_worker_left_is_taken_up_when_it_starts_again(url: str):
    async with open_bed("dbos-sqlite", url) as b:
        [job] = await b.post("a")
        async with b.sessions.begin() as session:
            await session.execute(text("UPDATE workflow_status SET status = 'PENDING', executor_id = 'local'"))
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: job in b.ended)


async def test_a_job_that_waits_again_after_it_was_run_is_handed_over_anew(url: str):
    async with open_bed("dbos-sqlite", url) as b:
        [job] = await b.post("a")
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: b.ended == [job])
            async with b.sessions.begin() as session:
                await session.execute(update(Job).values(status="queued", fence=Job.fence + 1))
                await b.engine.submit(session, job, "local")
            await until(lambda: b.ended == [job, job])


async def test_nothing_is_kept_of_jobs_that_have_ended(url: str):
    async with open_bed("dbos-sqlite", url) as b:
        [job] = await b.post("a")
        async with b.engine.serve(b.run, concurrency=1):
            await until(lambda: b.ended == [job])
            async with asyncio.timeout(30):
                while await count(b, "workflow_status"):  # noqa: ASYNC110 - the sweep tells nobody
                    await asyncio.sleep(0.05)
        assert await count(b, "workflow_input") == 0


async def test_nothing_but_the_jobs_id_is_handed_over(url: str):
    async with open_bed("dbos-sqlite", url) as b:
        [job] = await b.post("a")
        async with b.sessions() as session:
            [stored] = (await session.scalars(text("SELECT inputs FROM workflow_input"))).all()
    assert json.loads(stored) == {"positionalArgs": [job], "namedArgs": {}}


async def test_a_job_that_is_not_stored_is_not_handed_over(url: str):
    async with open_bed("dbos-sqlite", url) as b:
        with pytest.raises(RunError, match="no job job_x"):
            async with b.sessions.begin() as session:
                await b.engine.submit(session, "job_x", "local")


async def test_a_worker_without_packs_is_told_what_is_missing(url: str):
    async with open_dbos(url) as engine:
        with pytest.raises(ConfigError, match="which packs"):
            async with engine.serve(asyncio.sleep, concurrency=1):  # pragma: no cover
                pass


def test_the_command_loads_dbos_only_where_it_is_needed():
    code = "import agentflow.cli.run, agentflow.jobs.engines.dbos, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "dbos" not in loaded


async def count(bed, table: str) -> int:
    async with bed.sessions() as session:
        return await session.scalar(select(func.count()).select_from(text(table)))
