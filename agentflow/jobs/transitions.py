"""A job's transitions: each is done in one transaction of the caller's, under the fence that its run holds."""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from agentflow.connectors.prepared import ask, one_trip, send
from agentflow.engine.fencing import lost
from agentflow.jobs.ending import end_free, overdue
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.lateness import credit_late
from agentflow.jobs.ledger.settling import book, price_of, release, reserve, settle
from agentflow.jobs.ledger.tables import Verification
from agentflow.jobs.reviewing import is_held
from agentflow.jobs.tables import ENDED, Attempt, Cost, Job, Kept, Status, table_of, write
from agentflow.jobs.telling.events import next_event


def change(session: Session, job: str, fence: int | None, values: Mapping[str, Any]) -> Job:
    """Sets columns of a job that has not ended. Here and below as the store's method of that name says."""
    row, is_open = _held(session, job, fence, values)
    if is_open:
        _set(row, values)
        if values.get("status") == "awaiting_review":
            asked = {"questions": sorted(row.questions)}
            session.add(next_event(row, "job.awaiting_review", asked))
            session.add(next_event(row, "review.created", asked))
    return row


def begin(session: Session, job: str, since: Sequence[Status], terms: str, fence: int | None) -> int | None:
    """Takes a job over: its new fence, or None."""
    row = session.get(Job, job, with_for_update=True)
    if row is None or (fence is not None and row.fence != fence):
        return None
    return row.fence if _taken(session, row, since, terms) else None


def take(session: Session, job: str, since: Sequence[Status], packs: Collection[str]) -> Job | None:
    """Takes a job of one of the packs over: its row, with the questions that its last run has left."""
    row = session.get(Job, job, with_for_update=True)
    if row is None or row.pack not in packs or row.price_list_id is None:
        return None
    asked = row.questions
    if not _taken(session, row, since, row.price_list_id):
        return None
    session.flush()
    set_committed_value(row, "questions", asked)
    return row


def _taken(session: Session, row: Job, since: Sequence[Status], terms: str) -> bool:
    if row.status not in since or is_held(row) or row.erased_at is not None:
        return False
    had_failed = row.status == "failed" or row.price_list_id is None
    row.status, row.questions, row.fence = "running", {}, row.fence + 1
    row.lease_by = row.lease_until = None
    if overdue(row):
        end_free(session, row, "expired")
        return False
    row.price_list_id = row.price_list_id or terms
    write(session.connection(), next_event(row, "job.started"))
    if had_failed:
        reserve(session, row)
    return True


def finish(
    session: Session,
    job: str,
    verification: Verification,
    fence: int | None,
    kept: Mapping[str, Any] | None,
    also: Callable[[Connection], None] | None,
    values: Mapping[str, Any],
) -> Job:
    """Ends a job with its outcome, verified and charged."""
    row, is_open = _held(session, job, fence, values)
    if not is_open:
        return row
    connection, ended = session.connection(), now()
    listed = price_of(connection, row, verification.outcome)
    with one_trip(connection):
        charge, set_aside = settle(connection, row, verification, listed)
        write(connection, next_event(row, "job.finished", {"outcome": verification.outcome}))
        if kept is not None:
            write(connection, Kept(job_id=row.id, records=dict(kept)))
        if also is not None:
            also(connection)
        price = (charge.amount_minor, charge.currency) if charge else (0, row.currency)
        known = {**values, "price_minor": price[0], "currency": price[1], "version": row.version}
        _update(connection, row, {**known, "status": "finished", "outcome": verification.outcome, "finished_at": ended})
    book(connection, row.id, charge, set_aside)
    if charge is not None and listed is not None:
        credit_late(session, row, charge, listed, ended)
    return row


def fail(session: Session, job: str, fence: int | None, values: Mapping[str, Any]) -> Job:
    """Ends a job as failed, free of charge."""
    row, is_open = _held(session, job, fence, values)
    if is_open:
        _set(row, values)
        row.status = "failed"
        session.add(next_event(row, "job.failed"))
        session.flush()
        release(session, job)
    return row


def spent(connection: Connection, job: str) -> Callable[[], tuple[int, dict[str, list[str]]]]:
    """Asks for the millionths of a USD that its model calls have cost, and by role for the models that answered."""
    asked = ask(connection, _SPENT, {"of": job})

    def told() -> tuple[int, dict[str, list[str]]]:
        found = asked()
        models: dict[str, list[str]] = {row["role"]: [] for row in found if row["answered"]}
        for row in found:
            if row["answered"]:
                models[row["role"]].append(row["model"])
        return int(sum(row["micros"] for row in found)), models

    return told


def passed(connection: Connection, job: str) -> Callable[[], Sequence[SimpleNamespace]]:
    """Asks for the attempt, by step and item, after which something left it for the last time, but for its answer."""
    asked = ask(connection, _PASSED, {"of": job})
    return lambda: list({(row["step"], row["item"]): SimpleNamespace(**row) for row in asked()}.values())


def _spent_by_model() -> Any:
    cost: Any = table_of(Cost).c
    of = (cost.role, cost.model, cost.fault.is_(None).label("answered"))
    micros = func.sum(cost.cost_micros).label("micros")
    return select(*of, micros).where(cost.job_id == bindparam("of")).group_by(*of).order_by(*of)


def _accepted() -> Any:
    attempt: Any = table_of(Attempt).c
    columns = [column for column in attempt if column.name != "output"]  # which may be long
    return select(*columns).where(attempt.job_id == bindparam("of"), attempt.accepted).order_by(attempt.id)


_SPENT, _PASSED = _spent_by_model(), _accepted()
_OWN = update(table_of(Job)).where(table_of(Job).c.id == bindparam("own"))


def _update(connection: Connection, row: Job, values: Mapping[str, Any]) -> None:
    """Sets columns of the row, which the transaction holds, past the session."""
    send(connection, _OWN, {"own": row.id, **values})
    for name, value in values.items():
        set_committed_value(row, name, value)


def _set(row: Job, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _held(session: Session, job: str, fence: int | None, values: Mapping[str, Any]) -> tuple[Job, bool]:
    """The job's row, locked, and whether it is still to end: it has not ended, nor expired by now.

    `values` are what its run wants to write down. Raises LeaseLost where it is not held under the fence.
    """
    row = session.get_one(Job, job, with_for_update=True)
    _assert_fence(row, fence)
    if overdue(row):
        end_free(session, row, "expired", **_spent(values))
    return row, row.status not in ENDED


def _assert_fence(row: Job, fence: int | None) -> None:
    """Raises LeaseLost where the job is held under another fence by now."""
    if fence is not None and row.fence != fence:
        raise lost(row.id)


def _spent(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of the columns that a run sets those that stay true of a job which comes to nothing."""
    return {name: values[name] for name in ("cost_micros", "seconds", "sources") if name in values}
