"""Fencing: a checkpoint is written in one transaction with the proof that its run still holds the job."""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from agentflow.connectors import sql
from agentflow.errors import LeaseLost, StoreError

LEASE_LOST = "AF001"
"""The SQLSTATE with which PostgreSQL's `assert_fence` refuses."""
CONNECTIONS = 6
"""And threads that write checkpoints, to a server."""
SETUP = crc32(b"agentflow_checkpoints")


@dataclass(frozen=True)
class Fence:
    """The number under which a run holds its job; once it is lost, the job's row has a higher one."""

    job: str
    number: int


Savers = Callable[[Fence], Any]
"""A LangGraph saver for one run of one job; they share what is open."""


Run = Callable[..., Awaitable[Any]]
"""Calls a function on the one thread that has the connection."""


def fenced_sqlite(saver: Any, run: Run, turns: AbstractAsyncContextManager[Any], fence: Fence) -> Any:
    """LangGraph's synchronous saver on a thread of its own, its writes fenced: each is one trip to the thread.

    `turns` are taken by all who write to the file in this process.
    """

    def held(write: Callable[..., Any], *args: Any) -> Any:
        try:
            saver.conn.execute("BEGIN IMMEDIATE")
            asked = "SELECT 1 FROM job WHERE id = ? AND fence = ?"
            if not saver.conn.execute(asked, (fence.job, fence.number)).fetchone():
                raise lost(fence)  # noqa: TRY301 - it rolls back like the others
            return write(*args)  # the saver commits
        except BaseException as error:
            saver.conn.rollback()
            if isinstance(error, sqlite3.OperationalError):
                raise StoreError(f"the job database broke off: {error}") from error
            raise

    def fenced(write: Callable[..., Any]) -> Any:
        async def written(*args: Any) -> Any:
            async with turns:
                return await run(held, write, *args)

        return written

    async def looked(config: Any) -> Any:
        return await run(saver.get_tuple, config)

    for name in ("put", "put_writes", "delete_thread"):
        setattr(saver, f"a{name}", fenced(getattr(saver, name)))
    saver.aget_tuple = looked
    return saver


def fenced_postgres(saver: Any, run: Run, fence: Fence) -> Any:
    """LangGraph's synchronous saver on threads of its own, its writes fenced; it takes its connections from a pool."""
    import psycopg

    inner = saver._cursor  # the one place through which it reaches the database

    @contextmanager
    def cursor(*, pipeline: bool = False) -> Generator[Any]:
        try:
            with inner(pipeline=pipeline) as cur:
                if not pipeline:  # it reads
                    yield cur
                    return
                with cur.connection.transaction():
                    cur.execute("SELECT assert_fence(%s, %s)", (fence.job, fence.number))
                    yield cur
        except psycopg.Error as error:
            if error.sqlstate == LEASE_LOST:
                raise lost(fence) from error
            if isinstance(error, (psycopg.OperationalError, psycopg.InternalError)):
                raise StoreError(f"the job database broke off: {error}") from error
            raise

    def elsewhere(work: Callable[..., Any]) -> Any:
        async def done(*args: Any) -> Any:
            return await run(work, *args)

        return done

    saver._cursor = cursor
    for name in ("put", "put_writes", "delete_thread", "get_tuple"):
        setattr(saver, f"a{name}", elsewhere(getattr(saver, name)))
    return saver


def postgres_pool(url: str) -> Any:
    """Connections to the database at `url`, as LangGraph's saver wants them; to be opened and closed."""
    from psycopg.rows import dict_row
    from psycopg_pool import ConnectionPool

    options: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0,
        "row_factory": dict_row,
        "options": f"-c idle_in_transaction_session_timeout={sql.IDLE}s",
    }
    address = "postgresql:" + url.partition(":")[2]
    return ConnectionPool(address, min_size=1, max_size=CONNECTIONS, kwargs=options, open=False)


@contextmanager
def one_setup(pool: Any) -> Generator[None]:
    """One process sets up at a time. The others ask again and again: PostgreSQL builds no index while one waits."""
    with pool.connection() as connection:
        while not connection.execute("SELECT pg_try_advisory_lock(%s) AS ours", (SETUP,)).fetchone()["ours"]:
            time.sleep(0.05)
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", (SETUP,))


def lost(fence: Fence) -> LeaseLost:
    """What a run is told that holds its job no more."""
    return LeaseLost(f"job {fence.job} was taken over by another run")
