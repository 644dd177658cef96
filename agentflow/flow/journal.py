"""The journal: what a running job writes down as it happens, whoever keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from agentflow.flow.check import Problem


@dataclass(frozen=True)
class Sent:
    """What a call sent and got, for who watches it as it is made; never stored."""

    options: Mapping[str, Any]
    """`temperature`, `max_tokens`, `seed`, where they were set."""
    finish: str | None = None
    """Why the model stopped, in the provider's word; None where there was no answer."""
    id: str | None = None
    """The provider's own name for the answer."""
    model: str | None = None
    """The model that answered, in the provider's words."""
    messages: tuple[Mapping[str, Any], ...] = ()
    """Only where contents are asked for."""
    answer: str | None = None
    """As `messages`."""


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One call of a model, failed ones too."""

    call: str
    """Unique."""
    step: str
    role: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal = Decimal(0)
    """USD."""
    seconds: float = 0.0
    fault: str | None = None
    """Why the call gave no answer; None where it did."""
    attempt: str | None = None
    """The attempt that it was made for."""
    prompt: str | None = None
    """The SHA-256 of what was sent, messages and options; never the text itself."""
    sent: Sent | None = None
    """Only where somebody watches."""


@dataclass(frozen=True, kw_only=True)
class AttemptLine:
    """One attempt at a step: what a source answered, or the fault that kept it from answering."""

    attempt: str
    """Unique; the cost lines of its calls name it."""
    step: str
    item: int | None = None
    """The position in the list of an `.each`."""
    number: int
    """From 1, in the order in which the step's attempts ended; a resumed step counts anew."""
    source: str
    fault: str | None = None
    """`refused`, `truncated`, `wrong_form`, `model_unreachable` ...; None where there is an answer."""
    problems: tuple[Problem, ...] = ()
    """What the checks said of the answer."""
    trust_before: float | None = None
    """Trust in the least trusted field of the best candidate; None under a policy without alpha."""
    trust_after: float | None = None
    made: str | None = None
    """The record type of the answer, as the step's table names it."""
    output: Any = None
    """The answer as JSON, without its evidence; None of a step that has no ladder: the job itself keeps that."""
    accepted: bool = False
    """Whether the step's answer left it after this attempt."""
    model: str | None = None
    """The model behind the source; None for code."""
    prompt: str | None = None
    """The SHA-256 of the first thing that the model was sent."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    """USD."""
    weighed: Mapping[str, Any] | None = None
    """What the answer is weighed by besides its values. `said`: by check, how many of `problems` it found, in their
    order; `told`: the checks whose objections the source was told; `sure`: how sure it is, by path; `ladder`, where it
    is not the policy's; `left`: the record that left the step, where that is not this answer, as `source` and the codes
    that each check `found`."""


@dataclass(frozen=True, slots=True)
class Begun:
    """How the journal knows an effect that starts."""

    made: Mapping[str, Any] | None = None
    """What it made, where an earlier run of the job has finished it."""
    again: bool = False
    """True where an earlier run has begun it: it may have happened, though nobody wrote that down."""


class Journal(Protocol):
    """Kept by the caller. That an effect begins is durable when `begin_effect` returns; the rest at the latest with the
    end of its step, and what was paid for a call before the next one is."""

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line, whatever becomes of the answer."""
        ...

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt for the job's trace."""
        ...

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts; what is known of it from an earlier run of the job."""
        ...

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done and what it made, and keeps the attempt that made it."""
        ...
