"""The inline engine: jobs are carried by the process that accepts them: no server, nothing to install."""

import asyncio
import heapq
import itertools
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from agentflow.jobs.dispatch import RunJob, Stats
from agentflow.jobs.engines.patience import PAUSES, patiently

HANDED = "agentflow handed over"
Waiting = tuple[int, int, str]
"""Priority, the less the sooner; a running number; the job."""


class InlineEngine:
    """Delivers while the process lives: a job whose tries are used up waits for its turn once more.

    `tenant_share` is how many jobs of one tenant may run at once; `grace` are the seconds that runs under way have to
    end when `serve` does.
    """

    def __init__(
        self, *, tenant_share: int | None = None, pauses: Sequence[float] = PAUSES, grace: float = 30.0
    ) -> None:
        self._share = tenant_share
        self._pauses = pauses
        self._grace = grace
        self._waiting: dict[str, list[Waiting]] = {}
        self._tenants: dict[str, str] = {}
        self._running: dict[asyncio.Task[None], str] = {}
        self._again: dict[str, tuple[str, int]] = {}
        """Tenant and priority of jobs that were handed over while they ran: what for, their run may not have seen."""
        self._numbers = itertools.count()
        self._news = asyncio.Event()
        self._workers = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where it serves, in this thread; elsewhere transactions may end in others."""
        self._thread = 0

    async def submit(self, session: AsyncSession, job: str, tenant: str, *, priority: int = 0) -> None:
        """Hands a job over once the session's transaction commits; the same id, while it waits, is one."""
        self.hand_over(session.sync_session, job, tenant, priority=priority)

    def hand_over(self, session: Session, job: str, tenant: str, *, pack: str = "", priority: int = 0) -> None:
        """`submit`, in whatever thread the transaction runs."""
        handed: list[tuple[str, str, int]] | None = session.info.get(HANDED)
        if handed is None:
            handed = session.info[HANDED] = []
            self._follow(session, handed)
        handed.append((job, tenant, priority))

    @asynccontextmanager
    async def serve(self, run_job: RunJob, *, concurrency: int) -> AsyncGenerator[None]:
        """Works while the block lasts; what is under way then has the grace to end, or waits again."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        starting = asyncio.create_task(self._start(run_job, concurrency))
        self._workers += 1
        try:
            yield
        finally:
            self._workers -= 1
            starting.cancel()
            if self._running:
                _, late = await asyncio.wait(self._running, timeout=self._grace)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def cancel(self, job: str) -> None:
        """Keeps a waiting job from being started."""
        self._again.pop(job, None)
        for queue in self._waiting.values():
            for one in [one for one in queue if one[2] == job]:
                queue.remove(one)
                heapq.heapify(queue)
                del self._tenants[job]

    async def stats(self) -> Stats:
        """How many jobs wait and run, and whether this process serves."""
        return Stats(sum(map(len, self._waiting.values())), len(self._running), self._workers)

    def _follow(self, session: Session, handed: list[tuple[str, str, int]]) -> None:
        def committed(_: Any) -> None:
            given = [*handed]
            handed.clear()
            if self._loop is None or threading.get_ident() == self._thread:
                self._take(given)
            else:
                self._loop.call_soon_threadsafe(self._take, given)

        def rolled_back(_: Any) -> None:
            handed.clear()

        event.listen(session, "after_commit", committed)
        event.listen(session, "after_rollback", rolled_back)

    def _take(self, handed: Sequence[tuple[str, str, int]]) -> None:
        for job, tenant, priority in handed:
            if job in self._running.values():
                self._again[job] = (tenant, priority)
            elif job not in self._tenants:
                self._queue(job, tenant, priority)

    def _queue(self, job: str, tenant: str, priority: int) -> None:
        self._tenants[job] = tenant
        heapq.heappush(self._waiting.setdefault(tenant, []), (-priority, next(self._numbers), job))
        self._news.set()

    async def _start(self, run_job: RunJob, concurrency: int) -> None:
        while True:
            while len(self._running) < concurrency and (found := self._next()):
                task = asyncio.create_task(patiently(run_job, found[2], self._pauses))
                self._running[task] = found[2]
                task.add_done_callback(lambda ended, found=found: self._end(ended, found))
            self._news.clear()
            await self._news.wait()

    def _next(self) -> Waiting | None:
        """The first job of the tenant that was served longest ago."""
        running = Counter(self._tenants[job] for job in self._running.values())
        for tenant, queue in self._waiting.items():
            if queue and (self._share is None or running[tenant] < self._share):
                self._waiting[tenant] = self._waiting.pop(tenant)
                return heapq.heappop(queue)
        return None

    def _end(self, task: asyncio.Task[Any], found: Waiting) -> None:
        tenant = self._tenants.pop(self._running.pop(task))
        self._news.set()
        again = self._again.pop(found[2], None)
        if task.cancelled() or task.exception() is not None:
            again = (tenant, -found[0])
        if again is not None:
            self._queue(found[2], *again)
