"""What comes later than promised: the credit that the terms say is given by itself, when the job is settled."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from agentflow.jobs.ledger.giving import credit
from agentflow.jobs.ledger.tables import Charge, Credit, ListedPrice
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox


def credit_late(session: Session, job: Job, charge: Charge, price: ListedPrice, ended: datetime) -> Credit | None:
    """Gives back what the job's terms promise where it took longer than they say; once a charge.

    The clock runs from the job's acceptance and stands while the job waits for a person: reviews are answered with the
    tenant's own keys, and that time is not ours.
    """
    if price.within_seconds is None or price.late_minor is None:
        return None
    took = ended - job.created_at
    if took <= timedelta(seconds=price.within_seconds):
        return None
    if took - waited(session, job.id, ended) <= timedelta(seconds=price.within_seconds):
        return None
    return credit(session, charge, price.late_minor, "sla", f"sla:{charge.id}")


def waited(session: Session, job: str, until: datetime) -> timedelta:
    """How long the job has waited for a person until then, as its events tell."""
    mine = (Outbox.job_id == job, Outbox.topic != "review.created")
    told = session.execute(select(Outbox.topic, Outbox.created_at).where(*mine).order_by(Outbox.number))
    total, since = timedelta(), None
    for topic, at in [*told.all(), ("", until)]:
        total += at - since if since is not None else timedelta()
        since = at if topic == "job.awaiting_review" else None
    return total
