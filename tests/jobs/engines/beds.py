"""Engines to try things on: each with a job store, whose jobs it is handed."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from agentflow.connectors.sql import blocking, open_database
from agentflow.jobs.dispatch import Engine
from agentflow.jobs.engines.dbos import open_dbos
from agentflow.jobs.engines.inline import InlineEngine
from agentflow.jobs.engines.serving import Timing
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import Tenant
from agentflow.jobs.migrate import upgrade
from agentflow.jobs.tables import Job

KINDS = ("inline", "dbos-sqlite", "dbos-postgresql")
QUICK = Timing(poll=0.05, beat=0.2, dead=2.0, sweep=0.3, grace=0.5, pauses=(0.02, 0.02))


def _job(name: str, tenant: str) -> Job:
    return Job(
        id=new_id("job"),
        pack="toy",
        pack_version="1",
        input_name=name,
        input_sha256="0",
        input={},
        created_at=now(),
        tenant_id=tenant,
    )


class Bed:
    """An engine, and jobs to hand it."""

    def __init__(self, engine: Engine, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.engine = engine
        self.sessions = sessions
        self.started: list[str] = []
        self.ended: list[str] = []
        self.at_once = 0

    async def post(self, *names: str, tenant: str = "local", priority: int = 0) -> list[str]:
        """Stores jobs and hands them over in one transaction; their ids."""
        async with self.sessions.begin() as session:
            return [await self.submit(session, name, tenant, priority) for name in names]

    async def submit(self, session: AsyncSession, name: str, tenant: str = "local", priority: int = 0) -> str:
        """One job, stored and handed over in the session's transaction."""
        if await session.get(Tenant, tenant) is None:
            session.add(Tenant(id=tenant, name=tenant, created_at=now()))
            await session.flush()
        job = _job(name, tenant)
        session.add(job)
        await self.engine.submit(session, job.id, tenant, priority=priority)
        return job.id

    async def hand_over(self, name: str) -> str:
        """One more job of a tenant that is known, stored and handed over in a transaction of a thread's."""
        job = _job(name, "local")

        def handed(engine: Any) -> None:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                session.add(job)
                session.flush()
                self.engine.hand_over(session, job.id, job.tenant_id, pack=job.pack)

        async with blocking(self.sessions.kw["bind"]) as (engine, _):
            await asyncio.to_thread(handed, engine)
        return job.id

    async def run(self, job: str, work: Callable[[], Any] | None = None) -> None:
        """A `run_job` that ends its job, once `work` is done."""
        self.started.append(job)
        self.at_once = max(self.at_once, len(self.started) - len(self.ended))
        try:
            if work is not None:
                await work()
            await self.end(job)
        finally:
            self.ended.append(job)

    async def end(self, job: str) -> None:
        """As its own run would: the job is not wanted any more."""
        async with self.sessions.begin() as session:
            await session.execute(update(Job).where(Job.id == job).values(status="failed"))

    @property
    def times(self) -> Counter[str]:
        """How often each job was started."""
        return Counter(self.started)


@asynccontextmanager
async def open_bed(kind: str, url: str, **options: Any):
    """An engine of that kind on an empty job store."""
    async with open_database(url) as database:
        await upgrade(database)
        sessions = async_sessionmaker(database, expire_on_commit=False)
        if kind == "inline":
            yield Bed(InlineEngine(pauses=QUICK.pauses, grace=QUICK.grace, **options), sessions)
        else:
            async with open_dbos(url, packs=["toy"], timing=QUICK, **options) as engine:
                yield Bed(engine, sessions)


async def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Waits until something is so; fails where it does not come to be in time."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is told by no event
            await asyncio.sleep(0.01)
