"""The job store: jobs, their effects, model calls and attempts, in any SQL database."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, or_, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from agentflow.connectors.sql import blocking, open_database, reading
from agentflow.connectors.sqlite import compact
from agentflow.errors import LedgerError
from agentflow.flow.pack import Pack
from agentflow.jobs import transitions
from agentflow.jobs.entering import enter
from agentflow.jobs.journal import MICROS, JobJournal, unbroken
from agentflow.jobs.ledger.prices import dearest, publish
from agentflow.jobs.ledger.tables import PriceList, Verification
from agentflow.jobs.migrate import upgrade
from agentflow.jobs.tables import LOCAL, Attempt, Cost, Job, Status

T = TypeVar("T")
THREADS = 4
"""In which transactions run as a whole, on a server; on SQLite it is one."""


@dataclass(frozen=True)
class Threads:
    """Where transactions run as a whole."""

    engine: Engine
    singly: Engine
    """For statements each of which is a transaction by itself."""
    pool: Executor

    @cached_property
    def _reading(self) -> Engine:
        return self.engine.execution_options(reading=True)

    async def run(self, act: Callable[[Session], T], *, reading: bool = False) -> T:
        """What `act` gives, done in one transaction; to its end, even if whoever waits for it is cancelled."""
        engine = self._reading if reading else self.engine

        def acted() -> T:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                return act(session)

        return await self._elsewhere(acted)

    async def single(self, act: Callable[[Connection], T]) -> T:
        """What `act` gives on a connection that begins no transaction by itself; to its end, as `run`."""

        def acted() -> T:
            with self.singly.connect() as connection:
                try:
                    return act(connection)
                except Exception as error:
                    connection.invalidate()  # SQLAlchemy knows nothing of what was sent past it
                    if isinstance(error, DBAPIError) and error.connection_invalidated:
                        self.singly.dispose()  # what rests in the pool broke off as well
                    raise

        return await self._elsewhere(acted)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        here = copy_context()  # what the log says of the request goes along
        return await asyncio.get_running_loop().run_in_executor(self.pool, here.run, work)


class Store:
    """Reads and writes jobs; every write is one transaction."""

    def __init__(self, engine: AsyncEngine, threads: Threads | None = None) -> None:
        self._engine = engine
        self._threads = threads
        self._writing = async_sessionmaker(engine, expire_on_commit=False)
        # SQLite lets one write at a time: who waits here is served in turn, who waits there sleeps and tries again.
        self.turns = asyncio.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self._reading = async_sessionmaker(reading(engine), expire_on_commit=False)

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that writes; what is done in it is there together or not at all."""
        async with self.turns, unbroken(self._writing.begin()) as session:
            yield session

    async def at_once(self, act: Callable[[Session], T]) -> T:
        """What `act` gives, done in one transaction that writes: where there are threads for it, in one hop to one."""
        if self._threads is None:
            async with self.writing() as session:
                return await session.run_sync(act)
        async with self.turns, unbroken(nullcontext()):
            return await self._threads.run(act)

    async def single(self, act: Callable[[Connection], T]) -> T:
        """What `act` gives on a connection where each of its statements is a transaction, unless it begins one."""
        if self._threads is None:
            return await self.at_once(lambda session: act(session.connection()))
        async with self.turns, unbroken(nullcontext()):
            return await self._threads.single(act)

    async def seen(self, act: Callable[[Session], T]) -> T:
        """`at_once` for what only reads."""
        if self._threads is None:
            async with self.looking() as session:
                return await session.run_sync(act)
        async with unbroken(nullcontext()):
            return await self._threads.run(act, reading=True)

    def looking(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A session that only reads."""
        return unbroken(self._reading())

    async def compact(self) -> None:
        """Leaves nothing in a SQLite file of what was deleted. Raises ConnectorError where others keep it busy."""
        async with self.turns:
            await compact(self._engine)

    async def accept(self, pack: Pack, tenant: str = LOCAL) -> PriceList:
        """The terms of the pack's prices, published where they are new, and the tenant's account in their currency."""
        return await self.at_once(lambda session: publish(session, pack, tenant))

    async def submit(self, job: Job) -> Job:
        """Stores a new job and sets its price aside; the one that is there already where the same input came before.

        Raises CapError where the tenant may not spend more.
        """
        if earlier := await self._same(job):
            return earlier
        if job.price_list_id is None:
            raise LedgerError(f"job {job.id} was accepted under no terms")
        async with self.looking() as session:
            most = await session.run_sync(dearest, job.price_list_id)
        try:
            await self.at_once(lambda session: enter(session, job, most))
            return job
        except IntegrityError:
            if earlier := await self._same(job):
                return earlier
            raise

    async def _same(self, job: Job) -> Job | None:
        mine = (Job.tenant_id == job.tenant_id, Job.pack == job.pack)
        same = (Job.input_name == job.input_name, Job.input_sha256 == job.input_sha256)
        async with self.looking() as session:
            return await session.scalar(select(Job).where(*mine, *same))

    async def get(self, job: str) -> Job | None:
        """The job with that id."""
        return await self.seen(lambda session: session.get(Job, job))

    async def jobs(self, pack: str | None = None, status: Status | None = None) -> Sequence[Job]:
        """The jobs, oldest first."""
        query = select(Job).order_by(Job.created_at, Job.id)
        query = query.where(Job.pack == pack) if pack else query
        query = query.where(Job.status == status) if status else query
        async with self.looking() as session:
            return (await session.scalars(query)).all()

    async def find(self, name: str) -> Sequence[Job]:
        """The jobs that `name` may mean, oldest first: by the start of their id or by the file name of their input."""
        file = [Job.input_name == name, Job.input_name.endswith(f"/{name}", autoescape=True)]
        file += [Job.input_name.startswith(f"{name}#", autoescape=True)]
        file += [Job.input_name.contains(f"/{name}#", autoescape=True)]
        ids = [Job.id.startswith(start, autoescape=True) for start in (name, f"job_{name}")]
        query = select(Job).where(or_(*ids, *file)).order_by(Job.created_at, Job.id)
        async with self.looking() as session:
            return (await session.scalars(query)).all() if name else []

    async def change(self, job: str, fence: int | None = None, **values: Any) -> Job:
        """Sets columns of a job that has not ended; an ended job stays as it is, one whose deadline has passed expires.

        Here and below: raises LeaseLost where `fence` is given and the job is not held under it any more.
        """
        return await self.at_once(lambda session: transitions.change(session, job, fence, values))

    async def begin(self, job: str, *, since: Sequence[Status], terms: str, fence: int | None = None) -> int | None:
        """Takes a job over if its status is one of `since`: its new fence, under which it is held; else None,
        as where it has been taken over since it had the `fence` given, somebody holds its review or it expires.

        Whoever ran it before may write no more. What may be charged for it is set aside again where it had failed; a
        job without terms gets those given.
        """
        return await self.at_once(lambda session: transitions.begin(session, job, since, terms, fence))

    async def take(self, job: str, *, since: Sequence[Status], packs: Collection[str]) -> Job | None:
        """`begin` for a job of one of the packs that was accepted under its terms: its row, as it is then; or None.

        The row has the questions that its last run has left.
        """
        return await self.at_once(lambda session: transitions.take(session, job, since, packs))

    async def finish(
        self,
        job: str,
        verification: Verification,
        fence: int | None = None,
        *,
        kept: Mapping[str, Any] | None = None,
        also: Callable[[Connection], None] | None = None,
        **values: Any,
    ) -> Job:
        """Ends a job with its outcome, verified and charged in one transaction; an ended job stays as it is.

        What comes later than promised is credited in the same transaction; what comes after the deadline expires.
        `kept` are the records that the verification is replayed from, by name; `also` is done in the transaction.
        """
        return await self.at_once(
            lambda session: transitions.finish(session, job, verification, fence, kept, also, values)
        )

    async def fail(self, job: str, fence: int | None = None, **values: Any) -> Job:
        """Ends a job as failed, free of charge; an ended job stays as it is, one whose deadline has passed expires."""
        return await self.at_once(lambda session: transitions.fail(session, job, fence, values))

    async def cost(self, job: str) -> tuple[int, dict[str, list[str]]]:
        """Millionths of a USD that the job's model calls have cost so far, and by role the models that answered."""
        return await self.seen(lambda session: transitions.spent(session.connection(), job)())

    async def attempts(self, job: str) -> Sequence[Attempt]:
        """The attempts at the job's steps in the order in which they ended, those of all its runs."""
        async with self.looking() as session:
            return (await session.scalars(select(Attempt).where(Attempt.job_id == job).order_by(Attempt.id))).all()

    async def calls(self, job: str) -> Sequence[Cost]:
        """The job's cost lines, oldest first."""
        query = select(Cost).where(Cost.job_id == job).order_by(Cost.created_at, Cost.call)
        async with self.looking() as session:
            return (await session.scalars(query)).all()

    def journal(self, job: str, fence: int | None = None, *, later: bool = False) -> JobJournal:
        """What the engine writes while the job runs, held under `fence`; `later` along with the run's checkpoints."""
        return JobJournal(self, job, fence, later=later)


@asynccontextmanager
async def open_store(url: str) -> AsyncGenerator[Store]:
    """The job store in a database that is brought to the newest schema first."""
    async with open_database(url, brief=True) as engine, blocking(engine, brief=True) as (threaded, singly):
        await upgrade(engine)
        pool = ThreadPoolExecutor(1 if engine.dialect.name == "sqlite" else THREADS, "agentflow-store")
        try:
            yield Store(engine, Threads(threaded, singly, pool))
        finally:
            await asyncio.to_thread(pool.shutdown)


def dollars(micros: int) -> Decimal:
    """Millionths of a USD as USD."""
    return Decimal(micros) / MICROS
