"""What is counted is what the jobs say, and goes where OTEL_* variables or the application say, and else nowhere."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentflow.engine.telemetry import watching
from agentflow.engine.trace_export import exporters
from agentflow.testing import Episode

pytest.importorskip("opentelemetry.sdk", reason="no OpenTelemetry: install the otel extra")
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from tests.engine.test_trace_spans import KEY, do

ROOT = Path(__file__).parents[2]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    """What a host application's own provider gets."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", MeterProvider([reader]))
    return reader


def points(reader: InMemoryMetricReader) -> dict[str, list[tuple[dict[str, Any], Any]]]:
    """Attributes and value by metric; of a histogram the count and the sum."""
    found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    data = reader.get_metrics_data()
    for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
        found[metric.name] = [
            (dict(one.attributes), one.value if hasattr(one, "value") else (one.count, one.sum))
            for one in metric.data.data_points
        ]
    return found


async def test_jobs_calls_and_costs_are_counted_as_the_jobs_say(reader: InMemoryMetricReader, tmp_path: Path):
    jobs = [await do(tmp_path / "a"), await do(tmp_path / "b"), await do(tmp_path / "c", case=13)]
    found = points(reader)
    ended = {(told["agentflow.job.status"], told["agentflow.outcome"]): n for told, n in found["agentflow.jobs"]}
    assert ended == {("finished", "Filed"): 2, ("failed", ""): 1}
    assert found["agentflow.job.claims"] == [({"agentflow.pack": "letters", "agentflow.again": False}, 3)]
    seconds = sum(total for _, (_, total) in found["agentflow.job.duration"])
    assert seconds == pytest.approx(sum(job.seconds for job in jobs))
    [(told, cost)] = found["agentflow.cost"]
    assert cost == sum(job.cost_micros for job in jobs) > 0
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"], told["agentflow.role"]) == ("openai", "m", "m")
    assert {told["gen_ai.token.type"] for told, _ in found["gen_ai.client.token.usage"]} == {"input", "output"}


async def test_a_send_that_failed_is_counted_by_its_fault(reader: InMemoryMetricReader, tmp_path: Path):
    await do(tmp_path, episodes=[Episode(requests=(0, 1))])
    sent = {told.get("error.type"): count for told, (count, _) in points(reader)["gen_ai.client.operation.duration"]}
    assert sent == {"ServiceUnavailableError": 1, None: 1}


async def test_no_word_of_a_document_and_no_key_is_in_any_metric(reader: InMemoryMetricReader, tmp_path: Path):
    await do(tmp_path, case=13)
    told = str(points(reader))
    assert "letters" in told
    for secret in ("Quellwasser", "Mustermann", KEY, "Read the total", "no room"):
        assert secret not in told


async def test_a_queue_is_looked_at_and_a_look_that_fails_ends_nothing(reader: InMemoryMetricReader):
    looks = 0

    async def look(metrics: Any) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("the database is away")
        metrics.stands(3, 2, 1)
        told.set()

    import asyncio

    told = asyncio.Event()
    async with watching(look, every=0.01):
        await asyncio.wait_for(told.wait(), 10)
    found = points(reader)
    assert found["agentflow.queue.jobs"] == [({"agentflow.state": "waiting"}, 3), ({"agentflow.state": "running"}, 2)]
    assert found["agentflow.workers"] == [({}, 1)]


async def test_metrics_go_to_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    got: list[bytes] = []

    async def metrics(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/metrics", metrics)
    server = web.AppRunner(app)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"http://127.0.0.1:{server.addresses[0][1]}/v1/metrics")
    await do(tmp_path)
    await server.cleanup()
    sent = [ExportMetricsServiceRequest.FromString(body).resource_metrics[0] for body in got]
    names = {metric.name for one in sent for scope in one.scope_metrics for metric in scope.metrics}
    assert {"agentflow.jobs", "agentflow.cost", "agentflow.job.claims"} <= names
    assert b"agentflow" in got[0]


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, []),
        ({"OTEL_METRICS_EXPORTER": "console"}, ["console"]),
        ({"OTEL_TRACES_EXPORTER": "console"}, []),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, ["otlp_proto_http"]),
    ],
)
def test_the_standard_variables_say_which_exporters(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], asked: list[str]
):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert exporters("METRICS") == asked


def test_where_nobody_asks_no_exporter_and_no_meter_is_imported(tmp_path: Path):
    code = """
import asyncio, pathlib, sys
from agentflow.jobs.opening import open_runner
from tests.jobs.ledger.books import pack

async def main():
    async with open_runner(pack(), home=pathlib.Path(sys.argv[1])) as runner:
        job = await runner.submit(pack().workflow.takes(lines=["a"]), "a", "a")
        print((await runner.run(job.id)).status)

asyncio.run(main())
print([name for name in sys.modules if name.startswith(("opentelemetry.exporter", "opentelemetry.sdk.metrics"))])
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["finished", "[]"]
