"""Trust: which of a step's answers may leave it, decided from the attempts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentflow.flow.check import Problem

Made = Any
"""What a step makes: a record, or a list of records."""


@dataclass(frozen=True)
class Attempt:
    """One answer of one source, or the fault that kept it from answering, with what the checks said."""

    source: str
    made: Made | None
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the answer in its step."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@dataclass(frozen=True)
class Accepted:
    """The answer may leave its step."""

    made: Made
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Doubted:
    """No answer may leave; a person is asked, shown the reasons and the best candidate."""

    reasons: tuple[Problem, ...]
    candidate: Made | None = None


Verdict = Accepted | Doubted


def accepts(attempt: Attempt) -> bool:
    """True if nothing speaks against the answer."""
    return attempt.made is not None and not attempt.errors


def conclude(attempts: Sequence[Attempt]) -> Verdict:
    """The first answer that nothing speaks against; else the one with the fewest errors, for a person."""
    for attempt in attempts:
        if accepts(attempt):
            return Accepted(attempt.made, attempt.problems)
    answered = [attempt for attempt in attempts if attempt.made is not None]
    if not answered:
        return Doubted(_unique(problem for attempt in attempts for problem in attempt.problems))
    best = min(answered, key=lambda attempt: len(attempt.errors))
    silent = (problem for attempt in attempts if attempt.made is None for problem in attempt.problems)
    notes = (problem.model_copy(update={"severity": "note"}) for problem in silent)
    return Doubted(_unique((*best.problems, *notes)), best.made)


def _unique(problems: Any) -> tuple[Problem, ...]:
    return tuple(dict.fromkeys(problems))
