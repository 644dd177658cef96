"""Benchmark of faults: `python -m tests.benchmarks.faults` meets an outage and stragglers.

An emulated server bears 100 calls a second and is down for 20 s; 80 and 95 requests a second are made of it, by the
layer and by plain retries with full jitter. Then jobs of ten steps are run on a model of which 1 % of calls straggle,
with the layer and with plain calls. Time is virtual: the layer's code is the real one, its clock jumps.
"""

import argparse
import asyncio
import random
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from tenacity import AsyncRetrying, stop_after_attempt, wait_random_exponential

from agentflow.engine.models import Lines, ModelConfig, Models
from agentflow.errors import ModelError
from agentflow.testing import (
    Completions,
    Episode,
    Faulty,
    FaultyModel,
    Latency,
    Limit,
    MemoryJournal,
    Provider,
    WireError,
    by_marker,
)
from tests.benchmarks.report import Metric, finish
from tests.benchmarks.virtual import now, run

CAPACITY, DOWN, SECONDS = 100.0, (20.0, 40.0), 120.0
IN_TIME = 5.0
"""Seconds within which an answer counts as one."""
STEPS = 10

Ask = Callable[[str], Awaitable[object]]
"""Asks a question; raises ModelError or WireError where there is no answer."""


class Total(BaseModel):
    value: int


@dataclass(frozen=True)
class Stream:
    """What came of a stream of requests: when each was made, and after how many seconds it was answered."""

    asked: list[tuple[float, float | None]]
    sends: int
    in_vain: int
    """Sends that met the outage."""

    @property
    def per_request_while_down(self) -> float:
        """Sends that met the outage, a request made during it."""
        return self.in_vain / sum(DOWN[0] <= at < DOWN[1] for at, _ in self.asked)

    @property
    def per_request(self) -> float:
        return self.sends / len(self.asked)

    @property
    def served(self) -> float:
        return statistics.fmean(seconds is not None and seconds <= IN_TIME for _, seconds in self.asked)

    def rate(self, since: float, width: float) -> float:
        """Share of the requests made in a while that are answered in time."""
        inside = [s is not None and s <= IN_TIME for at, s in self.asked if since <= at < since + width]
        return statistics.fmean(inside) if inside else 1.0

    @property
    def recovery(self) -> float:
        """Seconds after the outage until 95 % of the requests of the next 2 s are answered in time."""
        last = SECONDS - DOWN[1] - 2
        steps = (i * 0.1 for i in range(int(last / 0.1) + 1))
        return next((s for s in steps if self.rate(DOWN[1] + s, 2.0) >= 0.95), last)


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and jobs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file, and a picture beside it")
    args = parser.parse_args()
    repeats, jobs = (3, 1000) if args.quick else (5, 3000)
    metrics, picture = measure(repeats=repeats, jobs=jobs, seed=args.seed)
    if args.json:
        args.json.with_suffix(".svg").write_text(picture, encoding="utf-8")
    finish("faults", metrics, args.json)


def measure(*, repeats: int, jobs: int, seed: int, loads: Sequence[int] = (80, 95)) -> tuple[list[Metric], str]:
    """The metrics of both parts, and their picture."""
    metrics: list[Metric] = []
    drawn: list[Stream] = []
    for load in loads:
        layer = [outage(load, seed + i, layered=True) for i in range(repeats)]
        naive = [outage(load, seed + i, layered=False) for i in range(repeats)]
        metrics += _outage_metrics(load, layer, naive)
        drawn = [layer[0], naive[0]]
    plain, _ = tail(jobs, seed, layered=False)
    hedged, extra = tail(jobs, seed, layered=True)
    metrics += [
        _tail_metric("p99 / median of 10 steps", hedged, 1.6, seed),
        Metric("extra calls, share", extra, None, None, 0.02, "at most"),
        _tail_metric("p99 / median of 10 steps, plain calls", plain, None, seed),
    ]
    return metrics, draw(drawn[0], drawn[1], hedged, plain)


def outage(load: int, seed: int, *, layered: bool) -> Stream:
    """A stream of `load` requests a second past a server that is down for a while."""
    model = FaultyModel(
        latency=Latency(median=0.5),
        limit=Limit(per_second=CAPACITY, queue=1, refusal_cost=0.3),
        episodes=[Episode(seconds=DOWN)],
    )
    return run(_stream(model, load, seed, layered=layered))


async def _stream(model: FaultyModel, load: int, seed: int, *, layered: bool) -> Stream:
    random.seed(seed)
    rng = random.Random(seed)
    provider = _provider(model, seed)
    ask = _layer(provider) if layered else _naive(provider)
    asked: list[tuple[float, float | None]] = []

    async def one(number: int) -> None:
        began = now()
        try:
            await ask(f"[case:{number}]")
            asked.append((began, now() - began))
        except (ModelError, WireError):
            asked.append((began, None))

    async with asyncio.TaskGroup() as group:
        number = 0
        while now() < SECONDS:
            group.create_task(one(number))
            number += 1
            await asyncio.sleep(rng.expovariate(load))
    counts = provider.calls["m"]
    return Stream(sorted(asked, key=lambda pair: pair[0]), counts["sends"], counts["down"])


def tail(jobs: int, seed: int, *, layered: bool) -> tuple[list[float], float]:
    """Seconds that each job's ten steps took, and the share of calls beyond one a step."""
    return run(_jobs(jobs, seed, layered=layered))


