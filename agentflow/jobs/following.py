"""Following a job: looking at it until it rests, and at its events as they happen."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import RequestError
from agentflow.jobs.store import Store
from agentflow.jobs.tables import ENDED, Job
from agentflow.jobs.telling.events import events_of
from agentflow.jobs.telling.tables import Outbox

RESTING = (*ENDED, "failed", "awaiting_review")
"""States in which a job goes on only when somebody asks for it."""
QUICKEST, SLOWEST = 0.02, 0.5
"""Seconds between two looks at a job that is waited for."""


async def look(store: Store, job: str, tenant: str, after: int | None = None) -> tuple[Job, Sequence[Outbox]]:
    """The job, and its events behind number `after`. Raises RequestError where the tenant has none of that id."""
    async with store.looking() as session:
        row = await job_of(session, job, tenant)
        return row, () if after is None else await events_of(session, job, after)


async def rest(store: Store, job: str, tenant: str, seconds: float | None = None) -> Job:
    """The job as soon as it rests, or as it is after `seconds`."""
    pause, until = QUICKEST, None if seconds is None else asyncio.get_running_loop().time() + seconds
    while True:
        row, _ = await look(store, job, tenant)
        late = until is not None and asyncio.get_running_loop().time() + pause > until
        if row.status in RESTING or late:
            return row
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, SLOWEST)


async def events(store: Store, job: str, tenant: str, after: int = 0) -> AsyncGenerator[Outbox]:
    """The job's events behind number `after`, as they happen, until it rests."""
    pause = QUICKEST
    while True:
        row, told = await look(store, job, tenant, after)
        for one in told:
            after, pause = one.number or 0, QUICKEST
            yield one
        if row.status in RESTING and after >= row.version:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, SLOWEST)


async def job_of(session: AsyncSession, job: str, tenant: str, *, lock: bool = False) -> Job:
    """A tenant's job. Raises RequestError where the tenant has none of that id, whoever else has."""
    query = select(Job).where(Job.id == job, Job.tenant_id == tenant)
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise RequestError("There is no such job.", code="not-found")
    return row
