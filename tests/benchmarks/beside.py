"""What jobs and their ledger cost beside bare LangGraph: the same ten steps on the same kind of database, in turn.

`python -m tests.benchmarks.beside OPTIONS` prints as JSON, round by round: seconds of wall clock and of processor that
LangGraph took, that typed steps under a policy take in it without jobs or ledger, and that we take with both.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from agentflow.engine.attempt import Services, perform
from agentflow.engine.graph import Graph
from agentflow.jobs.service import Agentflow, Part
from agentflow.testing.fakes import MemoryJournal
from tests.benchmarks.asking import KINDS, STEPS, Models, answering, bare, ten_questions

Run = Callable[[Sequence[str]], Awaitable[None]]
"""Carries jobs of those names to their end."""


async def rounds(url: str, others: Sequence[str], home: str, jobs: int, times: int, concurrency: int) -> Any:
    """`times` rounds of `jobs` jobs on each side: ours on the database at `url`, LangGraph's own on the `others`."""
    found: list[list[tuple[float, float]]] = []
    async with AsyncExitStack() as stack:
        sides = [
            await stack.enter_async_context(_alone(others[0], concurrency)),
            await stack.enter_async_context(_typed(others[1], concurrency)),
            await stack.enter_async_context(_ours(url, home, concurrency)),
        ]
        for number in range(times + 1):
            taken = [await _taken(run, [f"{number}.{i}" for i in range(jobs)]) for run in sides]
            found.append(taken)
    return found[1:]  # the first is for warming up


@asynccontextmanager
async def _ours(url: str, home: str, concurrency: int) -> AsyncGenerator[Run]:
    """A job from its submission to its charge."""
    models = Models(answering(0.0))
    async with Agentflow([Part(ten_questions(), models)], home=home, database=url, concurrency=concurrency) as af:

        async def run(names: Sequence[str]) -> None:
            jobs = [await af.submit("ten", KINDS[0](name=name)) for name in names]
            while (stats := await af.engine.stats()).waiting or stats.running:  # noqa: ASYNC110 - nothing to wait on
                await asyncio.sleep(0.05)  # looked at oftener, the looks cost more than the jobs
            last = await jobs[-1].outcome()
            assert last.price_minor == 40, last.problems

        yield run


@asynccontextmanager
async def _alone(url: str, concurrency: int) -> AsyncGenerator[Run]:
    """A run of LangGraph's graph, each step stored by its own checkpointer before the next begins."""
    graph, places = bare(answering(0.0)), asyncio.Semaphore(concurrency)
    async with _savers(url) as saver:

        async def one(name: str) -> None:
            async with places:
                compiled = graph.copy(update={"checkpointer": saver()})
                config = {"configurable": {"thread_id": name}}
                ended = await compiled.ainvoke({"n0": {"name": name}}, config, durability="sync")
                assert ended[f"n{STEPS}"] == {"name": name}

        async def run(names: Sequence[str]) -> None:
            await asyncio.gather(*map(one, names))

        yield run


@asynccontextmanager
async def _typed(url: str, concurrency: int) -> AsyncGenerator[Run]:
    """A run of the typed graph with its step layer on LangGraph's checkpointer: what an exam runs, no job behind it."""
    pack, models, places = ten_questions(), Models(answering(0.0)), asyncio.Semaphore(concurrency)
    graph = Graph(pack.workflow)
    async with _savers(url) as saver:

        async def one(name: str) -> None:
            services = Services(name, {}, models, MemoryJournal(keep_lines=False))

            async def do(step: Any, reads: Sequence[Any], item: int | None) -> Any:
                return await perform(step, reads, services, item)

            async with places:
                ended = await graph.start(name, saver(), do, KINDS[0](name=name))
                assert ended.outcome

        async def run(names: Sequence[str]) -> None:
            await asyncio.gather(*map(one, names))

        yield run


@asynccontextmanager
async def _savers(url: str) -> AsyncGenerator[Callable[[], Any]]:
    """LangGraph's saver for a run: of one connection on SQLite, over a pool on PostgreSQL."""
    if url.startswith("sqlite:///"):
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with AsyncSqliteSaver.from_conn_string(url.removeprefix("sqlite:///")) as saver:
            await saver.setup()
            yield lambda: saver
        return
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    options: Any = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, min_size=10, max_size=10, kwargs=options, open=False) as pool:
        await AsyncPostgresSaver(pool).setup()
        yield lambda: AsyncPostgresSaver(pool)


async def _taken(run: Run, names: Sequence[str]) -> tuple[float, float]:
    """Seconds of wall clock and of processor that the jobs took."""
    began, had = time.perf_counter(), time.process_time()
    await run(names)
    return time.perf_counter() - began, time.process_time() - had


if __name__ == "__main__":
    print(json.dumps(asyncio.run(rounds(**json.loads(sys.argv[1])))))