async def _jobs(jobs: int, seed: int, *, layered: bool) -> tuple[list[float], float]:
    random.seed(seed)
    model = FaultyModel(latency=Latency(median=1, sigma=0.4, stragglers=0.01, straggler=(10, 40)))
    provider = _provider(model, seed)
    ask = _layer(provider) if layered else _plain(provider)
    gate, took = asyncio.Semaphore(50), [0.0] * jobs

    async def job(number: int) -> None:
        async with gate:
            began = now()
            for step in range(STEPS):
                await ask(f"[case:{number}] step {step}")
            took[number] = now() - began

    async with asyncio.TaskGroup() as group:
        for number in range(jobs):
            group.create_task(job(number))
    return took, provider.calls["m"]["sends"] / (jobs * STEPS) - 1


def _provider(model: FaultyModel, seed: int) -> Provider:
    return Provider(Faulty(seed=seed, models={"m": model}), by_marker(lambda case: {"value": int(case)}), clock=now)


def _layer(provider: Provider) -> Ask:
    """The real layer: one `Models` for all requests, as a runner has it."""
    config = ModelConfig(model="openai/m", input_price=0, output_price=0, tries=4)
    models, journal = Models({"m": config}, lines=Lines(Completions(provider))), MemoryJournal(keep_lines=False)

    async def ask(text: str) -> object:
        model = models.bind("m", "read", (), journal)
        assert model is not None
        return await model.ask(Total, "Read the total.", text)

    return ask


def _plain(provider: Provider) -> Ask:
    completions = Completions(provider)

    async def ask(text: str) -> object:
        messages = [{"role": "system", "content": "Read the total."}, {"role": "user", "content": text}]
        return await completions.acompletion(model="openai/m", messages=messages, temperature=0, timeout=120)

    return ask


def _naive(provider: Provider) -> Ask:
    """Retries with full jitter, as the sensible defaults of most clients have them."""
    again = AsyncRetrying(stop=stop_after_attempt(4), wait=wait_random_exponential(1, max=20), reraise=True)
    plain = _plain(provider)

    async def ask(text: str) -> object:
        return await again.copy()(plain, text)

    return ask


def _outage_metrics(load: int, layer: Sequence[Stream], naive: Sequence[Stream]) -> list[Metric]:
    at = f"at {load} of 100/s"
    return [
        _mean(f"sends a request {at}", [one.per_request for one in layer], 1.1),
        _mean(f"sends while down a request {at}", [one.per_request_while_down for one in layer], 1.1),
        _mean(f"seconds to recover {at}", [one.recovery for one in layer], 2.0),
        _mean(f"share answered in time {at}", [one.served for one in layer], None),
        _mean(f"sends a request {at}, jitter alone", [one.per_request for one in naive], None),
        _mean(f"seconds to recover {at}, jitter alone", [one.recovery for one in naive], None),
        _mean(f"share answered in time {at}, jitter alone", [one.served for one in naive], None),
    ]


STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Quantiles of the t law for a 95 % interval of so many repeats."""


def _mean(name: str, values: Sequence[float], bar: float | None) -> Metric:
    mean = statistics.fmean(values)
    half = STUDENT[len(values)] * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Metric(name, mean, max(0.0, mean - half), mean + half, bar, "at most")


def _tail_metric(name: str, took: Sequence[float], bar: float | None, seed: int) -> Metric:
    """The ratio with its bootstrap interval."""
    rng = random.Random(seed)
    drawn = sorted(ratio(rng.choices(took, k=len(took))) for _ in range(200))
    return Metric(name, ratio(took), drawn[5], drawn[194], bar, "at most")


def ratio(took: Sequence[float]) -> float:
    """p99 over the median."""
    ordered = sorted(took)
    return ordered[int(0.99 * len(ordered))] / statistics.median(ordered)


def draw(layer: Stream, naive: Stream, hedged: Sequence[float], plain: Sequence[float]) -> str:
    """The share answered through the outage, and the tail of ten steps, as SVG."""
    through = [_line([s.rate(t, 2.0) for t in range(0, 118, 2)], 1.0, 20) for s in (layer, naive)]
    most = max(plain)
    shares = [i / 200 for i in range(200)]
    tails = [_line([sorted(t)[int(share * len(t))] for share in shares], most, 340) for t in (hedged, plain)]
    told = [
        (20, 18, "share of requests answered within 5 s; down from 20 s to 40 s"),
        (340, 18, "seconds of ten steps, by quantile"),
        (20, 244, "blue: the layer, grey: plain calls, full jitter where it retries"),
        *((20 + 300 * t // 118, 232, f"{t} s") for t in (0, 20, 40, 80)),
        *((340 + 3 * share, 232, f"{share} %") for share in (0, 50, 90)),
        *(
            (x + 2, y, text)
            for x, top in ((20, "100 %"), (340, f"{most:.0f} s"))
            for y, text in ((38, top), (218, "0"))
        ),
    ]
    texts = "".join(f'<text x="{x}" y="{y}" font-size="10">{text}</text>' for x, y, text in told)
    lines = "".join(
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        for pair in (through, tails)
        for points, color in zip(reversed(pair), ("#999999", "#1f5fbf"), strict=True)
    )
    axes = "".join(f'<path d="M{x} 28V220H{x + 300}" fill="none" stroke="#bbb"/>' for x in (20, 340))
    frame = 'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 252" font-family="sans-serif"'
    return f'<svg {frame}><rect width="660" height="252" fill="white"/>{axes}{lines}{texts}</svg>\n'


def _line(values: Sequence[float], most: float, left: float) -> str:
    step = 300 / max(1, len(values) - 1)
    return " ".join(f"{left + i * step:.1f},{220 - 190 * value / most:.1f}" for i, value in enumerate(values))


if __name__ == "__main__":
    main()
