"""Checks: functions of a record, and of what it was made from, that yield problems."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeVar

from agentflow.flow.record import Record

Severity = Literal["error", "note"]
_TIES = "ties"
_NAMES = "names"
_ASKS = "asks"


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
"""Takes the record a step made, then records the step could read; connectors after the `*`. Sync or async.

One that is marked with `asks` takes a model after the `*` as well.
"""


C = TypeVar("C", bound=Check)


def ties(*paths: str) -> Callable[[C], C]:
    """Declares which fields a check holds against each other: `@ties("net_total", "tax_total", "gross_total")`.

    Where all of them have a value and the check passes, it vouches for every one: a single wrong value would have
    broken it. `*` stands for the places of a list: `lines.*.line_total`.
    """

    def declare(check: C) -> C:
        setattr(check, _TIES, paths)
        return check

    return declare


def names(*paths: str) -> Callable[[C], C]:
    """Declares fields that a check speaks of by path, so that a name that no record has is found in the table."""

    def declare(check: C) -> C:
        setattr(check, _NAMES, paths)
        return check

    return declare


def asks(*roles: str) -> Callable[[C], C]:
    """Declares whom a check may ask for a judgement: `@asks("judge", "frontier")`; it takes `*, model: Model`.

    It is given the first of them that models.toml names and that has no part in the record it judges; where there is
    none the check says nothing. Let it read the record alone, fields and evidence: what a document tells its reader to
    do cannot reach the judge then.
    """

    def declare(check: C) -> C:
        setattr(check, _ASKS, roles)
        return check

    return declare


def asked_by(check: Check) -> tuple[str, ...]:
    """The roles that the check may ask; none where it asks no model."""
    return getattr(check, _ASKS, ())


def named_by(check: Check) -> tuple[str, ...]:
    """The fields that the check names: those that it ties together, and those that it declares otherwise."""
    return (*tied_by(check), *getattr(check, _NAMES, ()))


def tied_by(check: Check) -> tuple[str, ...]:
    """The fields that the check ties together; none where it declares none."""
    return getattr(check, _TIES, ())
