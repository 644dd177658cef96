"""The DBOS engine: a queue in the job database, SQLite or PostgreSQL; the one file that knows DBOS.

DBOS queues jobs, keeps limits and knows who owns which job; it is handed ids only. That is at-least-once delivery: what
is done with a job is kept by its checkpoints, and who may write it down by its fence.
"""

import asyncio
import logging
import math
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy import column, delete, func, select, table, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from agentflow.connectors import sql
from agentflow.connectors.sql import open_database, reading
from agentflow.errors import ConfigError, RunError
from agentflow.jobs.dispatch import RunJob, Stats
from agentflow.jobs.engines.serving import AtWork, Timing, again_and_again, alone, stopped
from agentflow.jobs.ids import now
from agentflow.jobs.logs import told
from agentflow.jobs.migrate import upgrade
from agentflow.jobs.tables import Job, Worker

NAME = "agentflow"
WORKFLOW = "agentflow.carry"
VERSION = "1"
"""Of what DBOS stores: an id. Set by hand: a new release carries on what an older one has queued."""
LOCAL = "local"
"""The one executor of an embedded database: started again, it takes up what it left."""
MIDDLE = 1_000_000
"""DBOS takes the lowest priority first, from 1 on; ours is 0 for most, and the higher the sooner."""
MOST = 10_000
"""Rows looked at in one go."""
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
LIVE = ["ENQUEUED", "DELAYED", "PENDING"]
TIDYING = crc32(b"agentflow_tidying")

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_dbos(
    url: str, *, packs: Sequence[str] = (), timing: Timing | None = None, tenant_share: int | None = None
) -> AsyncGenerator["DbosEngine"]:
    """The engine in the job database at `url`, `sqlite:///file` or `postgresql://...`.

    `packs` are the names of those whose jobs `serve` works on; to hand jobs over none are needed. Of one tenant
    `tenant_share` jobs run at once in a worker, by default four fifths of its concurrency: another tenant's job finds a
    free place. Raises ConfigError where DBOS is not installed.
    """
    dbos = _library()
    address = _address(url)
    async with open_database(url, brief=True) as database:
        await upgrade(database)
        await asyncio.to_thread(dbos.DBOS.migrate, address)
        client = dbos.DBOSClient(
            system_database_url=address,
            application_name=NAME,
            system_database_pool_size=3,
            sys_db_idle_transaction_timeout_sec=sql.IDLE,
            lazy=True,
        )
        try:
            yield DbosEngine(database, client, address, packs, timing or Timing(), tenant_share)
        finally:
            await asyncio.to_thread(client.destroy)


