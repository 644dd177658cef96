"""Checks: functions of a record, and of what it was made from, that yield problems."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from agentflow.flow.record import Record

Severity = Literal["error", "note"]


class Problem(Record):
    """One thing that is wrong with a value, worded for a person and fit to be fed back to a model."""

    code: str
    """A stable reason code in snake case: `total_mismatch`, `iban_invalid` ..."""
    message: str
    path: str = ""
    """The field it is about: `gross_total`, `lines.2.line_total`; empty for the whole record."""
    severity: Severity = "error"
    """An `error` keeps the record in its step; a `note` only informs the person who looks at it."""
    reference: str | None = None
    """What it points to elsewhere: the job it duplicates, the rule it breaks."""


Check = Callable[..., Iterable[Problem] | Awaitable[Iterable[Problem]]]
"""Takes the record a step made, then records the step could read; connectors after the `*`. Sync or async."""
