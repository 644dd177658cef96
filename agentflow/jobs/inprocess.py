"""An engine in the process that accepts the jobs: no server, no second process, nothing to install."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.dispatch import RunJob, Stats

PAUSE = 1.0
"""Seconds after which a job is tried again whose database broke off."""
PATIENCE = 30.0
"""Seconds that jobs under way get to finish when the engine stops; the rest goes on at the next start."""


class InProcess:
    """Runs what is submitted here. `unfinished` names the jobs that an earlier process has left."""

    def __init__(
        self, unfinished: Callable[[], Awaitable[Iterable[str]]] | None = None, *, patience: float = PATIENCE
    ) -> None:
        self._unfinished = unfinished
        self._patience = patience
        self._queue: asyncio.PriorityQueue[tuple[int, int, str]] = asyncio.PriorityQueue()
        self._number = 0
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: set[str] = set()
        self._workers = 0

    async def submit(self, session: AsyncSession, job: str, tenant: str, *, priority: int = 0) -> None:
        """Hands a job over once the caller's transaction is there."""

        def committed(_: object) -> None:
            self._put(job, priority)

        event.listen(session.sync_session, "after_commit", committed, once=True)

    @asynccontextmanager
    async def serve(self, run_job: RunJob, *, concurrency: int) -> AsyncGenerator[None]:
        """Works while the block lasts; at its end jobs under way get `patience` seconds to finish."""
        for job in await self._unfinished() if self._unfinished else ():
            self._put(job, 0)
        self._workers = concurrency
        takers = [asyncio.create_task(self._take(run_job)) for _ in range(concurrency)]
        try:
            yield
        finally:
            self._workers = 0
            for taker in takers:
                taker.cancel()
            await asyncio.gather(*takers, return_exceptions=True)
            if self._running:
                await asyncio.wait(self._running, timeout=self._patience)
            for late in self._running:
                late.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def cancel(self, job: str) -> None:
        """Forgets a waiting job."""
        self._waiting.discard(job)

    async def stats(self) -> Stats:
        """How many jobs wait and run here."""
        return Stats(len(self._waiting), len(self._running), self._workers)

    def _put(self, job: str, priority: int) -> None:
        if job not in self._waiting:
            self._waiting.add(job)
            self._number += 1
            self._queue.put_nowait((-priority, self._number, job))

    async def _take(self, run_job: RunJob) -> None:
        while True:
            _, _, job = await self._queue.get()
            if job not in self._waiting:
                continue
            self._waiting.discard(job)
            running = asyncio.ensure_future(run_job(job))
            self._running.add(running)
            running.add_done_callback(self._running.discard)
            await asyncio.wait({running})
            if not running.cancelled() and running.exception() is not None:
                asyncio.get_running_loop().call_later(PAUSE, self._put, job, 0)
