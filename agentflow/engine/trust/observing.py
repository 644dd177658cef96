"""Observing: an attempt at a case whose right answer is known, as rows that rates are counted from."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from agentflow.engine.trust.evidence import UNANSWERED, Ties, inside, level, objects
from agentflow.engine.trust.values import is_empty, leaves
from agentflow.engine.trust.verdict import Attempt, Made


@dataclass(frozen=True, slots=True)
class Observation:
    """What one call of a source said of one field of a case, or the fault that kept it from answering."""

    case: str | int
    source: str
    trial: int
    """Which of the source's calls on the case; a call of several fields makes several rows."""
    path: str = ""
    """Of a fault: empty for all of the case's fields."""
    value: Any = None
    """Hashable, in the form that values are compared in; None where the field is left empty."""
    truth: Any = None
    """None where the field has to stay empty."""
    fault: str | None = None
    """Why there is no answer."""
    confidence: float | None = None
    """What the source says of this value, by whatever scale: only its order counts."""
    said: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """By check that spoke of the value: whether it objects."""
    cost: Decimal = Decimal(0)
    """USD; of the whole call."""
    seconds: float = 0.0
    """Of the whole call."""


def observed(
    case: str | int, trial: int, attempt: Attempt, truth: Made, ties: Ties | None = None, *, one_type: bool = True
) -> list[Observation]:
    """The rows of an attempt; none where something other than the source's answer failed.

    `one_type` as in `believe`. Fields inside of a list of the wrong length, or of a record of the wrong type, are
    left out: what is compared there is the length or the type.
    """
    if attempt.made is None:
        return [_row(case, trial, attempt)] if attempt.fault in UNANSWERED else []
    told, right = level([attempt.leaves, leaves(truth)], one_type)
    return [
        replace(
            _row(case, trial, attempt),
            path=path,
            value=None if is_empty(path, told[path]) else told[path],
            truth=None if is_empty(path, right[path]) else right[path],
            confidence=attempt.confidences.get(path),
            said=_said(path, attempt, ties or {}),
        )
        for path in right
        if path in told and inside(told, path, right)
    ]


def _row(case: str | int, trial: int, attempt: Attempt) -> Observation:
    return Observation(case, attempt.source, trial, fault=attempt.fault, cost=attempt.cost, seconds=attempt.seconds)


def _said(path: str, attempt: Attempt, ties: Ties) -> dict[str, bool]:
    return {name: objects(path, name, attempt, ties) > 0 for name in attempt.said}
