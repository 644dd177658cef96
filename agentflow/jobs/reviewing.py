"""Leases of reviews: who looks at what a job asks, for how long, and that only they decide it meanwhile."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import RequestError
from agentflow.jobs.ids import now
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.events import next_event

LEASE = timedelta(minutes=10)
"""How long a claim holds without a sign of life."""

Where = tuple[ColumnElement[bool], ...]


def unclaimed() -> Where:
    """Of jobs whose review nobody holds: none was claimed, or the claim has run out."""
    return (or_(Job.lease_until.is_(None), Job.lease_until <= now()),)


def is_held(job: Job) -> bool:
    """Whether somebody holds the review of the job."""
    return job.lease_until is not None and job.lease_until > now()


def claimed(lease: int) -> Where:
    """Of jobs whose review is held by the claim of that number."""
    return (Job.lease_number == lease, Job.lease_until > now())


async def claim_next(
    session: AsyncSession, tenant: str, packs: Collection[str], by: str, pack: str | None = None
) -> Job | None:
    """Claims a review of the tenant that nobody holds, in one statement: the one due first, else the oldest.

    None where there is none. Claims at the same time get different ones; the `lease_number` is the claim's.
    """
    wanted = [Job.tenant_id == tenant, Job.status == "awaiting_review", *unclaimed()]
    wanted += [Job.pack == pack] if pack is not None else [Job.pack.in_(packs)]
    queue = select(Job.id).where(*wanted, or_(Job.deadline_at.is_(None), Job.deadline_at > now()))
    first = queue.order_by(Job.deadline_at.asc().nulls_last(), Job.id).limit(1).with_for_update(skip_locked=True)
    values = {"lease_by": by, "lease_until": now() + LEASE, "lease_number": Job.lease_number + 1}
    change = update(Job).where(Job.id == first.scalar_subquery(), *wanted).values(**values).returning(Job)
    return await session.scalar(change.execution_options(populate_existing=True))


async def heartbeat(session: AsyncSession, tenant: str, job: str, lease: int) -> Job:
    """Holds a review for longer. Raises RequestError where the claim is lost, or the tenant has no such job."""
    return await _changed(session, tenant, job, lease, {"lease_until": now() + LEASE})


async def release(session: AsyncSession, tenant: str, job: str, lease: int) -> Job:
    """Gives a review back to the queue. Raises RequestError as `heartbeat` does."""
    return await _changed(session, tenant, job, lease, {"lease_until": None, "lease_by": None})


async def decide(session: AsyncSession, job: Job, given: Mapping[str, Any], by: str, lease: int | None) -> None:
    """Keeps a person's answers for a job that waits; it is queued to go on.

    With a `lease` only while that claim holds, else only while nobody's does: raises RequestError.
    """
    values = {"answers": {**job.answers, **given}, "status": "queued", "lease_by": None, "lease_until": None}
    still = unclaimed() if lease is None else claimed(lease)
    where = (Job.id == job.id, Job.tenant_id == job.tenant_id, Job.status == "awaiting_review", *still)
    found = await session.scalar(update(Job).where(*where).values(**values).returning(Job.id))
    if found is None:
        raise _lost() if lease is not None else _held()
    await session.refresh(job)
    session.add(next_event(job, "review.decided", {"questions": sorted(given), "by": by}))
    await session.flush()


async def _changed(session: AsyncSession, tenant: str, job: str, lease: int, values: Mapping[str, Any]) -> Job:
    mine = (Job.id == job, Job.tenant_id == tenant)
    change = update(Job).where(*mine, Job.status == "awaiting_review", *claimed(lease)).values(**values)
    found = await session.scalar(change.returning(Job).execution_options(populate_existing=True))
    if found is not None:
        return found
    if await session.scalar(select(Job.id).where(*mine)) is None:
        raise RequestError("There is no such job.", code="not-found")
    raise _lost()


def _lost() -> RequestError:
    return RequestError("The claim has run out or was given back; claim the review again.", code="lease-lost")


def _held() -> RequestError:
    return RequestError("Somebody else holds the review; claim another, or wait until it is free.", code="lease-lost")
