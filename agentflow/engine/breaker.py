"""Circuit breakers, token buckets and latencies: what is remembered of one model's calls. Time is given, never read."""

import random
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Trip:
    """When a breaker opens, and how it finds out that it may close."""

    window: int
    """Outcomes looked back at."""
    share: float
    """Share of failures among them that opens it."""
    probe: float
    """Mean seconds between the calls that are let through while it is open."""


OUTAGE = Trip(window=10, share=1.0, probe=0.5)
NONSENSE = Trip(window=20, share=0.9, probe=30.0)


class Breaker:
    """Open while most calls fail. Then one call at a time is let through as a probe; the first that succeeds closes it.

    Times are seconds of any clock that never goes back.
    """

    def __init__(self, trip: Trip) -> None:
        self.trip = trip
        self._failed: deque[bool] = deque(maxlen=trip.window)
        self._changed = float("-inf")
        self._probe: float | None = None

    @property
    def closed(self) -> bool:
        """True if calls pass freely."""
        return self._probe is None

    def wait(self, now: float) -> float:
        """Seconds until the next call is let through."""
        return 0.0 if self._probe is None else max(0.0, self._probe - now)

    def admit(self, now: float) -> bool:
        """True if a call may be sent; while the breaker is open that makes it the probe."""
        if self._probe is None:
            return True
        if now < self._probe:
            return False
        self._probe = self._next(now)
        return True

    def record(self, ok: bool, began: float, now: float, *, weight: int = 1, rest: float = 0.0) -> None:
        """Takes note of a call that began at `began`; what was sent before the breaker last changed says nothing more.

        A failure may count for several, and may ask for `rest`: seconds in which an open breaker lets nothing through.
        """
        if began < self._changed:
            return
        if self._probe is not None:
            self._probed(ok, now, rest)
            return
        self._failed.extend([not ok] * weight)
        if len(self._failed) == self.trip.window and sum(self._failed) >= self.trip.share * self.trip.window:
            self._changed, self._probe = now, max(self._next(now), now + rest)

    def open(self, now: float, rest: float) -> None:
        """Opens it for at least `rest` seconds."""
        self._changed, self._probe = now, max(self._probe or 0.0, now + rest)

    def _probed(self, ok: bool, now: float, rest: float) -> None:
        if ok:
            self._changed, self._probe = now, None
            self._failed.clear()
        else:
            self._probe = max(self._probe or 0.0, now + rest)

    def _next(self, now: float) -> float:
        return now + self.trip.probe * random.uniform(0.5, 1.5)  # noqa: S311 - spreads probes, hides nothing


class Bucket:
    """Tokens: every request adds a share of one, every extra send takes one."""

    def __init__(self, share: float, most: float, start: float = 0.0) -> None:
        self.share = share
        self.most = most
        self.tokens = start

    def add(self) -> None:
        """Notes a request."""
        self.tokens = min(self.most, self.tokens + self.share)

    def take(self) -> bool:
        """True if there was a token."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Latencies:
    """The last latencies of a model, in seconds."""

    def __init__(self, size: int = 500, least: int = 50) -> None:
        """Nothing is said of fewer than `least`."""
        self.size = size
        self.least = least
        self._line: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, seconds: float) -> None:
        """Notes one; the oldest is forgotten where there are too many."""
        self._line.append(seconds)
        insort(self._sorted, seconds)
        if len(self._line) > self.size:
            del self._sorted[bisect_left(self._sorted, self._line.popleft())]

    def quantile(self, share: float) -> float | None:
        """What a share of the latencies lies below; None where too few are known."""
        known = len(self._sorted)
        return self._sorted[min(known - 1, int(share * known))] if known >= self.least else None
