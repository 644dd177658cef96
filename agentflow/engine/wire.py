"""The wire: faults of the network and of a provider, met in one place for each model and shared by all jobs."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from agentflow.engine.breaker import NONSENSE, OUTAGE, Breaker, Bucket, Latencies
from agentflow.engine.window import Window
from agentflow.errors import AnswerError, DeadlineError, ModelError

R = TypeVar("R")

TIMED_OUT, TOO_MANY = 408, 429
BUSY = {TIMED_OUT, 409, TOO_MANY, 500, 502, 503, 504, 529}
"""HTTP states after which the same call may succeed."""
AWAY = {*BUSY, 401, 403, 404}
"""HTTP states that speak of the model and not of the question."""
BACKOFF, LONGEST_BACKOFF = 1.0, 20.0
"""Seconds: a retry waits anything between nothing and 1, then 2, then 4 ... (full jitter)."""
LONGEST_WAIT = 60.0
"""Seconds; a provider that asks for more is left alone for as long as it says, and the work moves on."""
RETRIES = 0.1
"""Retries as a share of a model's requests."""
HEDGES = 0.02
"""Second requests as a share of a model's requests."""
HEDGE_AT = 0.985
"""Quantile of a model's latency after which a second request is sent: below it the share above would not do."""
TIMEOUT_WEIGHT = 4
"""A timeout counts as several failures: each has cost minutes."""


@dataclass
class Wire:
    """What is known of one model's wire."""

    name: str
    outage: Breaker = field(default_factory=lambda: Breaker(OUTAGE))
    nonsense: Breaker = field(default_factory=lambda: Breaker(NONSENSE))
    retries: Bucket = field(default_factory=lambda: Bucket(RETRIES, most=20, start=10))
    hedges: Bucket = field(default_factory=lambda: Bucket(HEDGES, most=20))
    latencies: Latencies = field(default_factory=Latencies)
    window: Window = field(default_factory=Window)
    written: float | None = None
    """Tokens of a typical answer; None before the first."""

    async def call(self, send: Callable[[], Awaitable[R]], *, tries: int, until: float = float("inf")) -> R:
        """What `send` gives, sent again after a fault that passes and beside one that takes too long.

        `until` is a time of the event loop's clock. `send` raises ModelError with the HTTP `status` it failed with,
        AnswerError where there was an answer of no use. Raises what the last `send` did; ModelError with
        `retry_after` where the breaker is open.
        """
        self.retries.add()
        self.hedges.add()
        again = AsyncRetrying(
            retry=retry_if_exception(_passes), wait=_pause, stop=self._enough(tries, until), reraise=True
        )
        return await again(self._in_turn, send, until)

    def _enough(self, tries: int, until: float) -> Callable[[RetryCallState], bool]:
        def enough(state: RetryCallState) -> bool:
            after = now() + state.upcoming_sleep
            if state.attempt_number >= tries or state.upcoming_sleep > LONGEST_WAIT or after >= until:
                return True
            return not (self.outage.closed and self.nonsense.closed and self.retries.take())

        return enough

    def wrote(self, tokens: int) -> None:
        """Notes the length of an answer; a replay has none."""
        if tokens:
            self.written = float(tokens) if self.written is None else 0.9 * self.written + 0.1 * tokens

    async def _in_turn(self, send: Callable[[], Awaitable[R]], until: float) -> R:
        """Sends once the model is taken to bear one more request. Raises DeadlineError where that is too late."""
        if not await self.window.enter(until):
            raise DeadlineError(f"{self.name} had too much to do until the deadline; allow more time")
        try:
            return await self._hedged(send, until)
        finally:
            self.window.leave()

    async def _hedged(self, send: Callable[[], Awaitable[R]], until: float) -> R:
        """Sends, and once more after the delay, or the first multiple of it at which a second request is affordable."""
        self._admit()
        delay = self._patience()
        if delay is None or now() + delay >= until:
            return await self._noted(send)
        began, first = now(), asyncio.ensure_future(self._noted(send))
        sends = [first]
        try:
            while len(sends) == 1 and not (await asyncio.wait(sends, timeout=delay))[0]:
                if self.outage.closed and not self.window.waiting and self.hedges.take():
                    sends.append(asyncio.ensure_future(self._noted(send)))
            answered = await _first_to_answer(sends)
            if answered is not first and not first.done():
                self.latencies.add(now() - began)  # at least that long
            return answered.result()
        finally:
            await _cancelled(sends)

    def _admit(self) -> None:
        """Raises ModelError while a breaker is open, but for the probes."""
        at = now()
        for breaker, why in ((self.nonsense, "it answered nonsense"), (self.outage, "it did not answer")):
            if not breaker.admit(at):
                wait = breaker.wait(at)
                raise ModelError(f"{self.name} is left alone for {wait:.1f} s: {why}", retry_after=wait)

    def _patience(self) -> float | None:
        """Seconds after which a second request is worth its money; None where too little is known."""
        usual, late = self.latencies.quantile(0.95), self.latencies.quantile(HEDGE_AT)
        return None if usual is None or late is None else min(late, 2 * usual)

    async def _noted(self, send: Callable[[], Awaitable[R]]) -> R:
        """Sends once; breakers and latencies hear of what comes of it."""
        began = now()
        try:
            answer = await send()
        except AnswerError:
            self._answered(began, sound=False)
            raise
        except ModelError as error:
            self._failed(error, began)
            raise
        self._answered(began, sound=True)
        return answer

    def _answered(self, began: float, *, sound: bool) -> None:
        at = now()
        self.latencies.add(at - began)
        self.window.answered()
        self.outage.record(True, began, at)
        self.nonsense.record(sound, began, at)

    def _failed(self, error: ModelError, began: float) -> None:
        at, rest = now(), error.retry_after or 0.0
        if error.status == TOO_MANY:
            self.window.refused()
        if error.status in AWAY:
            weight = TIMEOUT_WEIGHT if error.status == TIMED_OUT else 1
            self.outage.record(False, began, at, weight=weight, rest=rest)
        if rest > LONGEST_WAIT:
            self.outage.open(at, rest)


