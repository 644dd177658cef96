"""Calling: one role bound to its model for one attempt; every send is paid for, timed and written down."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from agentflow.engine.asking import Question, Said, form_for, prompt_of, question_of, said_in
from agentflow.engine.batching import Batches
from agentflow.engine.budget import Budget
from agentflow.engine.config import ModelConfig
from agentflow.engine.prices import Usage, cost_of
from agentflow.engine.streaming import Received, Stalled, assembled
from agentflow.engine.tools import Toolbox, answer_in, answer_or_calls, converse
from agentflow.engine.trace import WATCHING
from agentflow.engine.wire import TIMED_OUT, Wire, now, wait_asked_for
from agentflow.errors import AnswerError, DeadlineError, ModelError
from agentflow.flow.check import Problem
from agentflow.flow.journal import CostLine, Journal, Sent
from agentflow.flow.model import MOST_CALLS, Image
from agentflow.flow.policy import EffectKey
from agentflow.flow.tool import Tool

A = TypeVar("A", bound=BaseModel)
R = TypeVar("R")

VOTE_TEMPERATURE = 0.7
"""The least that an independent vote is sampled with."""
GRACE = 0.25
"""Seconds that litellm's own timeout may come late."""
NO_CACHE = {"cache": {"no-cache": True, "no-store": True}, "extra_headers": {"Cache-Control": "no-cache, no-store"}}
"""For litellm's cache and for one that stands between here and the provider."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A role's model for one attempt of a step; `variant` numbers votes that must not repeat each other."""

    role: str
    step: str
    config: ModelConfig
    problems: tuple[Problem, ...]
    variant: int
    journal: Journal
    budget: Budget
    until: float
    """The deadline, by the event loop's clock."""
    wire: Wire
    client: Callable[[], Awaitable[Any]]
    """Gives what is used of the litellm module."""
    batches: Batches | None = None
    """Where the role's questions go in batches."""

    @property
    def sees(self) -> bool:
        """True if the model takes images."""
        return self.config.vision

    async def ask(self, answer: type[A], instructions: str, text: str, *, images: Sequence[Image] = ()) -> A:
        """See `Model.ask`."""
        client = await self.client()
        question = self._question(client, answer, instructions, text, images)
        return await self._say(client, question, lambda said: answer_in(answer, said))

    async def act(
        self,
        answer: type[A],
        instructions: str,
        text: str,
        *,
        tools: Sequence[Tool],
        images: Sequence[Image] = (),
        key: EffectKey | None = None,
        most_calls: int = MOST_CALLS,
    ) -> A:
        """See `Model.act`."""
        toolbox = Toolbox(tools, self.journal, self.step, key)
        client = await self.client()

        async def say(question: Question) -> A | Said:
            return await self._say(client, question, lambda said: answer_or_calls(answer, said))

        question = self._question(client, answer, instructions, text, images, tools)
        return await converse(answer, question, say, toolbox, most_calls)

    def _question(
        self,
        client: Any,
        answer: type[BaseModel],
        instructions: str,
        text: str,
        images: Sequence[Image],
        tools: Sequence[Tool] = (),
    ) -> Question:
        return question_of(
            answer,
            form_for(client, self.config, tools=bool(tools)),
            instructions,
            text,
            images=images if self.sees else (),
            tools=tools,
            problems=self.problems,
            marked="claude" in self.config.model,
        )

    async def _say(self, client: Any, question: Question, read: Callable[[Said], R]) -> R:
        most = Usage(question.tokens, self.config.max_tokens)
        reserved = cost_of(client, self.config, most)
        options = {**self._options(), **question.options}
        send = _Send(self, client, question, options, most, reserved, read)
        if self.batches is not None and self.until - now() > self.config.batch_within:
            try:
                return await replace(send, batches=self.batches).once()
            except AnswerError:
                raise
            except ModelError:
                pass
        return await self.wire.call(send.once, tries=self.config.tries, until=self.until)

    def _options(self) -> dict[str, Any]:
        config = self.config
        options: dict[str, Any] = {
            "model": config.model,
            "api_base": config.api_base,
            "api_key": config.key,
            "temperature": config.temperature,
            "max_tokens": config.max_tokens,
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
            "_skip_mcp_handler": True,  # litellm's search for MCP servers among tools needs one more package
        }
        if config.stream:
            options |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.variant:
            warm = max(config.temperature, VOTE_TEMPERATURE)
            options |= {"temperature": warm, "seed": self.variant, **NO_CACHE}
        return options


