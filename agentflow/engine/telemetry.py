"""Telemetry of a process that is all agentflow's: one provider a signal, found by whatever runs in it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from agentflow.engine.metrics import Metrics, meter_provider, open_metrics
from agentflow.engine.trace_export import hosts_own, tracer_provider

EVERY = 15.0
"""Seconds between two looks at a queue."""


@asynccontextmanager
async def exporting() -> AsyncGenerator[None]:
    """Sets this process's providers as the OTEL_* variables say, where none is set; at the end what is left is sent."""
    tracer = tracer_provider() if hosts_own("trace", "TracerProvider") is None else None
    meter = meter_provider() if hosts_own("metrics", "MeterProvider") is None else None
    if tracer is not None:
        from opentelemetry.trace import set_tracer_provider

        set_tracer_provider(tracer)
    if meter is not None:
        from opentelemetry.metrics import set_meter_provider

        set_meter_provider(meter)
    try:
        yield
    finally:
        for provider in (tracer, meter):
            if provider is not None:
                await asyncio.to_thread(provider.shutdown)


@asynccontextmanager
async def watching(look: Callable[[Metrics], Awaitable[None]], every: float = EVERY) -> AsyncGenerator[None]:
    """Has the metrics looked after now and then while the block lasts; nothing where nobody asks for any."""
    async with open_metrics() as metrics:
        if metrics is None:
            yield
            return
        task = asyncio.create_task(_look(look, metrics, every))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _look(look: Callable[[Metrics], Awaitable[None]], metrics: Metrics, every: float) -> None:
    while True:
        with suppress(Exception):  # the database may be away; the next look tells
            await look(metrics)
        await asyncio.sleep(every)
