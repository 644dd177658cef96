"""Room: how many jobs may wait, of one tenant and of all; who comes too late is told when to come back."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from agentflow.jobs.service import Agentflow
from agentflow.jobs.tables import Job
from agentflow.web.limits import Limits
from agentflow.web.problems import Problem

FRESH, FRESH_WHEN_FULL = 1.0, 0.1
"""Seconds for which a count is reckoned on before it is looked up again."""
LATER = {"Retry-After": "5"}


@dataclass
class Reckoned:
    """A count that is looked up once in a while; in between it grows by what is accepted here."""

    look: Callable[[], Awaitable[int]]
    most: int
    found: int = 0
    looked_at: float = float("-inf")

    async def full(self) -> bool:
        """Whether there are as many as there may be."""
        age = time.monotonic() - self.looked_at
        if age > (FRESH if self.found < self.most else FRESH_WHEN_FULL):
            self.looked_at = time.monotonic()
            self.found = await self.look()
        return self.found >= self.most


class Room:
    """What waits, as one process reckons it: with several servers the bounds are passed by a little."""

    def __init__(self, service: Agentflow, limits: Limits) -> None:
        self._service = service
        self._most = limits.waiting_per_tenant
        self._all = Reckoned(self._waiting, service.most_waiting)
        self._tenants: dict[str, Reckoned] = {}

    async def check(self, tenant: str) -> None:
        """Raises Problem where no more jobs are taken: 429 where the tenant's own wait, 503 where too many do."""
        if await self._of(tenant).full():
            raise Problem("quota-exceeded", f"{self._most} of your jobs wait already.", headers=LATER)
        if await self._all.full():
            raise Problem("temporary-reduced-capacity", "Too many jobs wait.", headers=LATER)

    def took(self, tenant: str) -> None:
        """A job of the tenant's was accepted."""
        self._of(tenant).found += 1
        self._all.found += 1

    def _of(self, tenant: str) -> Reckoned:
        if tenant not in self._tenants:
            self._tenants[tenant] = Reckoned(lambda: self._queued(tenant), self._most)
        return self._tenants[tenant]

    async def _waiting(self) -> int:
        return (await self._service.engine.stats()).waiting

    async def _queued(self, tenant: str) -> int:
        waiting = select(Job.id).where(Job.tenant_id == tenant, Job.status == "queued").limit(self._most)
        async with self._service.store.looking() as session:
            return await session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