@dataclass(frozen=True)
class _Send(Generic[R]):
    """A question that can be sent several times; each time leaves a cost line."""

    bound: Bound
    client: Any
    question: Question
    options: dict[str, Any]
    most: Usage
    reserved: Decimal
    """The most that a send may cost, USD."""
    read: Callable[[Said], R]
    batches: Batches | None = None
    """Where it is sent in a batch."""

    @cached_property
    def prompt(self) -> str:
        """See `prompt_of`."""
        return prompt_of(self.question.messages, self.options)

    async def once(self) -> R:
        """What is read from the answer. Raises AnswerError, or ModelError with the state that the wire decides by.

        Raises BudgetError and DeadlineError, and sends nothing, where money or time do not last.
        """
        bound, began = self.bound, now()
        seconds = self._seconds(began)
        bound.budget.reserve(self.reserved)
        usage, fault, said, got = self._likely(), "cancelled", None, Received()
        try:
            said = await self._complete(seconds, got)
            usage, fault = said.usage, None
            bound.wire.wrote(usage.wrote)
            return self.read(said)
        except ModelError as error:
            fault = _name(error)
            usage = Usage(0, 0) if error.status not in (None, TIMED_OUT) else usage
            raise
        finally:
            if said is None and got.begun:  # a stream that broke off is paid for as far as it came
                usage = replace(self.most, wrote=min(self.most.wrote, got.tokens))
            cost = self._cost(usage)
            bound.budget.settle(self.reserved, cost)
            await _finished(bound.journal.spend(self._line(usage, cost, now() - began, fault, said)))

    async def _complete(self, seconds: float, got: Received) -> Said:
        """What the model says. Raises what litellm raises as a ModelError."""
        try:
            async with asyncio.timeout(seconds + GRACE):
                response = await self._response(seconds, got)
            return said_in(response, self.most)
        except TimeoutError as error:
            raise self._failed(error, TIMED_OUT) from error
        except Exception as error:  # litellm's tree of errors has no root of its own
            raise self._failed(error, getattr(error, "status_code", 0) or 0) from error

    async def _response(self, seconds: float, got: Received) -> Any:
        config, messages = self.bound.config, list(self.question.messages)
        if self.batches is not None:
            return await self.batches.ask(self.client, messages, self.options)
        answering = self.client.acompletion(messages=messages, timeout=seconds, **self.options)
        return await (assembled(answering, config.stall, got) if config.stream else answering)

    def _failed(self, error: Exception, status: int) -> ModelError:
        model, why = self.bound.config.model, _brief(error)
        if type(error).__name__ == "ContentPolicyViolationError":
            return AnswerError(f"{model} will not answer this: {why}", code="content_filter")
        wait = wait_asked_for(getattr(error, "litellm_response_headers", None))
        return ModelError(f"{model} gave no answer: {why}", status=status, retry_after=wait)

    def _seconds(self, began: float) -> float:
        """How long the call may take. Raises DeadlineError where a usual one takes longer than is left."""
        bound = self.bound
        if self.batches is not None:
            return bound.config.batch_within
        left, usual = bound.until - began, bound.wire.latencies.quantile(0.5) or 0.0
        if left <= usual:
            text = f"{max(left, 0.0):.1f} s are left and {bound.config.model} takes about {usual:.1f}; allow more time"
            raise DeadlineError(text)
        return min(bound.config.timeout, left)

    def _likely(self) -> Usage:
        """What a call costs that was ended from here: it was read, and about as much was written as usual."""
        wrote = self.bound.wire.written
        return self.most if wrote is None else replace(self.most, wrote=min(self.most.wrote, round(wrote)))

    def _cost(self, usage: Usage) -> Decimal:
        share = 1 if self.batches is None else self.bound.config.batch_price
        return cost_of(self.client, self.bound.config, usage) * share

    def _line(self, usage: Usage, cost: Decimal, seconds: float, fault: str | None, said: Said | None) -> CostLine:
        return CostLine(
            call=uuid.uuid4().hex,
            step=self.bound.step,
            role=self.bound.role,
            model=self.bound.config.model,
            tokens_in=usage.read,
            tokens_out=usage.wrote,
            cost=cost,
            seconds=seconds,
            fault=fault,
            prompt=self.prompt,
            sent=self._sent(said) if WATCHING.get() else None,
        )

    def _sent(self, said: Said | None) -> Sent:
        told = {name: self.options[name] for name in ("temperature", "max_tokens", "seed") if name in self.options}
        sent = Sent(told) if said is None else Sent(told, said.finish, said.id, said.model)
        if WATCHING.get() != "contents":
            return sent
        answer = None if said is None else said.content or next((call.arguments for call in said.calls), None)
        return replace(sent, messages=self.question.messages, answer=answer)


def _name(error: ModelError) -> str:
    """What a cost line says of it: an answer fault's code, else the name of what litellm raised."""
    if isinstance(error, AnswerError):
        return error.code
    if isinstance(error.__cause__, Stalled):
        return "Stalled"
    return "Timeout" if error.status == TIMED_OUT else type(error.__cause__ or error).__name__


async def _finished(doing: Coroutine[Any, Any, None]) -> None:
    """Waits until it is done even where the waiting is cancelled; then lets the cancellation go on."""
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no reason given'}"
