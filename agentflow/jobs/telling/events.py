"""What happens to a job, in order: each event is told once, to whoever listens, in the transaction of the fact."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.ids import new_id, now
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox

LAST = ("job.finished", "job.canceled", "job.expired")
"""After these nothing more happens to a job."""


def next_event(job: Job, topic: str, payload: Mapping[str, Any] | None = None) -> Outbox:
    """The job's next event, by which its version is counted on: whoever writes it holds the job's row."""
    job.version += 1
    source = job.id if topic in LAST else f"{job.id}#{job.version}"
    told = {"job": job.id, "pack": job.pack, **(payload or {})}
    return Outbox(
        id=new_id("ev"),
        tenant_id=job.tenant_id,
        topic=topic,
        source_id=source,
        payload=told,
        created_at=now(),
        job_id=job.id,
        number=job.version,
    )


async def events_of(session: AsyncSession, job: str, after: int = 0) -> Sequence[Outbox]:
    """The job's events behind number `after`, in order."""
    mine = (Outbox.job_id == job, Outbox.number > after)
    return (await session.scalars(select(Outbox).where(*mine).order_by(Outbox.number))).all()
