"""Fakes for plain unit tests: a model that answers what it is told to, and a journal that keeps what it is given."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentflow.errors import AnswerError
from agentflow.flow.check import Problem
from agentflow.flow.journal import AttemptLine, Begun, CostLine, Journal
from agentflow.flow.model import MOST_CALLS, Image
from agentflow.flow.policy import EffectKey
from agentflow.flow.tool import Tool

A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True)
class Asked:
    """One question that a `FakeModel` was asked."""

    answer: type[BaseModel]
    instructions: str
    text: str
    images: tuple[Image, ...] = ()
    tools: tuple[Tool, ...] = ()
    """What it may call; an answer that is a function can call them."""


Scripted = BaseModel | Mapping[str, Any] | Exception | Callable[[Asked], Any]
"""An answer: the record itself, its fields, an error to raise, or a function of the question that makes one of them."""


class FakeModel:
    """A `Model` that gives its answers in turn; a step takes it as `model=`. A single function answers every time.

    `asked` keeps the questions. To be asked once more than there are answers is an AssertionError.
    """

    def __init__(self, *answers: Scripted, role: str = "fake", sees: bool = False) -> None:
        self.role = role
        self.sees = sees
        self.asked: list[Asked] = []
        self._always = answers[0] if len(answers) == 1 and _is_function(answers[0]) else None
        self._left = deque(answers)

    async def ask(self, answer: type[A], instructions: str, text: str, *, images: Sequence[Image] = ()) -> A:
        """The next answer as an `answer` record. Raises what it is told to; AnswerError where it is no `answer`."""
        return self._next(Asked(answer, instructions, text, tuple(images)), answer)

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
        """The next answer, as `ask` gives it."""
        return self._next(Asked(answer, instructions, text, tuple(images), tuple(tools)), answer)

    def _next(self, asked: Asked, answer: type[A]) -> A:
        self.asked.append(asked)
        if self._always is None and not self._left:
            raise AssertionError(
                f"FakeModel has no answer left for question {len(self.asked)}, {answer.__name__}: give it one more"
            )
        given: Any = self._always or self._left.popleft()
        given = given(asked) if _is_function(given) else given
        if isinstance(given, Exception):
            raise given
        return _as(answer, given)


class FakeModels:
    """Binds roles to fake models, for the engine's `Services`. `told` keeps the problems each attempt started with."""

    def __init__(self, **models: FakeModel) -> None:
        self.models = models
        for role, model in models.items():
            model.role = role
        self.told: list[tuple[str, tuple[Problem, ...]]] = []

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> FakeModel | None:
        """The role's model; None where there is none."""
        self.told.append((role, tuple(problems)))
        return self.models.get(role)


class MemoryJournal:
    """A `Journal` in memory: for one job, or for a million calls with `keep_lines=False`, which keeps sums alone."""

    def __init__(self, *, keep_lines: bool = True) -> None:
        self.lines: list[CostLine] = []
        self.attempts: list[AttemptLine] = []
        self.effects: dict[str, Mapping[str, Any] | None] = {}
        """By key; None where one has begun and is not done."""
        self.calls = 0
        self.cost = Decimal(0)
        """USD."""
        self._keep_lines = keep_lines

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line."""
        self.calls += 1
        self.cost += line.cost
        if self._keep_lines:
            self.lines.append(line)

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt."""
        if self._keep_lines:
            self.attempts.append(line)

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts; what is known of it."""
        again = key in self.effects
        return Begun(self.effects.setdefault(key, None), again)

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done, and the attempt that made it; what was made first stays."""
        if line is not None:
            await self.attempt(line)
        if self.effects.get(key) is None:
            self.effects[key] = dict(made)


def _is_function(given: Scripted) -> bool:
    return callable(given) and not isinstance(given, (BaseModel, Exception))


def _as(answer: type[A], given: Any) -> A:
    if isinstance(given, answer):
        return given
    try:
        return answer.model_validate(given.model_dump() if isinstance(given, BaseModel) else given)
    except ValidationError as error:
        raise AnswerError(f"the answer is not of the asked form: {error}") from error
