"""Requests are told by route and status, below their caller's span, and by nothing that the caller wrote."""

from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.sdk", reason="no OpenTelemetry: install the otel extra")
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.engine.test_metrics import points
from tests.web.served import once, order, serving

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_requests_are_told_without_a_word_of_their_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spans, provider, reader = InMemorySpanExporter(), TracerProvider(), InMemoryMetricReader()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", MeterProvider([reader]))

    async def broken(*_: object) -> None:
        raise ValueError("CANARY")

    async with serving(tmp_path, work=False) as served:
        client = await served.client()
        taken = await client.post("/v1/jobs", json=order(reference="CANARY"), headers=once(traceparent=CALLER))
        await client.get("/v1/jobs/CANARY", params={"CANARY": "CANARY"}, headers={"User-Agent": "CANARY"})
        await client.request("CANARY", "/CANARY", headers={"Host": "CANARY", "tracestate": "a=CANARY"})
        monkeypatch.setattr(served.af, "terms", broken)
        await client.get("/v1/prices")
    found = [span for span in spans.get_finished_spans() if "http.route" in span.attributes]
    assert [(span.name, span.attributes["http.response.status_code"]) for span in found] == [
        ("POST /v1/jobs", 202),
        ("GET /v1/jobs/{job_id}", 404),
        ("_OTHER -", 404),
        ("GET /v1/prices", 500),
    ]
    assert format(found[0].parent.span_id, "016x") == CALLER.split("-")[2]
    assert found[0].attributes["agentflow.request.id"] == taken.headers["request-id"]
    assert found[3].status.status_code is StatusCode.ERROR
    counted = points(reader)
    routes = {
        (told["http.route"], told["http.response.status_code"]) for told, _ in counted["http.server.request.duration"]
    }
    assert ("/v1/jobs", 202) in routes
    told = "".join(span.to_json() for span in spans.get_finished_spans()) + str(counted)
    assert "CANARY" not in told
    assert "queue" in told
