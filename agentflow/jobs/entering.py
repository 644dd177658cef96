"""Entering: a new job, the event that tells of it and what is set aside for it, in the caller's transaction.

What is done for every job that is asked for goes past the session, in statements that are built once.
"""

from sqlalchemy.orm import Session

from agentflow.errors import LedgerError
from agentflow.jobs.ledger.settling import move, reservation
from agentflow.jobs.ledger.tables import ListedPrice, Reservation
from agentflow.jobs.tables import Job, write
from agentflow.jobs.telling.events import next_event


def enter(session: Session, job: Job, most: ListedPrice) -> Reservation:
    """Writes a new job and sets aside what `most`, its dearest outcome, costs. The job is no part of the session.

    Raises CapError where the tenant may not spend more, LedgerError where the job has no terms.
    """
    if job.price_list_id is None:
        raise LedgerError(f"job {job.id} was accepted under no terms")
    connection, held = session.connection(), reservation(job, most)
    queued = next_event(job, "job.queued")
    write(connection, job)
    write(connection, queued)
    write(connection, held)
    move(connection, job.tenant_id, most.currency, reserved=most.amount_minor)
    return held
