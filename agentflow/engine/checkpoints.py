"""Checkpoints: where LangGraph keeps the steps of jobs, in the job database and under the fence of their run."""

import asyncio
import importlib
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any
from zlib import crc32

from sqlalchemy import Connection, Delete, bindparam, column, delete, table

from agentflow.connectors import sql
from agentflow.engine.fencing import Database, Fence, InHand, Savers, fenced, held
from agentflow.engine.sparing import spared
from agentflow.errors import ConfigError

TABLES = {
    "sqlite": ("checkpoints", "writes"),
    "postgresql": ("checkpoints", "checkpoint_blobs", "checkpoint_writes"),
}
"""LangGraph's, by kind of database."""
SETUP = crc32(b"agentflow_checkpoints")


async def open_checkpoints(url: str, database: Database) -> Savers:
    """The checkpoints in the job database, which has the newest schema: a saver for each run of a job, fenced.

    `url`: `sqlite:///file` or `postgresql://...`, that of `database`.
    """
    if url.startswith("sqlite:///"):
        kind = importlib.import_module("langgraph.checkpoint.sqlite").SqliteSaver
        await asyncio.to_thread(_set_up_sqlite, kind, url.removeprefix("sqlite:///"))
    elif url.startswith("postgres"):
        kind = _postgres()
        await asyncio.to_thread(_set_up_postgres, kind, "postgresql:" + url.partition(":")[2])
    else:
        raise ConfigError(
            f"{url.split(':', maxsplit=1)[0]} is no database agentflow knows; use sqlite:///FILE or postgresql://..."
        )

    def saver(fence: Fence, in_hand: InHand | None = None) -> Any:
        made = kind(None)
        made.is_setup = True
        return spared(fenced(made, database, fence, in_hand))

    return saver


def _postgres() -> Any:
    try:
        return importlib.import_module("langgraph.checkpoint.postgres").PostgresSaver
    except ImportError as error:
        raise ConfigError("PostgreSQL needs one more package: pip install 'agentflow-framework[postgres]'") from error


def _set_up_sqlite(kind: Any, file: str) -> None:
    with closing(sqlite3.connect(file, timeout=sql.WAIT)) as connection:
        kind(connection).setup()


def _set_up_postgres(kind: Any, address: str) -> None:
    import psycopg
    from psycopg.rows import dict_row

    row: Any = dict_row
    with psycopg.connect(address, autocommit=True, row_factory=row) as connection, _one_setup(connection):
        kind(connection).setup()


@contextmanager
def _one_setup(connection: Any) -> Generator[None]:
    """One process sets up at a time. The others ask again and again: PostgreSQL builds no index while one waits."""
    while not connection.execute("SELECT pg_try_advisory_lock(%s) AS ours", (SETUP,)).fetchone()["ours"]:
        time.sleep(0.05)
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (SETUP,))


def memory_saver() -> Any:
    """A checkpoint store that forgets with the process, for tests."""
    from langgraph.checkpoint.memory import InMemorySaver

    return InMemorySaver()


async def forget(fence: Fence, database: Database) -> None:
    """Deletes the checkpoints of a job. Raises LeaseLost where it is not held under the fence any more."""

    def act(connection: Connection) -> None:
        with held(connection, fence):
            erase(fence.job, connection)

    await database.single(act)


def erase(job: str, connection: Connection) -> None:
    """Deletes the checkpoints of a job that the connection's transaction holds."""
    for name in TABLES[connection.dialect.name]:
        connection.execute(_erasing(name), {"job": job})


@cache
def _erasing(name: str) -> Delete:
    return delete(table(name, column("thread_id"))).where(column("thread_id") == bindparam("job"))


async def texts(job: str, saver: Any) -> str:
    """All that the job's newest checkpoint holds, as text to be searched; empty where there is none."""
    stored = await saver.aget_tuple({"configurable": {"thread_id": job}})
    return "" if stored is None else repr((stored.checkpoint, stored.pending_writes))
