"""Accepting: an order becomes one job, with its money set aside and handed over to be carried, or none."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from agentflow.errors import RequestError
from agentflow.jobs.dispatch import Engine
from agentflow.jobs.entering import enter
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import ListedPrice, PriceList, Reservation, SpendAccount
from agentflow.jobs.orders import Order, earlier_jobs, free_name, same
from agentflow.jobs.tables import Job

LONGEST = timedelta(days=30)
"""How long a job may take, its reviews included, that says nothing of a deadline: what is set aside for it is not kept
for ever."""
_ALONE = (
    select(SpendAccount.tenant_id)
    .where(SpendAccount.tenant_id == bindparam("tenant"), SpendAccount.currency == bindparam("of_currency"))
    .with_for_update()
)

log = logging.getLogger("agentflow.jobs")


@dataclass(frozen=True)
class Terms:
    """What a pack's jobs are accepted under, and its dearest outcome: what is set aside for each."""

    listed: PriceList
    most: ListedPrice


def accept(session: Session, order: Order, terms: Terms, engine: Engine) -> tuple[Job, Reservation | None]:
    """A job for the order, in the caller's transaction, and what is set aside for it.

    Nothing is where the job was there already: the same content is one job, charged once. A new job is no part of
    the session: it is as it was written.

    Raises CapError where the tenant may not spend more, RequestError where it would cost more than it may.
    """
    if session.get_bind().dialect.name != "sqlite":  # there a writer is alone as it is
        session.connection().execute(_ALONE, {"tenant": order.tenant, "of_currency": terms.listed.currency})
    earlier = earlier_jobs(session.connection(), order)
    if again := same(order, earlier):
        return session.get_one(Job, again.id), None
    if order.most_minor is not None and terms.most.amount_minor > order.most_minor:
        raise RequestError(f"A job of {order.pack} costs more than max_price allows.", code="price-changed")
    accepted = now()
    job = Job(
        id=new_id("job"),
        pack=order.pack,
        pack_version=order.version,
        input_name=free_name(order, earlier),
        input_sha256=order.sha256,
        input=order.record.model_dump(mode="json"),
        created_at=accepted,
        deadline_at=accepted + (LONGEST if order.deadline is None else order.deadline),
        tenant_id=order.tenant,
        price_list_id=terms.listed.id,
        labels=dict(order.labels),
    )
    held = enter(session, job, terms.most)
    engine.hand_over(session, job.id, job.tenant_id, pack=job.pack)
    log.info("job accepted", extra={"job": job.id, "pack": job.pack, "tenant": job.tenant_id})
    return job, held
