"""Ending a job free of charge before it has come to an outcome: it was canceled, or its deadline has passed."""

from typing import Any, Literal

from sqlalchemy.orm import Session

from agentflow.jobs.ids import now
from agentflow.jobs.ledger.settling import release
from agentflow.jobs.tables import OPEN, Job
from agentflow.jobs.telling.events import next_event


def overdue(job: Job) -> bool:
    """Whether the job is open although its deadline has passed."""
    return job.status in OPEN and job.deadline_at is not None and job.deadline_at <= now()


def end_free(session: Session, job: Job, how: Literal["canceled", "expired"], **values: Any) -> None:
    """Ends an open job, whose row the caller's transaction holds; whoever carries it may write no more.

    `values` are columns that are set besides.
    """
    for name, value in values.items():
        setattr(job, name, value)
    job.status, job.finished_at = how, now()
    job.lease_by = job.lease_until = None
    job.fence += 1
    session.add(next_event(job, f"job.{how}"))
    session.flush()
    release(session, job.id)
