"""Entering: a new job, the event that tells of it and what is set aside for it, in the caller's transaction.

What is done for every job that is asked for goes past the session, in statements that are built once.
"""

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agentflow.errors import CapError, LedgerError
from agentflow.jobs.ledger.settling import MOVE, reservation, warning
from agentflow.jobs.ledger.tables import ListedPrice, Reservation
from agentflow.jobs.tables import Job, write
from agentflow.jobs.telling.events import next_event


def enter(session: Session, job: Job, most: ListedPrice) -> Reservation:
    """Writes a new job and sets aside what `most`, its dearest outcome, costs. The job is no part of the session.

    Raises CapError where the tenant may not spend more, LedgerError where the job has no terms.
    """
    if job.price_list_id is None:
        raise LedgerError(f"job {job.id} was accepted under no terms")
    connection = session.connection()
    queued = next_event(job, "job.queued")
    write(connection, job)
    write(connection, queued)
    _set_aside(connection, job.tenant_id, most)
    held = reservation(job, most)
    write(connection, held)
    return held


def _set_aside(connection: Connection, tenant: str, most: ListedPrice) -> None:
    """One update; the schema's checks refuse what the cap does not allow."""
    moved = {"tenant": tenant, "money": most.currency, "more_reserved": most.amount_minor, "more_charged": 0}
    try:
        account = connection.execute(MOVE, moved).first()
    except IntegrityError as error:
        text = f"the spend cap of {tenant} in {most.currency} is reached; raise it or wait for running jobs"
        raise CapError(text) from error
    if account is not None and (told := warning(account, most.amount_minor)):
        write(connection, told)
