"""Requests as spans and durations, where this process has OpenTelemetry providers; nothing of what a caller wrote."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from agentflow.engine.metrics import Metrics
from agentflow.engine.trace_export import SCOPE, hosts_own


class Requests:
    """What requests are told to; found when the first one comes, so that providers may be set until then."""

    def __init__(self) -> None:
        tracers, meters = hosts_own("trace", "TracerProvider"), hosts_own("metrics", "MeterProvider")
        self._tracer = tracers.get_tracer(SCOPE) if tracers is not None else None
        self._metrics = Metrics(meters.get_meter(SCOPE)) if meters is not None else None

    @contextmanager
    def span(self, scope: Scope) -> Generator[Any]:
        """The span of a request, below the one that the caller names in `traceparent`; None where there are none."""
        if self._tracer is None:
            yield None
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract({"traceparent": Headers(scope=scope).get("traceparent", "")})
        quiet = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span("request", parent, kind=SpanKind.SERVER, **quiet) as span:
            yield span

    def answered(self, span: Any, told: dict[str, Any], seconds: float) -> None:
        """Tells how a request was answered, as its line of the log does."""
        if span is None and self._metrics is None:
            return
        named = {
            "http.request.method": told["method"] if told["method"] != "?" else "_OTHER",
            "http.route": told["route"],
            "http.response.status_code": told["status"],
        }
        if self._metrics is not None:
            self._metrics.requested(named, seconds)
        if span is not None:
            more = {"agentflow.request.id": told["request_id"], "agentflow.tenant.id": told["tenant"]}
            span.update_name(f"{named['http.request.method']} {told['route']}")
            span.set_attributes({name: value for name, value in {**named, **more}.items() if value is not None})
            if told["status"] >= 500:
                _failed(span, str(told["status"]))


def _failed(span: Any, why: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", why)
    span.set_status(StatusCode.ERROR)
