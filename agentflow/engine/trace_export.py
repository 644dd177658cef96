"""Export of spans and metrics: to the host's provider where it has set one, else as OTEL_* variables say."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import Any, Literal

from agentflow.engine.trace_spans import Tracing

CONTENTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""Opts in to messages, answers and problems in words: `true`, or `SPAN_ONLY` and `SPAN_AND_EVENT`."""
Signal = Literal["TRACES", "METRICS"]
SCOPE = "agentflow"
WORDS = {"TRACES": "spans", "METRICS": "metrics"}
MEND = "pip install 'agentflow-framework[otel]'"

_log = logging.getLogger("agentflow")


@asynccontextmanager
async def open_tracing() -> AsyncGenerator[Tracing | None]:
    """Where the spans of this process go; None, and nothing is imported, where nobody asks for any.

    What is left is sent at the end. Missing packages are warned of and stop no work.
    """
    contents = os.environ.get(CONTENTS, "").lower() in ("true", "1", "span_only", "span_and_event")
    if (provider := hosts_own("trace", "TracerProvider")) is not None:
        yield Tracing(provider.get_tracer(SCOPE), contents)
        return
    provider = tracer_provider()
    if provider is None:
        yield None
        return
    try:
        yield Tracing(provider.get_tracer(SCOPE), contents)
    finally:
        await asyncio.to_thread(provider.shutdown)


def exporters(signal: Signal = "TRACES") -> list[str]:
    """The exporters asked for, by their entry points' names; none where nobody asks."""
    environment = os.environ
    addresses = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    protocols = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    named = environment.get(f"OTEL_{signal}_EXPORTER") or (
        "otlp" if any(environment.get(one) for one in addresses) else ""
    )
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    protocol = next((environment[one] for one in protocols if environment.get(one)), "http/protobuf")
    otlp = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
    names = [name.strip() for name in named.split(",")]
    return [otlp if name == "otlp" else name for name in names if name not in ("", "none")]


def hosts_own(signal: str, kind: str) -> Any:
    """The provider of that kind that the application around has set; None where it has set none."""
    api: Any = sys.modules.get(f"opentelemetry.{signal}")
    if api is None:
        return None
    provider = getattr(api, f"get_{'tracer' if signal == 'trace' else 'meter'}_provider")()
    unset = (f"Proxy{kind}", f"_Proxy{kind}", f"NoOp{kind}")
    return None if type(provider).__name__ in unset else provider


def configured(signal: Signal, make: Callable[[list[Any], Any], Any]) -> Any:
    """What `make` makes of the exporters asked for and of this process's resource; None where nobody asks."""
    names = exporters(signal)
    if not names:
        return None
    try:
        from opentelemetry.sdk.resources import Resource

        found = [_exporter(signal, name) for name in names]
        named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        return make(found, Resource.create({} if named else {"service.name": "agentflow"}))
    except (ImportError, LookupError) as error:
        _log.warning("no %s are sent: %s; %s", WORDS[signal], error, MEND)
        return None


def tracer_provider() -> Any:
    """A provider with the exporters that the OTEL_* variables name; None where they name none."""

    def make(found: list[Any], resource: Any) -> Any:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        for exporter in found:
            provider.add_span_processor(BatchSpanProcessor(exporter))
        return provider

    return configured("TRACES", make)


def _exporter(signal: Signal, name: str) -> Any:
    for entry in entry_points(group=f"opentelemetry_{signal.lower()}_exporter", name=name):
        made: Any = entry.load()
        return made(out=sys.stderr) if name == "console" else made()
    raise LookupError(f"there is no exporter {name}")
