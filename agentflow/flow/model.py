"""Models: what a step may ask of a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from agentflow.flow.policy import EffectKey
from agentflow.flow.tool import Tool

A = TypeVar("A", bound=BaseModel)

MOST_CALLS = 10


@dataclass(frozen=True)
class Image:
    """A picture shown to a vision model."""

    data: bytes
    media_type: str = "image/png"


class Model(Protocol):
    """One rung of a step's ladder, bound by the engine to the model that models.toml names for the role."""

    @property
    def role(self) -> str:
        """The rung's name in the ladder: `small`, `frontier` ..."""
        ...

    @property
    def sees(self) -> bool:
        """True if the model takes images."""
        ...

    async def ask(self, answer: type[A], instructions: str, text: str, *, images: Sequence[Image] = ()) -> A:
        """The model's answer as an `answer` record.

        `instructions` are trusted and go into the system message; `text` and `images` are data and never are.
        What was wrong with the attempt before is added by the engine. Raises AnswerError where the answer is
        not of the asked form, ModelError where the model cannot be reached, BudgetError and DeadlineError where
        money or time do not last for a call.
        """
        ...

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
        """The model's answer after it has called tools, at most `most_calls` times.

        An unknown tool, a bad argument and a ValueError of the tool go back to the model as a problem; what else
        a tool raises ends the step. A tool that writes needs the step's own `key`, which only an effect is given,
        and is called once however often the job is resumed. Raises as `ask` does, and AnswerError where the calls
        are used up; RunError where a tool writes and there is no `key`.
        """
        ...
