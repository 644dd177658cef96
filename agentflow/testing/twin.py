"""The twin: faulty models as the engine binds them, in this process, for runs of millions of calls."""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from pydantic import BaseModel

from agentflow.errors import AnswerError, ModelError, RunError
from agentflow.flow.answering import fault_of, parse_answer
from agentflow.flow.check import Problem
from agentflow.flow.journal import CostLine, Journal
from agentflow.flow.model import MOST_CALLS, Image
from agentflow.flow.policy import EffectKey
from agentflow.flow.tool import Tool
from agentflow.testing.chance import digest, key
from agentflow.testing.completions import MILLION, WireError, awaited, error_of
from agentflow.testing.mistakes import Mistake, mistake
from agentflow.testing.provider import Answered, Provider
from agentflow.testing.request import Reply, Request
from agentflow.testing.spec import Faulty, Price
from agentflow.testing.truth import Truth

A = TypeVar("A", bound=BaseModel)

BUSY = {408, 409, 429, 500, 502, 503, 504, 529}
"""HTTP states after which the same call may succeed."""
WARM = 0.7
"""The temperature of a variant."""


class Purse(Protocol):
    """Money that is set aside before a call and settled after it: the engine's `Budget`."""

    def reserve(self, amount: Decimal) -> None:
        """Sets `amount` aside. Raises BudgetError where less is left."""
        ...

    def settle(self, reserved: Decimal, spent: Decimal) -> None:
        """Gives back what was set aside and takes what was spent."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How a role's model is asked, as models.toml would say."""

    model: str | None = None
    """The model's name in faulty.toml; the role's own where it is not said."""
    temperature: float = 0.0
    max_tokens: int = 4_096
    timeout: float = 120.0
    """Seconds; what takes longer, by the model's latency, times out."""
    tries: int = 3
    """Sends while the model is busy or does not answer."""
    sees: bool = False


