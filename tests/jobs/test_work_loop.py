"""A worker does with a job what its state asks for, however often it is handed over."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.connectors.sql import open_database
from agentflow.jobs import work
from agentflow.jobs.opening import open_runner
from agentflow.jobs.tables import Job
from tests.engine.toy import Order
from tests.jobs.test_runner import pack


async def test_a_job_that_failed_stays_failed(tmp_path: Path):
    told: list[Job] = []
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
        await runner.store.fail(job.id)
        await work.carrying(runner.store, {"toy": runner}, told.append)(job.id)
        assert (await runner.run(job.id)).status == "finished"
    assert told == []


async def test_a_job_is_carried_by_the_runner_of_its_pack(tmp_path: Path):
    told: list[Job] = []
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
        await work.carrying(runner.store, {"toy": runner}, told.append)(job.id)
    assert [job.outcome for job in told] == ["Posted"]


async def test_a_job_that_takes_its_workers_down_fails_at_last(tmp_path: Path):
    told: list[Job] = []
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
        async with open_database(f"sqlite:///{tmp_path / 'agentflow.db'}") as engine, AsyncSession(engine) as session:
            await session.execute(text("UPDATE job SET status = 'running', fence = :most"), {"most": work.MOST_RUNS})
            await session.commit()
        await work.carrying(runner.store, {"toy": runner}, told.append)(job.id)
    assert [(job.status, job.price_minor) for job in told] == [("failed", 0)]
    assert "never came to an end" in told[0].problems[0]["message"]
