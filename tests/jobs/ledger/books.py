"""A ledger to try things on: a pack's terms, and jobs that end as told."""

from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from agentflow import Pack, Price
from agentflow.connectors.sql import open_database
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.tables import PriceList, Verification
from agentflow.jobs.store import Store, open_store
from agentflow.jobs.tables import Job
from tests.engine.toy import Posted, Refused, toy

PRICE, LESS = 40, 5


def pack(posted: str = "0.40") -> Pack:
    """Posted costs 0.40 USD, Refused 0.05."""
    return Pack(name="toy", workflow=toy(), prices={Posted: Price(posted), Refused: Price("0.05")})


class Books:
    """A store, its sessions, and the terms of the toy pack."""

    def __init__(self, store: Store, sessions: async_sessionmaker[AsyncSession], terms: PriceList) -> None:
        self.store = store
        self.sessions = sessions
        self.terms = terms

    @property
    def engine(self) -> AsyncEngine:
        """Of the database."""
        return self.sessions.kw["bind"]

    async def accepted(self, name: str = "a", tenant: str = "local") -> Job:
        """A job that was accepted and is under way."""
        job = Job(
            id=new_id("job"),
            pack="toy",
            pack_version="1",
            input_name=name,
            input_sha256="0",
            input={},
            created_at=now(),
            tenant_id=tenant,
            price_list_id=self.terms.id,
        )
        return await self.store.submit(job)

    async def finished(self, name: str = "a", tenant: str = "local", verdict: str = "pass") -> Job:
        """A job that ended as Posted."""
        job = await self.accepted(name, tenant)
        return await self.store.finish(job.id, verification(job, verdict=verdict), result={}, output={})

    async def faults(self) -> list[str]:
        """What the audit finds."""
        async with self.sessions() as session:
            return [fault.rule for fault in await audit(session)]


@asynccontextmanager
async def open_books(url: str):
    """A fresh ledger."""
    async with open_store(url) as store, open_database(url) as engine:
        await store.accept(pack(), "acme")
        terms = await store.accept(pack())
        yield Books(store, async_sessionmaker(engine, expire_on_commit=False), terms)


def verification(job: Job, verdict: str = "pass", outcome: str = "Posted") -> Verification:
    """What was found of the job."""
    return Verification(
        id=new_id("vf"),
        job_id=job.id,
        tenant_id=job.tenant_id,
        outcome=outcome,
        verdict=verdict,
        fault="none" if verdict == "pass" else "operator",
        checks=[],
        sources=[],
        pack_version="1",
        input_sha256="0",
        output_sha256="0",
        created_at=now(),
    )