class DbosEngine:
    """Hands jobs over in the caller's transaction, and serves them in one process or in many."""

    def __init__(
        self,
        database: AsyncEngine,
        client: Any,
        address: str,
        packs: Sequence[str],
        timing: Timing,
        tenant_share: int | None,
    ) -> None:
        self._database = database
        self._client = client
        self._address = address
        self._queues = [_queue(pack) for pack in packs]
        self._timing = timing
        self._share = tenant_share
        self._embedded = database.dialect.name == "sqlite"

    async def submit(self, session: AsyncSession, job: str, tenant: str, *, priority: int = 0) -> None:
        """Hands a job over in the caller's transaction, which stores it or has stored it; the same id is one.

        A job that was run since it was last handed over, and waits again, is handed over anew. Of a tenant's jobs those
        of the highest `priority` start first. Raises RunError where there is no such job.
        """
        row = (await session.execute(select(Job.pack, Job.fence).where(Job.id == job))).first()
        if row is None:
            raise RunError(f"there is no job {job} to be handed over; store it in the same transaction")
        await self._enqueue(session, f"{job}.{row.fence}", job, _queue(row.pack), tenant, priority)

    def hand_over(self, session: Session, job: str, tenant: str, *, pack: str, priority: int = 0) -> None:
        """`submit` for a job of `pack` that the same transaction has added; in whatever thread that runs."""
        self._enqueue_now(session, f"{job}.0", job, _queue(pack), tenant, priority)

    @asynccontextmanager
    async def serve(self, run_job: RunJob, *, concurrency: int) -> AsyncGenerator[None]:
        """Works while the block lasts; at its end what is under way has the grace to end, or is handed back.

        One block a process, and on SQLite one process a database: raises ConfigError where another serves already. The
        concurrency stands in the database: on several workers of a pack that of the last started counts.
        """
        if not self._queues:
            raise ConfigError("say which packs are worked on: open_dbos(url, packs=[...])")
        async with AsyncExitStack() as stack:
            if self._embedded:
                stack.enter_context(alone(Path(make_url(self._address).database or "")))
            me = LOCAL if self._embedded else f"worker-{uuid.uuid4().hex[:12]}"
            await self._beat(me)  # before anything is owned
            stack.push_async_callback(self._leave, me)
            at_work = AtWork(run_job, concurrency, self._timing)
            await stack.enter_async_context(self._launched(me, at_work, concurrency))
            for look, every in self._looks(me):
                stack.push_async_callback(stopped, asyncio.create_task(again_and_again(look, every)))
            try:
                yield
            finally:
                await self._close(at_work)

    async def cancel(self, job: str) -> None:
        """Keeps a waiting job from being started; one under way is told by its own state."""
        rows = await self._rows(workflow_id_prefix=f"{job}.", status="ENQUEUED")
        await self._client.cancel_workflows_async([row.workflow_id for row in rows])

    async def stats(self) -> Stats:
        """How many jobs wait and run, and how many workers are alive."""
        # DBOS has no public call that counts, and a list of what waits may be long.
        rows = table("workflow_status", column("status"), column("name"), schema=None if self._embedded else "dbos")
        which = (rows.c.name == WORKFLOW, rows.c.status.in_(("ENQUEUED", "PENDING")))
        count = select(rows.c.status, func.count()).where(*which).group_by(rows.c.status)
        async with AsyncSession(reading(self._database)) as session:
            found = {row[0]: row[1] for row in await session.execute(count)}
            alive = await session.scalar(select(func.count()).select_from(Worker).where(self._fresh()))
        return Stats(found.get("ENQUEUED", 0), found.get("PENDING", 0), alive or 0)

    async def _enqueue(self, session: AsyncSession, row: str, job: str, queue: str, tenant: str, priority: int) -> None:
        await session.run_sync(self._enqueue_now, row, job, queue, tenant, priority)

    def _enqueue_now(self, session: Session, row: str, job: str, queue: str, tenant: str, priority: int) -> None:
        options = {
            "workflow_name": WORKFLOW,
            "workflow_id": row,
            "queue_name": queue,
            "queue_partition_key": tenant,
            "priority": max(1, MIDDLE - priority),
            "app_version": VERSION,
            "serialization_type": _library().WorkflowSerializationFormat.PORTABLE,
        }
        self._client.enqueue_in_transaction(session.connection(), options, job)

    @asynccontextmanager
    async def _launched(self, me: str, at_work: AtWork, concurrency: int) -> AsyncGenerator[None]:
        for queue in self._queues:
            await self._client.register_queue_async(
                queue,
                worker_concurrency=concurrency,
                partition_worker_concurrency=min(self._share or concurrency - concurrency // 5, concurrency),
                polling_interval_sec=self._timing.poll,
            )
        dbos = _library().DBOS
        if _carriers:
            raise ConfigError("this process serves jobs already; one worker a process")

        async def carry(job: str) -> None:
            row = dbos.workflow_id
            await at_work.carry(job, lambda: self._owns(me, row))

        _carriers.append(carry)
        try:
            dbos(
                config={
                    "name": NAME,
                    "system_database_url": self._address,
                    "application_version": VERSION,
                    "executor_id": me,
                    "log_level": "CRITICAL",
                    "sys_db_pool_size": 5,
                    "sys_db_idle_transaction_timeout_sec": sql.IDLE,
                    "run_migrations": False,
                }
            )
            dbos.listen_queues(self._queues)
            dbos.launch()  # in the loop that runs the jobs: it submits them to the one it is launched in
            yield
        finally:
            _carriers.remove(carry)
            await asyncio.to_thread(dbos.destroy)

    async def _close(self, at_work: AtWork) -> None:
        """DBOS takes nothing up any more, and writes down what ends; the beat goes on meanwhile."""
        patience = math.ceil(self._timing.grace) + 2
        stop = asyncio.to_thread(_library().DBOS.destroy, workflow_completion_timeout_sec=patience)
        await asyncio.gather(stop, at_work.close())

    def _looks(self, me: str) -> list[tuple[Callable[[], Awaitable[None]], float]]:
        looks: list[tuple[Callable[[], Awaitable[None]], float]] = [(self._sweep, self._timing.sweep)]
        if self._embedded:
            return looks
        return [(lambda: self._beat(me), self._timing.beat), (self._reap, self._timing.beat), *looks]

    async def _owns(self, me: str, row: str) -> bool:
        return bool(await self._rows(workflow_ids=[row], executor_id=me, status="PENDING"))

    async def _beat(self, me: str) -> None:
        async with AsyncSession(self._database) as session, session.begin():
            beaten = update(Worker).where(Worker.id == me).values(beat_at=self._clock()).returning(Worker.id)
            if await session.scalar(beaten) is None:
                session.add(Worker(id=me, beat_at=self._clock()))

    async def _leave(self, me: str) -> None:
        """Hands back what was not ended, and is gone."""
        try:
            await self._hand_back(await self._rows(executor_id=me, status="PENDING"))
            async with AsyncSession(self._database) as session, session.begin():
                await session.execute(delete(Worker).where(Worker.id == me))
        except Exception as error:  # noqa: BLE001 - the database may be away
            log.warning("what was under way could not be handed back, others will find it: %s", told(error))

    async def _reap(self) -> None:
        """Hands over what workers own that have given no sign of life for too long."""
        async with self._tidying() as session:
            if session is None:
                return
            dead = (await session.scalars(select(Worker.id).where(~self._fresh()))).all()
            if dead:
                await self._hand_back(await self._rows(executor_id=list(dead), status="PENDING"))
            long_ago = self._clock() - timedelta(seconds=100 * self._timing.dead)
            await session.execute(delete(Worker).where(Worker.beat_at < long_ago))

    async def _sweep(self) -> None:
        """Finds jobs that nobody carries although they have not ended, and forgets what DBOS kept of the others."""
        async with self._tidying() as session:
            if session is None:
                return
            if not self._embedded:
                alive = set((await session.scalars(select(Worker.id).where(self._fresh()))).all())
                pending = await self._rows(status="PENDING")
                await self._hand_back([row for row in pending if row.executor_id not in alive])
            ended = await self._rows(status=ENDED)
            lost = await self._lost({_job(row.workflow_id) for row in ended})
        async with AsyncSession(self._database) as session, session.begin():
            for job, tenant, pack in lost:
                last = max(row.workflow_id for row in ended if _job(row.workflow_id) == job)
                log.warning("job %s is carried by nobody; it is handed over again", job, extra={"job": job})
                await self._enqueue(session, f"{last}+", job, _queue(pack), tenant, 0)
        if ended:
            await self._client.delete_workflows_async([row.workflow_id for row in ended])

    async def _lost(self, jobs: Collection[str]) -> Sequence[Any]:
        """Of the jobs whose run has ended those that have not, and that nobody carries."""
        wanted = select(Job.id, Job.tenant_id, Job.pack).where(Job.id.in_(jobs), Job.status.in_(("queued", "running")))
        async with AsyncSession(reading(self._database)) as session:
            found = (await session.execute(wanted)).all()
        if not found:
            return []
        live = await self._rows(workflow_id_prefix=[f"{row.id}." for row in found], status=LIVE)
        carried = {_job(row.workflow_id) for row in live}
        return [row for row in found if row.id not in carried]

    async def _hand_back(self, rows: Sequence[Any]) -> None:
        for queue, of_queue in groupby(sorted(rows, key=lambda row: row.queue_name), key=lambda row: row.queue_name):
            ids = [row.workflow_id for row in of_queue]
            log.info("%d jobs of %s are handed back", len(ids), queue)
            await self._client.resume_workflows_async(ids, queue_name=queue)

    async def _rows(self, **which: Any) -> Sequence[Any]:
        return await self._client.list_workflows_async(
            name=WORKFLOW, load_input=False, load_output=False, limit=MOST, **which
        )

    @asynccontextmanager
    async def _tidying(self) -> AsyncGenerator[AsyncSession | None]:
        """A transaction that no other worker has at the same time; None where one has."""
        async with AsyncSession(self._database) as session, session.begin():
            ours = text("SELECT pg_try_advisory_xact_lock(:key)")
            yield session if self._embedded or await session.scalar(ours, {"key": TIDYING}) else None

    def _fresh(self) -> Any:
        return Worker.beat_at > self._clock() - timedelta(seconds=self._timing.dead)

    def _clock(self) -> Any:
        """The database's own time, which all workers share."""
        return now() if self._embedded else func.timezone("UTC", func.clock_timestamp())


_carriers: list[RunJob] = []
"""What this process does with a job, if it serves: DBOS is one a process too."""


async def _carry(job: str) -> None:
    await _carriers[0](job)


@cache
def _library() -> Any:
    """DBOS with our one workflow, loaded when it is first needed."""
    try:
        import dbos
    except ImportError as error:
        raise ConfigError("workers need one more package: pip install 'agentflow-framework[server]'") from error
    logging.getLogger("dbos").setLevel(logging.CRITICAL)  # it tells of each job that was taken over
    dbos.DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(_carry)
    return dbos


def _queue(pack: str) -> str:
    return f"pack:{pack}"


def _job(row: str) -> str:
    return row.rpartition(".")[0]


def _address(url: str) -> str:
    address = make_url(url)
    driver = "sqlite" if address.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return address.set(drivername=driver).render_as_string(hide_password=False)
