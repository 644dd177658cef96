"""Serving: what a worker of any engine needs to run jobs at once, to end in time and to look after things."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from agentflow.errors import ConfigError
from agentflow.jobs.dispatch import RunJob
from agentflow.jobs.engines.patience import PAUSES, Ours, patiently
from agentflow.jobs.logs import told

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """Seconds: how often things are looked at, and how long they may take."""

    poll: float = 0.2
    """Between two looks for waiting jobs."""
    beat: float = 5.0
    """Between two signs of life of a worker."""
    dead: float = 20.0
    """Without a sign of life, after which a worker's jobs are handed to others."""
    sweep: float = 20.0
    """Between two searches for jobs that nobody carries."""
    grace: float = 30.0
    """For what is under way when `serve` ends; what takes longer is handed back."""
    pauses: Sequence[float] = PAUSES
    """Between the tries of a job whose run breaks off."""


class AtWork:
    """The jobs that this process carries."""

    def __init__(self, run_job: RunJob, concurrency: int, timing: Timing) -> None:
        self._run_job = run_job
        self._places = asyncio.Semaphore(concurrency)
        self._timing = timing
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    async def carry(self, job: str, ours: Ours) -> None:
        """Runs a job, once there is a place and while it is `ours`; an older run of it here ends.

        Cancelled where it does not end in time, or came too late.
        """
        came = time.monotonic()
        if older := self._under_way.get(job):
            older.cancel()
        async with self._places:
            if self._closing:
                raise asyncio.CancelledError
            if time.monotonic() - came > self._timing.dead / 2 and not await ours():
                return  # it was taken for dead meanwhile
            task = asyncio.create_task(patiently(self._run_job, job, self._timing.pauses, ours))
            self._under_way[job] = task
            try:
                await task
            finally:
                if self._under_way.get(job) is task:
                    del self._under_way[job]

    async def close(self) -> None:
        """Takes no more jobs, and lets those under way end within the grace."""
        self._closing = True
        if self._under_way:
            _, late = await asyncio.wait(self._under_way.values(), timeout=self._timing.grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def alone(file: Path) -> AbstractContextManager[Any]:
    """The lock of the one process that works on a SQLite file. Raises ConfigError where another does."""
    try:
        return FileLock(f"{file}.worker.lock", timeout=0).acquire()
    except Timeout:
        text = f"another process works on {file}; SQLite takes one, use PostgreSQL for more"
        raise ConfigError(text) from None


async def again_and_again(look: Callable[[], Awaitable[None]], every: float) -> None:
    """Looks after something every so many seconds, whatever becomes of it: the database may be away for a while."""
    while True:
        try:
            await look()
        except Exception as error:  # noqa: BLE001 - as said
            log.warning("a look after the workers failed, to be repeated: %s", told(error))
        await asyncio.sleep(every)


async def stopped(task: asyncio.Task[None]) -> None:
    """Ends a task."""
    task.cancel()
    await asyncio.wait([task])