def wait_asked_for(headers: Any) -> float | None:
    """Seconds that a response's headers ask to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date.

    A date counts from that of the response: the clock here may be wrong, or jump.
    """
    found = {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}
    try:
        if "retry-after-ms" in found:
            return max(0.0, float(found["retry-after-ms"]) / 1000)
        return max(0.0, float(found["retry-after"])) if "retry-after" in found else None
    except ValueError:
        return _until_date(found["retry-after"], found.get("date")) if "retry-after" in found else None


def _until_date(text: str, since: str | None) -> float | None:
    try:
        began = parsedate_to_datetime(since) if since else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(text) - began).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def _passes(error: BaseException) -> bool:
    return isinstance(error, ModelError) and error.status in BUSY


def _pause(state: RetryCallState) -> float:
    """Seconds before the next try: what the provider asks for, and full jitter on top of it."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, ModelError) else None
    most = min(LONGEST_BACKOFF, BACKOFF * 2 ** (state.attempt_number - 1))
    return (asked or 0.0) + random.uniform(0, most)  # noqa: S311 - spreads retries, hides nothing


async def _first_to_answer(sends: Sequence[asyncio.Future[R]]) -> asyncio.Future[R]:
    """The first send that brings an answer, of use or not; where none does, the first of all."""
    pending = set(sends)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if answers := [one for one in done if isinstance(one.exception(), AnswerError | None)]:
            return answers[0]
    return sends[0]


async def _cancelled(sends: Sequence[asyncio.Future[R]]) -> None:
    """Ends what is still under way, and waits until it has written what it cost."""
    for one in sends:
        one.cancel()
    await asyncio.gather(*sends, return_exceptions=True)


def now() -> float:
    """Seconds by the event loop's clock, which never goes back."""
    return asyncio.get_running_loop().time()
