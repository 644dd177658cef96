"""Virtual time: an event loop whose clock jumps to the next timer, so that an outage of a minute takes a moment."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: what would be waited for is added to the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs timers at once and in their order. Threads and sockets have no place in it."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(doing: Coroutine[Any, Any, R]) -> R:
    """What the coroutine gives, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(doing)


def now() -> float:
    """Seconds of virtual time: a clock for `agentflow.testing.Provider`."""
    return asyncio.get_running_loop().time()
