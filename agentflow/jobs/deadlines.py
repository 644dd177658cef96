"""Deadlines of jobs: a sweeper ends what is past its own, whoever carries it and where nobody does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import ColumnElement, select

from agentflow.jobs.dispatch import Engine
from agentflow.jobs.ending import end_free
from agentflow.jobs.engines.serving import again_and_again, stopped
from agentflow.jobs.ids import now
from agentflow.jobs.store import Store
from agentflow.jobs.tables import OPEN, Job

EVERY = 1.0
"""Seconds between two looks."""
AT_ONCE = 100


@asynccontextmanager
async def sweeping(store: Store, engine: Engine, every: float = EVERY) -> AsyncGenerator[None]:
    """Ends overdue jobs while the block lasts; any number of processes may do so on one database."""

    async def look() -> None:
        while await sweep(store, engine) == AT_ONCE:
            pass

    task = asyncio.create_task(again_and_again(look, every))
    try:
        yield
    finally:
        await stopped(task)


async def sweep(store: Store, engine: Engine) -> int:
    """Ends the jobs whose deadline has passed, free of charge; how many, at most `AT_ONCE`.

    One that was begun is handed over once more: whoever is handed an ended job deletes its checkpoints.
    """
    async with store.looking() as session:
        if await session.scalar(select(Job.id).where(*_overdue()).limit(1)) is None:
            return 0
    async with store.writing() as session:
        due = select(Job).where(*_overdue()).order_by(Job.deadline_at).limit(AT_ONCE)
        jobs = (await session.scalars(due.with_for_update(skip_locked=True))).all()
        for job in jobs:
            begun = job.fence > 0
            await session.run_sync(end_free, job, "expired")
            if begun:
                await engine.submit(session, job.id, job.tenant_id)
        return len(jobs)


def _overdue() -> tuple[ColumnElement[bool], ...]:
    return (Job.status.in_(OPEN), Job.deadline_at <= now())