class Twin:
    """Binds roles to faulty models. Wrong values, units and shared mistakes are those of the HTTP server.

    Which of the calls err differs: the server hashes messages, the twin what the step said. `calls` counts as the
    server's does. Without a `sleep` no time passes: cost lines tell the seconds that a call would have taken.
    """

    def __init__(
        self,
        faulty: Faulty,
        truth: Truth,
        *,
        roles: Mapping[str, Asking] | None = None,
        make: Mistake = mistake,
        budget: Purse | None = None,
        sleep: Callable[[float], Awaitable[Any]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`roles` are every model of `faulty` under its own name where they are not given.

        `clock` gives the seconds that episodes and limits go by; with `sleep` it makes time one's own.
        """
        self.provider = Provider(faulty, truth, make=make, clock=clock)
        self.roles = {name: Asking() for name in faulty.models} if roles is None else roles
        self.budget = budget
        self.sleep = sleep
        self._run, self._numbers = uuid4().hex[:12], count()

    @property
    def calls(self) -> Mapping[str, Mapping[str, int]]:
        """How often each model was sent to (`sends`) and what came of it."""
        return self.provider.calls

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> "TwinModel | None":
        """The role's model for one attempt; None where there is no such role. A `variant` is a draw of its own."""
        asking = self.roles.get(role)
        if asking is None:
            return None
        return TwinModel(self, role, step, asking, asking.model or role, tuple(problems), journal, variant)

    def new_call(self) -> str:
        """A name for the next call."""
        return f"{self._run}-{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class TwinModel:
    """A faulty model for one attempt of one step."""

    twin: Twin
    role: str
    step: str
    asking: Asking
    name: str
    problems: tuple[Problem, ...]
    journal: Journal
    variant: int = 0

    @property
    def sees(self) -> bool:
        """True if the model takes images."""
        return self.asking.sees

    async def ask(self, answer: type[A], instructions: str, text: str, *, images: Sequence[Image] = ()) -> A:
        """The model's answer. Raises AnswerError and ModelError where the model behind litellm would."""
        request = self._request(answer, instructions, text, images if self.sees else ())
        budget, reserved, spent = self.twin.budget, Decimal(0), Decimal(0)
        if budget is not None:
            reserved = cost(self._price, len(text + instructions) // 3, self.asking.max_tokens)
            budget.reserve(reserved)
        try:
            reply, seconds = await self._send(request)
            spent = cost(self._price, reply.tokens_in, reply.tokens_out)
        finally:
            if budget is not None:
                budget.settle(reserved, spent)
        return await self._read(answer, reply, spent, seconds)

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
        """The twin calls no tools. Raises RunError where it is given any; else the same as `ask`."""
        if tools:
            raise RunError("the twin calls no tools; bind engine.models.Models, over Completions, in its place")
        return await self.ask(answer, instructions, text, images=images)

    @property
    def _price(self) -> Price:
        return self.twin.provider.law.faulty.models[self.name].price

    async def _read(self, answer: type[A], reply: Reply, spent: Decimal, seconds: float) -> A:
        """The reply as an `answer`; the cost line is written in any case. Raises AnswerError."""
        fault = None
        try:
            return parse(answer, reply)
        except AnswerError as error:
            fault = error.code
            raise
        finally:
            await self._note(seconds, reply.tokens_in, reply.tokens_out, spent, fault)

    def _request(self, answer: type[BaseModel], instructions: str, text: str, images: Sequence[Image]) -> Request:
        told = instructions
        if self.problems:
            told += "\n".join(f"{problem.path}: {problem.message}" for problem in self.problems)
        shown = tuple(sha256(image.data).hexdigest() for image in images)
        return Request(
            model=self.name,
            text=text,
            instructions=told,
            form=answer.__name__,
            schema=_schema(answer),
            variant=key(digest(told), digest(text), digest("".join(shown)) if shown else 0),
            temperature=max(self.asking.temperature, WARM) if self.variant else self.asking.temperature,
            seed=self.variant or None,
            max_tokens=self.asking.max_tokens,
            images=shown,
        )

    async def _send(self, request: Request) -> tuple[Reply, float]:
        """The reply and the seconds it took, all tries together."""
        seconds = 0.0
        error: WireError | None = None
        for _ in range(self.asking.tries):
            answered = self._try(request)
            seconds += await awaited(answered, self.asking.timeout, self.twin.sleep)
            error = error_of(answered, self.name, self.asking.timeout)
            if error is None and answered.reply is not None:
                return answered.reply, seconds
            if error is not None and error.status not in BUSY:
                break
        await self._note(seconds, fault=type(error).__name__)
        raise ModelError(f"{self.name} gave no answer: {type(error).__name__}: {error}") from error

    def _try(self, request: Request) -> Answered:
        try:
            return self.twin.provider.send(request)
        except LookupError as error:
            raise ModelError(f"{self.name} gave no answer: {error.args[0]}") from error

    async def _note(
        self, seconds: float, read: int = 0, wrote: int = 0, spent: Decimal = Decimal(0), fault: str | None = None
    ) -> None:
        line = CostLine(
            call=self.twin.new_call(),
            step=self.step,
            role=self.role,
            model=self.name,
            tokens_in=read,
            tokens_out=wrote,
            cost=spent,
            seconds=seconds,
            fault=fault,
        )
        await self.journal.spend(line)


def cost(price: Price, read: int, wrote: int) -> Decimal:
    """USD of a call."""
    return price.call if price.call is not None else (price.input * read + price.output * wrote) / MILLION


def parse(answer: type[A], reply: Reply) -> A:
    """The reply as an `answer`, read as the engine reads it. Raises AnswerError where it is none."""
    if fault := fault_of(reply.finish, reply.refusal, reply.content):
        raise AnswerError(f"the answer is of no use: {fault}", code=fault)
    return parse_answer(answer, reply.content or "")


@lru_cache(256)
def _schema(answer: type[BaseModel]) -> Mapping[str, Any]:
    return json.loads(json.dumps(answer.model_json_schema()))
