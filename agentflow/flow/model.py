"""Models: what a step may ask of a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

A = TypeVar("A", bound=BaseModel)


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
        not of the asked form, ModelError where the model cannot be reached.
        """
        ...
