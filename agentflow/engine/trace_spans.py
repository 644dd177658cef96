"""Spans: a job's trace as OpenTelemetry spans by the GenAI conventions, without a word of what documents say."""

import json
import re
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentflow.engine.trace import WATCHING
from agentflow.engine.trust import Accepted, Verdict
from agentflow.flow.check import Problem
from agentflow.flow.journal import AttemptLine, Begun, CostLine, Journal

PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider where litellm calls it otherwise."""
_CODE = re.compile(r"[\w.=:-]{1,80}", re.ASCII)
_NANO = 1_000_000_000


@dataclass(frozen=True)
class Tracing:
    """Where spans go."""

    tracer: Any
    """An OpenTelemetry tracer."""
    contents: bool = False
    """Whether messages, answers and problems are told in words, and not by hash, code and count alone."""


class JobTrace:
    """The spans of one job's run; nothing at all where there is no tracing."""

    def __init__(self, tracing: Tracing | None, span: Any = None) -> None:
        self._tracing, self._span = tracing, span

    def kept(self, journal: Journal) -> Journal:
        """The journal, whose lines become spans too."""
        return journal if self._tracing is None else SpanJournal(journal, self._tracing)

    @contextmanager
    def step(self, name: str, item: int | None) -> Generator["StepTrace"]:
        """The span that stands while a step is done; other spans of this process find it as the current one."""
        if self._tracing is None:
            yield StepTrace()
            return
        told = {"agentflow.step.name": name, "agentflow.step.item": item}
        with _current(self._tracing, f"step {name}", told) as span:
            yield StepTrace(span)

    def ended(self, status: str, outcome: str | None, cost_micros: int, codes: Iterable[str]) -> None:
        """Tells what came of the job."""
        if self._span is None:
            return
        told = {"agentflow.job.status": status, "agentflow.outcome": outcome, "agentflow.cost.micros_usd": cost_micros}
        _tell(self._span, {**told, "agentflow.problems": _codes(codes)})
        if status == "failed":
            _failed(self._span, "failed")


@dataclass(frozen=True)
class StepTrace:
    """The span of a step."""

    span: Any = None

    def ended(self, verdict: Verdict) -> None:
        """Tells whether what the step made may leave it."""
        if self.span is None:
            return
        accepted = isinstance(verdict, Accepted)
        problems = verdict.notes if accepted else verdict.reasons
        told = {"agentflow.verdict": "accepted" if accepted else "review"}
        trust = min(verdict.trust.values(), default=None)
        _tell(self.span, {**told, "agentflow.trust": trust, "agentflow.problems": _codes(p.code for p in problems)})


@contextmanager
def job_trace(tracing: Tracing | None, *, job: str, pack: str, version: str, sha256: str) -> Generator[JobTrace]:
    """The span that stands while a job is carried on; `sha256` is that of its input."""
    if tracing is None:
        yield JobTrace(None)
        return
    told = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": pack,
        "agentflow.pack.version": version,
        "agentflow.job.id": job,
        "agentflow.input.sha256": sha256,
    }
    watching = WATCHING.set("contents" if tracing.contents else "shapes")
    try:
        with _current(tracing, f"invoke_workflow {pack}", told) as span:
            yield JobTrace(tracing, span)
    finally:
        WATCHING.reset(watching)


@dataclass
class SpanJournal:
    """A journal whose attempts and calls become spans below the span that is current when they are written."""

    journal: Journal
    tracing: Tracing
    _calls: dict[str, list[tuple[int, CostLine]]] = field(default_factory=dict[str, list[tuple[int, CostLine]]])
    """Calls by the attempt they were made for, with the time at which they ended, until that has ended too."""

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line."""
        ended = time.time_ns()
        if line.attempt is None:
            self._chat(ended, line, None)
        else:
            self._calls.setdefault(line.attempt, []).append((ended, line))
        await self.journal.spend(line)

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt."""
        self._attempt(time.time_ns(), line, self._calls.pop(line.attempt, []))
        await self.journal.attempt(line)

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts."""
        return await self.journal.begin_effect(key, step)

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done, and the attempt that made it."""
        if line is not None:
            self._attempt(time.time_ns(), line, self._calls.pop(line.attempt, []))
        await self.journal.end_effect(key, made, line)

    def _attempt(self, ended: int, line: AttemptLine, calls: Sequence[tuple[int, CostLine]]) -> None:
        from opentelemetry.trace import set_span_in_context

        seconds = int(line.seconds * _NANO)
        began = min((at - int(call.seconds * _NANO) for at, call in calls), default=ended - seconds)
        told = _attempt_told(line) | (_attempt_contents(line) if self.tracing.contents else {})
        span = self.tracing.tracer.start_span(f"attempt {line.source}", start_time=began)
        _tell(span, told)
        if line.fault:
            _failed(span, line.fault)
        for at, call in calls:
            self._chat(at, call, set_span_in_context(span))
        span.end(max(began + seconds, began) if calls else ended)

    def _chat(self, ended: int, line: CostLine, context: Any) -> None:
        from opentelemetry.trace import SpanKind

        began = ended - int(line.seconds * _NANO)
        name = f"chat {model_of(line.model)[1]}"
        span = self.tracing.tracer.start_span(name, context, kind=SpanKind.CLIENT, start_time=began)
        _tell(span, _chat_told(line) | (_chat_contents(line) if self.tracing.contents else {}))
        if line.fault:
            _failed(span, line.fault)
        span.end(ended)


