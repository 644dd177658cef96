"""Metrics: jobs by outcome, claims, calls and their cost by model, requests, how a queue stands."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agentflow.engine.trace_export import SCOPE, configured, hosts_own
from agentflow.engine.trace_spans import code_of, micros, model_of
from agentflow.flow.journal import AttemptLine, Begun, CostLine, Journal

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Bounds of the histograms of durations."""


class Metrics:
    """The instruments; each value has only attributes whose number is bounded, and no word of what anybody sent."""

    def __init__(self, meter: Any) -> None:
        """`meter` is an OpenTelemetry meter."""
        bounds = {"explicit_bucket_boundaries_advisory": SECONDS}
        self._jobs = meter.create_counter("agentflow.jobs", "{job}", "Runs of jobs by how they ended")
        self._job_seconds = meter.create_histogram("agentflow.job.duration", "s", "Working time of jobs", **bounds)
        self._claims = meter.create_counter("agentflow.job.claims", "{claim}", "Jobs that were taken up")
        self._calls = meter.create_histogram("gen_ai.client.operation.duration", "s", "Sends to models", **bounds)
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens of sends to models")
        self._cost = meter.create_counter("agentflow.cost", "{micro_usd}", "What models cost, millionths of a USD")
        self._requests = meter.create_histogram("http.server.request.duration", "s", "HTTP requests", **bounds)
        self._queue = meter.create_gauge("agentflow.queue.jobs", "{job}", "Jobs that wait and that run")
        self._workers = meter.create_gauge("agentflow.workers", "{worker}", "Workers that are alive")

    def claimed(self, pack: str, *, again: bool) -> None:
        """A job was taken up; `again` where an earlier run had begun it."""
        self._claims.add(1, {"agentflow.pack": pack, "agentflow.again": again})

    def ended(self, pack: str, status: str, outcome: str | None, seconds: float) -> None:
        """A run of a job came to its end, after so many seconds of work over all its runs."""
        told = {"agentflow.pack": pack, "agentflow.job.status": status, "agentflow.outcome": outcome or ""}
        self._jobs.add(1, told)
        self._job_seconds.record(seconds, told)

    def called(self, pack: str, line: CostLine) -> None:
        """A call was sent."""
        provider, model = model_of(line.model)
        told = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider, "gen_ai.request.model": model}
        fault = {"error.type": code_of(line.fault)} if line.fault else {}
        self._calls.record(line.seconds, {**told, **fault})
        self._cost.add(micros(line.cost), {**told, "agentflow.pack": pack, "agentflow.role": line.role})
        for kind, tokens in (("input", line.tokens_in), ("output", line.tokens_out)):
            self._tokens.record(tokens, {**told, "gen_ai.token.type": kind})

    def requested(self, told: Mapping[str, Any], seconds: float) -> None:
        """An HTTP request was answered."""
        self._requests.record(seconds, dict(told))

    def stands(self, waiting: int, running: int, workers: int) -> None:
        """How a queue stands."""
        self._queue.set(waiting, {"agentflow.state": "waiting"})
        self._queue.set(running, {"agentflow.state": "running"})
        self._workers.set(workers)


@dataclass(frozen=True)
class MeteredJournal:
    """A journal whose calls are counted."""

    journal: Journal
    metrics: Metrics
    pack: str

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line."""
        self.metrics.called(self.pack, line)
        await self.journal.spend(line)

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt."""
        await self.journal.attempt(line)

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts."""
        return await self.journal.begin_effect(key, step)

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done."""
        await self.journal.end_effect(key, made, line)


@asynccontextmanager
async def open_metrics() -> AsyncGenerator[Metrics | None]:
    """Where what is counted goes: the host application's meter, else where OTEL_* variables say.

    None, and nothing is imported, where nobody asks for any. What is left is sent at the end.
    """
    if (provider := hosts_own("metrics", "MeterProvider")) is not None:
        yield Metrics(provider.get_meter(SCOPE))
        return
    provider = meter_provider()
    if provider is None:
        yield None
        return
    try:
        yield Metrics(provider.get_meter(SCOPE))
    finally:
        await asyncio.to_thread(provider.shutdown)


def meter_provider() -> Any:
    """A provider with the exporters that the OTEL_* variables name; None where they name none."""

    def make(found: list[Any], resource: Any) -> Any:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        readers = [PeriodicExportingMetricReader(exporter) for exporter in found]
        return MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)

    return configured("METRICS", make)
