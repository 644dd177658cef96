"""Dispatch: the port through which accepted jobs reach a worker, whichever engine carries them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from agentflow.engine.metrics import Metrics

RunJob = Callable[[str], Awaitable[None]]
"""Carries the job of that id on; safe to call any number of times, at the same time and from anywhere."""


@dataclass(frozen=True)
class Stats:
    """How an engine stands."""

    waiting: int
    running: int
    workers: int


async def standing(engine: "Engine", metrics: Metrics) -> None:
    """Counts how the engine stands."""
    stats = await engine.stats()
    metrics.stands(stats.waiting, stats.running, stats.workers)


class Engine(Protocol):
    """At-least-once delivery of job ids to `run_job`. It may be wrong about who is dead: the job's fence is not."""

    async def submit(self, session: AsyncSession, job: str, tenant: str, *, priority: int = 0) -> None:
        """Hands a job over in the caller's transaction: neither is there without the other. The same id is one."""
        ...

    def hand_over(self, session: Session, job: str, tenant: str, *, pack: str, priority: int = 0) -> None:
        """`submit` for a job of `pack` that the same transaction has added; in whatever thread that runs."""
        ...

    def serve(self, run_job: RunJob, *, concurrency: int) -> AbstractAsyncContextManager[None]:
        """Works while the block lasts; at its end it finishes what is under way or hands it back."""
        ...

    async def cancel(self, job: str) -> None:
        """Keeps a waiting job from being started; one under way is told by its own state."""
        ...

    async def stats(self) -> Stats:
        """How many jobs wait and run, and how many workers are alive."""
        ...
