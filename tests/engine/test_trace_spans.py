"""A job's trace becomes OpenTelemetry spans where somebody asks for them, and says nothing of what documents say."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentflow import EffectKey, Model, Pack, Policy, Price, Problem, Record, workflow
from agentflow.engine.models import Lines, ModelConfig, Models
from agentflow.engine.trace_export import CONTENTS, exporters
from agentflow.jobs.opening import open_runner
from agentflow.jobs.tables import Job
from agentflow.testing import Completions, Episode, Faulty, FaultyModel, Provider, by_marker
from agentflow.testing import Price as CallPrice

pytest.importorskip("opentelemetry.sdk", reason="no OpenTelemetry: install the otel extra")
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

SECRET_TEXT, KEY = "Quellwasser fuer Herrn Mustermann", "sk-very-secret"


class Letter(Record):
    text: str


class Total(Record):
    value: int
    note: str = ""


class Filed(Record):
    value: int


async def read(letter: Letter, *, model: Model) -> Total:
    return await model.ask(Total, "Read the total.", letter.text)


def not_seven(total: Total, letter: Letter) -> list[Problem]:
    told = Problem(code="is_seven", message=f"It is {total.value} in {letter.text}", path="value", severity="note")
    return [told] if total.value == 7 else []


async def file(total: Total, *, key: EffectKey) -> Filed:
    if total.value == 13:
        raise OSError(f"no room for {SECRET_TEXT}")
    return Filed(value=total.value)


def pack() -> Pack:
    steps = (
        workflow("letters", takes=Letter, gives=Filed)
        .step(read, policy=Policy(ladder=("m",)), checks=[not_seven])
        .step(file, effect=True)
        .build()
    )
    return Pack(name="letters", workflow=steps, prices={Filed: Price("0.40")})


async def do(home: Path, case: int = 7, **model: Any) -> Job:
    """A job over a faulty model of this process, with a key and a text that must not leave it."""
    os.environ["SPANS_KEY"] = KEY
    priced = FaultyModel(price=CallPrice(call="0.01"), **model)
    provider = Provider(Faulty(seed=1, models={"m": priced}), by_marker(lambda case: {"value": int(case)}))
    config = ModelConfig(model="openai/m", api_key_env="SPANS_KEY", tries=3)
    models = Models({"m": config}, lines=Lines(Completions(provider)))
    async with open_runner(pack(), home=home, models=models) as runner:
        job = await runner.submit(Letter(text=f"{SECRET_TEXT} [case:{case}]"), "Mustermann.pdf", "0f0f")
        return await runner.run(job.id)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What a host application's own provider gets."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    return exporter


def named(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


async def test_spans_nest_as_job_step_attempt_and_call(spans: InMemorySpanExporter, tmp_path: Path):
    await do(tmp_path)
    found = named(spans)
    parents = {name: span.parent and span.parent.span_id for name, span in found.items()}
    ids = {name: span.context.span_id for name, span in found.items()}
    assert parents["invoke_workflow letters"] is None
    assert parents["step read"] == parents["step file"] == ids["invoke_workflow letters"]
    assert (parents["attempt m"], parents["attempt code"]) == (ids["step read"], ids["step file"])
    assert parents["chat m"] == ids["attempt m"]
    assert len({span.context.trace_id for span in found.values()}) == 1


async def test_a_span_lies_within_its_parent(spans: InMemorySpanExporter, tmp_path: Path):
    await do(tmp_path, latency={"median": 0.01})
    found = spans.get_finished_spans()
    by_id = {span.context.span_id: span for span in found}
    for span in (span for span in found if span.parent):
        parent = by_id[span.parent.span_id]
        assert parent.start_time <= span.start_time + 1_000_000
        assert span.end_time <= parent.end_time + 1_000_000


async def test_a_call_is_told_by_the_genai_conventions(spans: InMemorySpanExporter, tmp_path: Path):
    await do(tmp_path)
    span = named(spans)["chat m"]
    assert span.kind is SpanKind.CLIENT
    told = dict(span.attributes)
    assert {name: told[name] for name in told if name.startswith("gen_ai.") and "usage" not in name} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.output.type": "json",
        "gen_ai.response.id": told["gen_ai.response.id"],
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert told["gen_ai.usage.input_tokens"] >= 0
    assert told["gen_ai.usage.output_tokens"] > 0
    assert len(told["agentflow.prompt.sha256"]) == 64


async def test_a_fault_of_the_wire_is_a_failed_call_of_an_attempt_that_answered(
    spans: InMemorySpanExporter, tmp_path: Path
):
    await do(tmp_path, episodes=[Episode(requests=(0, 1))])
    chats = [span for span in spans.get_finished_spans() if span.name == "chat m"]
    assert [span.attributes.get("error.type") for span in chats] == ["ServiceUnavailableError", None]
    assert [span.status.status_code for span in chats] == [StatusCode.ERROR, StatusCode.UNSET]
    assert named(spans)["attempt m"].attributes["agentflow.accepted"] is True


async def test_an_attempt_and_its_step_tell_codes_and_what_came_of_them(spans: InMemorySpanExporter, tmp_path: Path):
    job = await do(tmp_path)
    found = {name: dict(span.attributes) for name, span in named(spans).items()}
    assert found["attempt m"]["agentflow.problems"] == ("is_seven",)
    assert found["attempt m"]["agentflow.source"] == "m"
    assert found["step read"]["agentflow.verdict"] == "accepted"
    assert found["invoke_workflow letters"]["agentflow.job.id"] == job.id
    assert found["invoke_workflow letters"]["agentflow.outcome"] == "Filed"
    assert found["invoke_workflow letters"]["agentflow.cost.micros_usd"] == job.cost_micros


async def test_an_error_of_a_step_is_told_by_its_type_alone(spans: InMemorySpanExporter, tmp_path: Path):
    assert (await do(tmp_path, case=13)).status == "failed"
    found = named(spans)
    assert found["step file"].attributes["error.type"] == "OSError"
    assert found["invoke_workflow letters"].status.status_code is StatusCode.ERROR
    assert all(not span.events and not span.status.description for span in found.values())


async def test_no_text_of_the_document_and_no_key_is_in_any_span(spans: InMemorySpanExporter, tmp_path: Path):
    await do(tmp_path / "a")
    await do(tmp_path / "b", case=13)
    told = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "is_seven" in told
    for secret in ("Quellwasser", "Mustermann", KEY, "Read the total", "It is 7"):
        assert secret not in told


async def test_contents_are_told_where_they_are_asked_for_and_the_key_never(
    spans: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(CONTENTS, "true")
    await do(tmp_path)
    found = {name: dict(span.attributes) for name, span in named(spans).items()}
    [asked] = json.loads(found["chat m"]["gen_ai.input.messages"])
    assert SECRET_TEXT in asked["parts"][0]["content"]
    assert "Read the total." in found["chat m"]["gen_ai.system_instructions"]
    assert json.loads(json.loads(found["chat m"]["gen_ai.output.messages"])[0]["parts"][0]["content"])["value"] == 7
    assert json.loads(found["attempt m"]["agentflow.output"])["value"] == 7
    assert KEY not in "".join(span.to_json() for span in spans.get_finished_spans())


@asynccontextmanager
async def receiver() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """An OTLP receiver on this machine, and what it was sent."""
    got: list[bytes] = []

    async def traces(request: web.Request) -> web.Response:
        got.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    app = web.Application()
    app.router.add_post("/v1/traces", traces)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", got
    finally:
        await runner.cleanup()


async def test_spans_go_to_where_the_environment_says_without_a_word_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with receiver() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "letters-in")
        await do(tmp_path)
    [scoped] = [ExportTraceServiceRequest.FromString(body).resource_spans[0] for body in got]
    names = {span.name for span in scoped.scope_spans[0].spans}
    assert names == {"invoke_workflow letters", "step read", "step file", "attempt m", "attempt code", "chat m"}
    assert any(one.value.string_value == "letters-in" for one in scoped.resource.attributes)
    sent = b"".join(got)
    for secret in ("Quellwasser", "Mustermann", KEY, "Read the total", "It is 7"):
        assert secret.encode() not in sent


async def test_a_receiver_that_is_down_stops_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    assert (await do(tmp_path)).status == "finished"


async def test_an_exporter_that_is_not_there_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "nowhere")
    assert (await do(tmp_path)).status == "finished"
    assert "there is no exporter nowhere; pip install 'agentflow-framework[otel]'" in caplog.text


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, ["otlp_proto_http"]),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ["otlp_proto_grpc"],
        ),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, []),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, []),
    ],
)
def test_the_standard_variables_say_which_exporters(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], asked: list[str]
):
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert exporters() == asked


def test_nothing_is_imported_where_nobody_asks():
    code = (
        "import asyncio, sys\n"
        "from agentflow.engine.trace_export import open_tracing\n"
        "from agentflow.engine import trace_spans\n"
        "async def go():\n"
        "    async with open_tracing() as tracing: assert tracing is None\n"
        "asyncio.run(go())\n"
        "print(sum(name.startswith('opentelemetry') for name in sys.modules))"
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0", done.stderr