def _attempt_told(line: AttemptLine) -> dict[str, Any]:
    return {
        "agentflow.attempt.id": line.attempt,
        "agentflow.attempt.number": line.number,
        "agentflow.source": line.source,
        "agentflow.step.name": line.step,
        "agentflow.step.item": line.item,
        "agentflow.accepted": line.accepted,
        "agentflow.made": line.made,
        "agentflow.problems": _codes(problem.code for problem in line.problems),
        "agentflow.trust.before": line.trust_before,
        "agentflow.trust.after": line.trust_after,
        "agentflow.prompt.sha256": line.prompt,
        "agentflow.cost.micros_usd": micros(line.cost),
        "gen_ai.usage.input_tokens": line.tokens_in if line.model else None,
        "gen_ai.usage.output_tokens": line.tokens_out if line.model else None,
    }


def _chat_told(line: CostLine) -> dict[str, Any]:
    provider, model = model_of(line.model)
    told: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.output.type": "json",
        "gen_ai.usage.input_tokens": line.tokens_in,
        "gen_ai.usage.output_tokens": line.tokens_out,
        "agentflow.call.id": line.call,
        "agentflow.role": line.role,
        "agentflow.prompt.sha256": line.prompt,
        "agentflow.cost.micros_usd": micros(line.cost),
    }
    if line.sent is None:
        return told
    told |= {f"gen_ai.request.{name}": line.sent.options.get(name) for name in ("temperature", "max_tokens", "seed")}
    told |= {"gen_ai.response.id": line.sent.id, "gen_ai.response.model": line.sent.model}
    finish = code_of(line.sent.finish) if line.sent.finish else None
    return {**told, "gen_ai.response.finish_reasons": None if finish is None else [finish]}


def _attempt_contents(line: AttemptLine) -> dict[str, Any]:
    output = None if line.output is None else json.dumps(line.output, ensure_ascii=False)
    return {"agentflow.output": output, "agentflow.problems.messages": [_worded(problem) for problem in line.problems]}


def _chat_contents(line: CostLine) -> dict[str, Any]:
    if line.sent is None:
        return {}
    asked = [_message(message) for message in line.sent.messages if message["role"] != "system"]
    system = [part for message in line.sent.messages if message["role"] == "system" for part in _parts(message)]
    said = {"role": "assistant", "parts": [{"type": "text", "content": line.sent.answer}]}
    told = {"gen_ai.system_instructions": system, "gen_ai.input.messages": asked}
    told |= {"gen_ai.output.messages": [] if line.sent.answer is None else [said]}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in told.items() if value}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": message["role"], "parts": _parts(message)}


def _parts(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A message's text; of a picture that it is one, for it would not fit."""
    content: Any = message.get("content")
    shown: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return [{"type": "text", "content": part["text"]} if "text" in part else {"type": "image"} for part in shown]


def _worded(problem: Problem) -> str:
    return f"[{problem.code}] {problem.path}: {problem.message}"


@contextmanager
def _current(tracing: Tracing, name: str, told: Mapping[str, Any]) -> Generator[Any]:
    """A current span. Of an error it is told the type and nothing else: its text may quote a document."""
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracing.tracer.start_as_current_span(name, **quiet) as span:
        _tell(span, told)
        try:
            yield span
        except BaseException as error:
            _failed(span, type(error).__name__)
            raise


def _tell(span: Any, told: Mapping[str, Any]) -> None:
    span.set_attributes({name: value for name, value in told.items() if value is not None})


def _failed(span: Any, kind: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", code_of(kind))
    span.set_status(StatusCode.ERROR)


def _codes(codes: Iterable[str]) -> list[str]:
    return sorted({code_of(code) for code in codes})


def code_of(text: str) -> str:
    """A reason code as it is; what is no code is not told."""
    return text if _CODE.fullmatch(text) else "other"


def model_of(model: str) -> tuple[str, str]:
    """The provider and the model, by litellm's name of it."""
    provider, _, name = model.partition("/")
    return (PROVIDERS.get(provider, provider), name) if name else ("openai", model)


def micros(cost: Decimal) -> int:
    """USD as millionths of it."""
    return int(cost * 1_000_000)
