"""Room: whether more jobs may be handed to an engine, without counting what waits each time that one is."""

import asyncio
import time

from agentflow.jobs.dispatch import Engine

EVERY = 0.5
"""Seconds between two counts."""


class Room:
    """For `most` jobs that wait. What was let in since the last count is taken to wait too."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._waiting = 0
        self._until = 0.0
        self._counting = asyncio.Lock()

    async def taken(self) -> bool:
        """Takes a place; False where there is none."""
        if time.monotonic() > self._until:
            await self._count()
        if self._waiting >= self._most:
            return False
        self._waiting += 1
        return True

    async def _count(self) -> None:
        async with self._counting:
            if time.monotonic() > self._until:
                self._waiting = (await self._engine.stats()).waiting
                self._until = time.monotonic() + EVERY
