"""Verdicts: whether what a step made may leave it, and the attempts that this is decided from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from agentflow.engine.trust.values import Leaves, confidences, leaves
from agentflow.flow.check import Problem

Made = Any
"""What a step makes: a record, or a list of records."""

Said = Mapping[str, tuple[Problem, ...]]
"""What each check found, by its name; a check that found nothing is there too."""


@dataclass(frozen=True)
class Asked:
    """What an attempt asked of a model, all its calls together."""

    attempt: str = ""
    """The attempt's id in the journal."""
    model: str | None = None
    prompt: str | None = None
    """The SHA-256 of what was sent first."""
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True)
class Attempt:
    """One answer of one source, or the fault that kept it from answering, with what the checks said."""

    source: str
    made: Made | None
    problems: tuple[Problem, ...] = ()
    said: Said = field(default_factory=dict[str, tuple[Problem, ...]])
    fault: str | None = None
    """Why there is no answer."""
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    """USD."""
    away: float | None = None
    """Seconds after which the source may be tried again, where nobody answered for it; 0 where that is not known."""
    asked: Asked = Asked()
    told: frozenset[str] = frozenset()
    """The checks whose objections to its earlier answers the source was told: that they pass then proves nothing."""
    objections: dict[Any, Mapping[str, int]] = field(
        default_factory=dict[Any, Mapping[str, int]], init=False, repr=False, compare=False
    )
    """What has been worked out so far of which fields the checks object to."""

    @cached_property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the answer in its step."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @cached_property
    def leaves(self) -> Leaves:
        """The answer's values by path."""
        return leaves(self.made)

    @cached_property
    def confidences(self) -> Mapping[str, float]:
        """How sure the source is of its own values, by path; only where its record says so."""
        return confidences(self.made)


@dataclass(frozen=True)
class Accepted:
    """The answer may leave its step."""

    made: Made
    notes: tuple[Problem, ...] = ()
    trust: Mapping[str, float] = field(default_factory=dict[str, float])
    """By path; empty where the policy promises nothing."""


@dataclass(frozen=True)
class Doubted:
    """No answer may leave; a person is asked, shown the reasons and the best candidate."""

    reasons: tuple[Problem, ...]
    candidate: Made | None = None
    trust: Mapping[str, float] = field(default_factory=dict[str, float])


Verdict = Accepted | Doubted


def accepts(attempt: Attempt) -> bool:
    """True if nothing speaks against the answer."""
    return attempt.made is not None and not attempt.errors


def conclude(attempts: Sequence[Attempt], ended: Sequence[Problem] = ()) -> Verdict:
    """The first answer that nothing speaks against; else the one with the fewest errors, for a person.

    `ended` is what other than the answers kept more from being asked for.
    """
    for attempt in attempts:
        if accepts(attempt):
            return Accepted(attempt.made, attempt.problems)
    answered = [attempt for attempt in attempts if attempt.made is not None]
    if not answered:
        told = (problem for attempt in attempts for problem in attempt.problems)
        return Doubted(tuple(dict.fromkeys((*told, *ended))))
    best = min(answered, key=lambda attempt: len(attempt.errors))
    silent = (problem for attempt in attempts if attempt.made is None for problem in attempt.problems)
    notes = (problem.model_copy(update={"severity": "note"}) for problem in silent)
    return Doubted(tuple(dict.fromkeys((*best.problems, *notes, *ended))), best.made)
