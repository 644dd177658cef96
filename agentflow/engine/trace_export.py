"""Export of spans: to the host application's tracer where it has set one, else to where OTEL_* variables say."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import Any

from agentflow.engine.trace_spans import Tracing

CONTENTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""Opts in to messages, answers and problems in words: `true`, or `SPAN_ONLY` and `SPAN_AND_EVENT`."""
ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
EXPORTERS = "OTEL_TRACES_EXPORTER"
SCOPE = "agentflow"
MEND = "pip install 'agentflow-framework[otel]'"

_log = logging.getLogger("agentflow")


@asynccontextmanager
async def open_tracing() -> AsyncGenerator[Tracing | None]:
    """Where the spans of this process go; None, and nothing is imported, where nobody asks for any.

    What is left is sent at the end. Missing packages are warned of and stop no work.
    """
    contents = os.environ.get(CONTENTS, "").lower() in ("true", "1", "span_only", "span_and_event")
    if (provider := _hosts_own()) is not None:
        yield Tracing(provider.get_tracer(SCOPE), contents)
        return
    provider = _configured()
    if provider is None:
        yield None
        return
    try:
        yield Tracing(provider.get_tracer(SCOPE), contents)
    finally:
        await asyncio.to_thread(provider.shutdown)


def exporters() -> list[str]:
    """The exporters asked for, by their entry points' names; none where nobody asks."""
    environment = os.environ
    named = environment.get(EXPORTERS) or ("otlp" if any(environment.get(one) for one in ADDRESSES) else "")
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    protocol = next((environment[one] for one in PROTOCOLS if environment.get(one)), "http/protobuf")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    names = [name.strip() for name in named.split(",")]
    return [otlp if name == "otlp" else name for name in names if name not in ("", "none")]


def _hosts_own() -> Any:
    """The tracer provider that the application around has set; None where it has set none."""
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    provider = api.get_tracer_provider()
    return None if isinstance(provider, (api.ProxyTracerProvider, api.NoOpTracerProvider)) else provider


def _configured() -> Any:
    names = exporters()
    if not names:
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        found = [_exporter(name) for name in names]
    except (ImportError, LookupError) as error:
        _log.warning("no spans are sent: %s; %s", error, MEND)
        return None
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    service = {} if named else {"service.name": "agentflow"}
    provider = TracerProvider(resource=Resource.create(service), shutdown_on_exit=False)
    for exporter in found:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(name: str) -> Any:
    for entry in entry_points(group="opentelemetry_traces_exporter", name=name):
        made: Any = entry.load()
        return made(out=sys.stderr) if name == "console" else made()
    raise LookupError(f"there is no exporter {name}")
