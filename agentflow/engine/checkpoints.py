"""Checkpoints: where LangGraph keeps the steps of jobs, in the job database and under the fence of their run."""

import asyncio
import importlib
import sqlite3
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from agentflow.connectors import sql
from agentflow.engine.fencing import Fence, Savers, fenced_postgres, fenced_sqlite, one_setup, postgres_pool
from agentflow.engine.sparing import spared
from agentflow.errors import ConfigError


@asynccontextmanager
async def open_checkpoints(url: str, turns: AbstractAsyncContextManager[Any] | None = None) -> AsyncGenerator[Savers]:
    """The checkpoints in the job database, which has the newest schema: a saver for each run of a job, fenced.

    `url`: `sqlite:///file` or `postgresql://...`. `turns` are those of whoever else writes to a SQLite file here.
    """
    if url.startswith("sqlite:///"):
        async with _sqlite_checkpoints(url.removeprefix("sqlite:///"), turns or asyncio.Lock()) as savers:
            yield savers
    elif url.startswith("postgres"):
        async with _postgres_checkpoints(url) as savers:
            yield savers
    else:
        raise ConfigError(
            f"{url.split(':', maxsplit=1)[0]} is no database agentflow knows; use sqlite:///FILE or postgresql://..."
        )


@asynccontextmanager
async def _sqlite_checkpoints(file: str, turns: AbstractAsyncContextManager[Any]) -> AsyncGenerator[Savers]:
    from langgraph.checkpoint.sqlite import SqliteSaver

    with ThreadPoolExecutor(1, "checkpoints") as thread:

        async def run(work: Callable[..., Any], *args: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(thread, work, *args)

        first = await run(_opened, SqliteSaver, file)
        try:

            def saver(fence: Fence) -> Any:
                made = SqliteSaver(first.conn)
                made.is_setup = True
                return spared(fenced_sqlite(made, run, turns, fence))

            yield saver
        finally:
            await run(first.conn.close)


def _opened(kind: Any, file: str) -> Any:
    saver = kind(sqlite3.connect(file, timeout=sql.WAIT, check_same_thread=False))
    saver.setup()
    return saver


@asynccontextmanager
async def _postgres_checkpoints(url: str) -> AsyncGenerator[Savers]:
    try:
        postgres: Any = importlib.import_module("langgraph.checkpoint.postgres.aio")
    except ImportError as error:
        raise ConfigError("PostgreSQL needs one more package: pip install 'agentflow-framework[postgres]'") from error
    async with postgres_pool(url) as pool:
        async with one_setup(pool):
            await postgres.AsyncPostgresSaver(pool).setup()
        yield lambda fence: spared(fenced_postgres(postgres.AsyncPostgresSaver(pool), fence))


def memory_saver() -> Any:
    """A checkpoint store that forgets with the process, for tests."""
    from langgraph.checkpoint.memory import InMemorySaver

    return InMemorySaver()


async def forget(job: str, saver: Any) -> None:
    """Deletes the job's checkpoints."""
    await saver.adelete_thread(job)


async def texts(job: str, saver: Any) -> str:
    """All that the job's newest checkpoint holds, as text to be searched; empty where there is none."""
    stored = await saver.aget_tuple({"configurable": {"thread_id": job}})
    return "" if stored is None else repr((stored.checkpoint, stored.pending_writes))
