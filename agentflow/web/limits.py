"""Limits: how much a server takes on, and how often it may be asked."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field

from agentflow.jobs.keys import Caller


@dataclass(frozen=True)
class Limits:
    """How much a server takes on."""

    json_bytes: int = 1 << 20
    file_bytes: int = 32 << 20
    json_seconds: float = 30.0
    """Within which the body of a request has to arrive."""
    file_seconds: float = 600.0
    """Within which a file has to arrive."""
    per_minute: int = 600
    """Requests a key, in a minute."""
    wrong_keys: int = 30
    """Requests without a valid key that an address may send in a minute."""
    at_once: int = 256
    """Requests under way in one process; more are told to come back."""
    at_once_per_key: int = 128
    """Requests of one key under way in one process; streams and long waits are such."""
    waiting_per_tenant: int = 2_000
    """Jobs of one tenant that may wait for a worker."""
    stream_seconds: float = 3600.0
    """How long a stream of events may stay open."""


@dataclass
class Buckets:
    """Token buckets by name, the latest ten thousand of them; they fill in a minute."""

    size: int
    _full: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict[str, tuple[float, float]])

    def left(self, name: str) -> tuple[float, float]:
        """Tokens left, and the seconds until there is one."""
        tokens, at = self._full.get(name, (float(self.size), time.monotonic()))
        tokens = min(float(self.size), tokens + (time.monotonic() - at) * self.size / 60)
        return tokens, max(0.0, (1 - tokens) * 60 / self.size)

    def take(self, name: str) -> None:
        """Takes a token, whether there is one or not."""
        self._full[name] = (max(self.left(name)[0] - 1, -1.0), time.monotonic())
        self._full.move_to_end(name)
        if len(self._full) > 10_000:
            self._full.popitem(last=False)


@dataclass
class Known:
    """Callers that were let in a moment ago, by their key's digest: a key that is revoked works that long at most."""

    seconds: float = 1.0
    _seen: dict[str, tuple[Caller, float]] = field(default_factory=dict[str, tuple[Caller, float]])

    def get(self, digest: str) -> Caller | None:
        """The caller, where it was let in within those seconds."""
        caller, until = self._seen.get(digest, (None, 0.0))
        return caller if until > time.monotonic() else None

    def put(self, digest: str, caller: Caller | None) -> None:
        """Remembers who was let in; nobody else."""
        if len(self._seen) > 10_000:
            self._seen.clear()
        if caller is not None:
            self._seen[digest] = (caller, time.monotonic() + self.seconds)
