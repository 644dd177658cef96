"""Promises in production: what live jobs did against what their pack states."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal

from agentflow.exams.certify_binomial import lower, upper
from agentflow.flow.pack import Promises

TAIL = 0.025
"""Of each end of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Live:
    """One job that has come to an outcome, has failed, or waits for a person."""

    job: str
    finished: bool
    touchless: bool
    """Without a person."""
    seconds: float
    cost: float
    """USD of its model calls."""
    wrong: bool | None = None
    """What an audit found; None where there was none."""
    waits: bool = False
    """For a person. It is counted: else a pack whose questions nobody answers would do everything by itself."""


@dataclass(frozen=True, slots=True)
class Held:
    """One promise against what was measured."""

    name: str
    promise: float
    value: float
    low: float
    high: float
    cases: int
    sense: Literal["at most", "at least"] = "at most"

    @property
    def state(self) -> Literal["kept", "broken", "open"]:
        """Open where the 95 % interval holds the promise."""
        below, above = self.high <= self.promise, self.low > self.promise
        if self.sense == "at least":
            below, above = self.low >= self.promise, self.high < self.promise
        return "kept" if below else "broken" if above else "open"

    @property
    def spent(self) -> float:
        """The part of the error budget that is spent: 1 is all of it, 0 where nothing was seen yet."""
        used, of = (self.value, self.promise) if self.sense == "at most" else (1 - self.value, 1 - self.promise)
        if not self.cases or used <= 0:
            return 0.0
        return used / of if of > 0 else math.inf


def is_sampled(job: str, share: float) -> bool:
    """Whether a job is one of those that are audited: the same for whoever asks, and by nothing but chance."""
    return int.from_bytes(hashlib.sha256(f"audit\x1f{job}".encode()).digest()[:7]) / 2**56 < share


def held(jobs: Sequence[Live], promises: Promises) -> list[Held]:
    """What the pack promises, with 95 % intervals. Audits of jobs that chance did not choose are left out."""
    ended, asked = [job for job in jobs if job.finished], [job for job in jobs if job.finished or job.waits]
    free = [job for job in ended if job.touchless]
    audited = [job for job in free if job.wrong is not None and is_sampled(job.job, promises.audits)]
    found: list[Held] = []
    if promises.silent is not None:
        found.append(_share("silent errors", promises.silent, [bool(job.wrong) for job in audited]))
    if promises.touchless is not None:
        found.append(
            _share(
                "without a person", promises.touchless, [job.touchless and not job.waits for job in asked], "at least"
            )
        )
    if promises.seconds is not None:
        found.append(_tail("seconds, 95 %", promises.seconds, [job.seconds for job in ended]))
    if promises.cost is not None:
        # What failed jobs cost is paid by those that came to an outcome.
        found.append(_cost(float(promises.cost), [job.cost for job in jobs if not job.waits], len(ended)))
    return found


def _share(name: str, promise: float, hits: Sequence[bool], sense: Literal["at most", "at least"] = "at most") -> Held:
    """With the exact interval of Clopper and Pearson."""
    n, k = len(hits), sum(hits)
    return Held(name, promise, k / n if n else 0.0, lower(k, n, TAIL), upper(k, n, TAIL) if n else 1.0, n, sense)


def _tail(name: str, promise: float, seconds: Sequence[float], q: float = 0.95) -> Held:
    """The quantile, between the order statistics that hold it."""
    ranked, n = sorted(seconds), len(seconds)
    if not n:
        return Held(name, promise, 0.0, 0.0, math.inf, 0)
    half = 1.96 * math.sqrt(n * q * (1 - q))
    low, high = math.floor(n * q - half), math.ceil(n * q + half)
    above = ranked[high] if high < n else math.inf
    return Held(name, promise, ranked[min(n - 1, math.ceil(n * q) - 1)], ranked[max(0, low)], above, n)


def _cost(promise: float, costs: Sequence[float], outcomes: int) -> Held:
    if not outcomes:
        return Held("USD an outcome", promise, 0.0, 0.0, math.inf, 0)
    mean = fmean(costs) * len(costs) / outcomes
    half = 1.96 * stdev(costs) * math.sqrt(len(costs)) / outcomes if len(costs) > 1 else math.inf
    return Held("USD an outcome", promise, mean, max(0.0, mean - half), mean + half, outcomes)
