"""The provider: faulty models with a memory of what they were sent, behind whichever door."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp

from agentflow.testing.answers import CHARACTERS_A_TOKEN, answer, picked
from agentflow.testing.chance import hashed, key, normal, uniform
from agentflow.testing.law import Law
from agentflow.testing.mistakes import Mistake, mistake
from agentflow.testing.request import Reply, Request
from agentflow.testing.spec import Episode, Faulty, FaultyModel, Latency
from agentflow.testing.truth import Gold, Truth

_WIRE, _STATUS, _LATENCY, _STRAGGLER, _LENGTH = range(31, 36)
STATUSES = (500, 502, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What comes of one send: a reply, or what keeps it from coming, and after how many seconds."""

    seconds: float
    reply: Reply | None = None
    status: int = 200
    fault: str | None = None
    """The wire fault, by its name in faulty.toml, or the kind of the episode."""
    retry_after: float | None = None

    @property
    def silent(self) -> bool:
        """True if nothing comes before the caller gives up."""
        return self.fault in ("timeout", "silent")

    @property
    def broken(self) -> bool:
        """True if the connection ends: before the answer, or in the middle of it where there is a `reply`."""
        return self.fault in ("cut", "unreachable")


class Provider:
    """The models of a `Faulty`. A prompt that is sent again is counted, so that a second send has its own fate."""

    def __init__(
        self, faulty: Faulty, truth: Truth, *, make: Mistake = mistake, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`make` makes the wrong values, `clock` gives seconds. Raises ConfigError as `Law` does."""
        self.law = Law(faulty)
        self.truth = truth
        self._make = make
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets all sends: what comes next is answered as if it were the first; time starts again."""
        self.calls: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._sends: dict[int, int] = {}
        self._backlog: dict[str, tuple[float, float]] = {}
        self._began = self._clock()

    def send(self, request: Request) -> Answered:
        """What becomes of the request. Raises LookupError where there is no such model or no truth for the case."""
        spec = self.law.faulty.models.get(request.model)
        if spec is None:
            raise LookupError(f"there is no model {request.model}; there are {', '.join(self.law.faulty.models)}")
        gold = self.truth(request)
        if gold is None:
            raise LookupError(f"the truth knows no case for this prompt: {request.text[:80]!r}")
        counts = self.calls[request.model]
        number = counts["sends"]
        counts["sends"] = number + 1
        answered = self._fate(request, spec, gold, number)
        self._count(counts, answered)
        return answered

    def _fate(self, request: Request, spec: FaultyModel, gold: Gold, number: int) -> Answered:
        earlier = self._earlier(request, spec)
        send = key(self.law.faulty.seed, self.law.id(request.model), request.variant, request.seed or 0, earlier)
        second = self._clock() - self._began if spec.episodes or spec.limit else 0.0
        episode = next((e for e in spec.episodes if e.covers(number, second)), None)
        waits = self._wait(request.model, spec, second)
        seconds = _latency(spec.latency, send) * (episode.factor if episode and episode.kind == "slow" else 1)
        if episode and episode.kind not in ("slow", "nonsense"):
            return _kept_away(episode, spec, seconds)
        if waits is None:
            return Answered(seconds=0.0, status=429, fault="rate_limited", retry_after=spec.retry_after)
        fault = picked(spec.wire.shares, uniform(send, _WIRE)) if spec.wire.shares else None
        if fault in ("rate_limited", "server_error", "timeout"):
            return _failed(fault, spec, seconds, send)
        form = "nonsense" if episode and episode.kind == "nonsense" else (fault if fault != "cut" else None)
        attempt = _attempt(request, earlier)
        reply = answer(self.law, request, gold, attempt, make=self._make, fault=form)
        return Answered(seconds=seconds + waits, reply=_within(reply, request, spec), fault=fault)

    def _earlier(self, request: Request, spec: FaultyModel) -> int:
        """How often this very question was sent before; not counted where nothing hangs on it."""
        if request.repeats and not spec.wire.shares and not spec.latency.median:
            return 0
        prompt = key(self.law.id(request.model), request.variant, request.seed or 0)
        earlier = self._sends.get(prompt, 0)
        self._sends[prompt] = earlier + 1
        return earlier

    def _wait(self, model: str, spec: FaultyModel, second: float) -> float | None:
        """Seconds in the model's queue; None where the queue is full."""
        if spec.limit is None:
            return 0.0
        work, at = self._backlog.get(model, (0.0, second))
        work = max(0.0, work - (second - at) * spec.limit.per_second)
        full = work >= spec.limit.queue * spec.limit.per_second
        self._backlog[model] = (work + (spec.limit.refusal_cost if full else 1.0), second)
        return None if full else work / spec.limit.per_second

    def _count(self, counts: Counter[str], answered: Answered) -> None:
        if answered.fault:
            counts[answered.fault] += 1
        if answered.reply is not None and not answered.broken:
            reply = answered.reply
            if reply.fault and reply.fault != answered.fault:
                counts[reply.fault] += 1
            if reply.outcome is not None:
                counts[reply.outcome.name.lower()] += 1


def _attempt(request: Request, earlier: int) -> int:
    """Which draw of the answer it is: the same again for a question that repeats."""
    if request.seed is not None:
        return key(hashed("seed"), request.seed)
    return 0 if request.temperature == 0 else earlier


def _within(reply: Reply, request: Request, spec: FaultyModel) -> Reply:
    """The reply cut off where it is longer than `max_tokens` allow; a model with a price a call counts no tokens."""
    most = request.max_tokens
    if most is None or reply.tokens_out <= most or spec.price.call is not None or reply.content is None:
        return reply
    content = reply.content[: most * CHARACTERS_A_TOKEN]
    return replace(reply, content=content, finish="length", tokens_out=most, outcome=None, fault="length")


def _kept_away(episode: Episode, spec: FaultyModel, seconds: float) -> Answered:
    if episode.kind == "down":
        limited = spec.retry_after if episode.status == 429 else None
        return Answered(seconds=seconds, status=episode.status, fault="down", retry_after=limited)
    return Answered(seconds=spec.hang if episode.kind == "silent" else 0.0, fault=episode.kind)


def _failed(fault: str, spec: FaultyModel, seconds: float, send: int) -> Answered:
    if fault == "timeout":
        return Answered(seconds=spec.hang, fault=fault)
    if fault == "rate_limited":
        return Answered(seconds=0.0, status=429, fault=fault, retry_after=spec.retry_after)
    status = STATUSES[int(uniform(send, _STATUS) * len(STATUSES))]
    return Answered(seconds=seconds, status=status, fault=fault)


def _latency(law: Latency, send: int) -> float:
    if law.median == 0:
        return 0.0
    if law.stragglers and uniform(send, _STRAGGLER) < law.stragglers:
        least, most = law.straggler
        return least + uniform(send, _LENGTH) * (most - least)
    return law.median * exp(law.sigma * normal(send, _LATENCY))
