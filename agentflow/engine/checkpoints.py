"""Checkpoints: where LangGraph keeps the steps of jobs, in the job database and under the fence of their run."""

import asyncio
import importlib
import sqlite3
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from agentflow.connectors import sql
from agentflow.engine.fencing import (
    CONNECTIONS,
    Fence,
    Run,
    Savers,
    fenced_postgres,
    fenced_sqlite,
    one_setup,
    postgres_pool,
)
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

    def opened() -> Any:
        saver = SqliteSaver(sqlite3.connect(file, timeout=sql.WAIT, check_same_thread=False))
        saver.setup()
        return saver.conn

    with ThreadPoolExecutor(1, "checkpoints") as threads:
        run = _on(threads)
        connection = await run(opened)
        try:

            def saver(fence: Fence) -> Any:
                made = SqliteSaver(connection)
                made.is_setup = True
                return spared(fenced_sqlite(made, run, turns, fence))

            yield saver
        finally:
            await run(connection.close)


@asynccontextmanager
async def _postgres_checkpoints(url: str) -> AsyncGenerator[Savers]:
    try:
        postgres: Any = importlib.import_module("langgraph.checkpoint.postgres")
    except ImportError as error:
        raise ConfigError("PostgreSQL needs one more package: pip install 'agentflow-framework[postgres]'") from error
    pool = postgres_pool(url)

    def opened() -> None:
        pool.open()
        with one_setup(pool):
            postgres.PostgresSaver(pool).setup()

    with ThreadPoolExecutor(CONNECTIONS, "checkpoints") as threads:
        run = _on(threads)
        try:
            await run(opened)
            yield lambda fence: spared(fenced_postgres(postgres.PostgresSaver(pool), run, fence))
        finally:
            await run(pool.close)


def _on(threads: Executor) -> Run:
    async def run(work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *args)

    return run


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
