"""The window of a model: how many requests may be under way at once, learnt from its refusals."""

import asyncio
import math
from collections import deque


class Window:
    """Open until the first refusal; then as wide as what the model bore, one wider for every windowful of answers.

    Additive increase and multiplicative decrease, as TCP does it (Chiu and Jain, 1989), with the gentlest decrease:
    each refusal tells that one fewer would have been borne.
    """

    def __init__(self) -> None:
        self.limit = math.inf
        self.under_way = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that stand in line."""
        return len(self._line)

    async def enter(self, until: float = math.inf) -> bool:
        """Takes a place, first come, first served; False where there is none before `until` of the loop's clock."""
        if self.under_way < self.limit and not self._line:
            self.under_way += 1
            return True
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout_at(None if until == math.inf else until):
                await turn
        except BaseException as error:
            self._give_up(turn)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def leave(self) -> None:
        """Gives the place back."""
        self.under_way -= 1
        self._call()

    def refused(self) -> None:
        """Notes that the model had too much to do; whoever was refused still has its place."""
        self.limit = float(max(1, min(self.limit, self.under_way - 1)))

    def answered(self) -> None:
        """Notes an answer."""
        self.limit += 1 / self.limit

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        if turn.done() and not turn.cancelled():
            self.leave()
        elif turn in self._line:
            self._line.remove(turn)

    def _call(self) -> None:
        while self._line and self.under_way < self.limit:
            turn = self._line.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)
