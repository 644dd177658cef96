"""Fencing: a checkpoint is written in one transaction with the proof that its run still holds the job."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from agentflow.connectors import sql
from agentflow.errors import LeaseLost, StoreError

LEASE_LOST = "AF001"
"""The SQLSTATE with which PostgreSQL's `assert_fence` refuses."""
CONNECTIONS = 10
SETUP = crc32(b"agentflow_checkpoints")


@dataclass(frozen=True)
class Fence:
    """The number under which a run holds its job; once it is lost, the job's row has a higher one."""

    job: str
    number: int


Savers = Callable[[Fence], Any]
"""A LangGraph saver for one run of one job; they share what is open."""


def fenced_sqlite(saver: Any, turns: asyncio.Lock, fence: Fence) -> Any:
    """The saver, its writes fenced; the savers of its connection take `turns`.

    SQLite refuses at once, however long it would wait for others, to write where a read of the same connection is
    under way and another connection has written since.
    """

    @asynccontextmanager
    async def held() -> AsyncGenerator[None]:
        async with turns:
            try:
                await saver.conn.execute("BEGIN IMMEDIATE")
                asked = "SELECT 1 FROM job WHERE id = ? AND fence = ?"
                if not await saver.conn.execute_fetchall(asked, (fence.job, fence.number)):
                    raise lost(fence)  # noqa: TRY301 - it rolls back like the others
                yield  # the saver commits
            except BaseException as error:
                await saver.conn.rollback()  # also where it is cancelled in mid-write: others share the connection
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreError(f"the job database broke off: {error}") from error
                raise

    def fenced(write: Any) -> Any:
        async def written(*args: Any, **kwargs: Any) -> Any:
            async with held():
                return await write(*args, **kwargs)

        return written

    for name in ("aput", "aput_writes", "adelete_thread"):
        setattr(saver, name, fenced(getattr(saver, name)))
    look = saver.aget_tuple

    async def looked(config: Any) -> Any:
        async with turns:
            return await look(config)

    saver.aget_tuple = looked
    return saver


def fenced_postgres(saver: Any, fence: Fence) -> Any:
    """The saver, its writes fenced; it takes its connections from a pool."""
    import psycopg

    inner = saver._cursor  # the one place through which it reaches the database

    @asynccontextmanager
    async def cursor(*, pipeline: bool = False) -> AsyncGenerator[Any]:
        try:
            async with inner(pipeline=pipeline) as cur:
                if not pipeline:  # it reads
                    yield cur
                    return
                async with cur.connection.transaction():
                    await cur.execute("SELECT assert_fence(%s, %s)", (fence.job, fence.number))
                    yield cur
        except psycopg.Error as error:
            if error.sqlstate == LEASE_LOST:
                raise lost(fence) from error
            if isinstance(error, (psycopg.OperationalError, psycopg.InternalError)):
                raise StoreError(f"the job database broke off: {error}") from error
            raise

    saver._cursor = cursor
    return saver


@asynccontextmanager
async def postgres_pool(url: str) -> AsyncGenerator[Any]:
    """Connections to the database at `url`, as LangGraph's saver wants them."""
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0,
        "row_factory": dict_row,
        "options": f"-c idle_in_transaction_session_timeout={sql.IDLE}s",
    }
    address = "postgresql:" + url.partition(":")[2]
    async with AsyncConnectionPool(address, min_size=1, max_size=CONNECTIONS, kwargs=options, open=False) as pool:
        yield pool


@asynccontextmanager
async def one_setup(pool: Any) -> AsyncGenerator[None]:
    """One process sets up at a time. The others ask again and again: PostgreSQL builds no index while one waits."""
    async with pool.connection() as connection:
        while True:
            found = await connection.execute("SELECT pg_try_advisory_lock(%s) AS ours", (SETUP,))
            if (await found.fetchone())["ours"]:
                break
            await asyncio.sleep(0.05)
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock(%s)", (SETUP,))


def lost(fence: Fence) -> LeaseLost:
    """What a run is told that holds its job no more."""
    return LeaseLost(f"job {fence.job} was taken over by another run")
