"""Purging: what jobs read and made is erased; what they were charged, and the proof of it, stays."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.engine.checkpoints import forget
from agentflow.engine.fencing import Fence, Savers
from agentflow.errors import ConfigError, LeaseLost
from agentflow.jobs.api_tables import File, Once
from agentflow.jobs.ending import end_free
from agentflow.jobs.ids import now
from agentflow.jobs.ledger import giving
from agentflow.jobs.ledger.tables import Dispute
from agentflow.jobs.leftovers import condemn, named_by
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Attempt, Effect, Job, Kept, Status
from agentflow.jobs.telling.tables import Outbox

OPEN: tuple[Status, ...] = ("queued", "running", "awaiting_review")
AT_ONCE = 100
"""Jobs that are erased in one transaction."""
ERASED = "erased"


@dataclass(frozen=True)
class Scope:
    """Whose jobs, and how old: a tenant's alone, those that ended before a time, or both.

    A tenant without a time is erased entirely: what is under way is canceled first, and open disputes are withdrawn.
    """

    tenant: str | None = None
    before: datetime | None = None

    def __post_init__(self) -> None:
        if self.tenant is None and self.before is None:
            raise ConfigError("name a tenant, or an age: nobody's jobs are erased by default")

    @property
    def whole(self) -> bool:
        """Whether nothing of the tenant's is to be left."""
        return self.tenant is not None and self.before is None

    @property
    def jobs(self) -> list[ColumnElement[bool]]:
        """The jobs that are to be erased."""
        told = select(func.max(Outbox.created_at)).where(Outbox.job_id == Job.id).scalar_subquery()
        found = [Job.erased_at.is_(None), *self._of(Job.tenant_id)]
        if self.before is None:
            return found
        disputed = select(Dispute.id).where(Dispute.job_id == Job.id, Dispute.state == "opened")
        ended = func.coalesce(Job.finished_at, told, Job.created_at) < self.before
        return [*found, Job.status.not_in(OPEN), ended, ~disputed.exists()]

    @property
    def files(self) -> list[ColumnElement[bool]]:
        """The files that are to be forgotten: none that a job reads which stays."""
        if self.before is None:
            return self._of(File.tenant_id)
        reads = select(Job.id).where(
            Job.tenant_id == File.tenant_id, Job.input_sha256 == File.sha256, Job.erased_at.is_(None)
        )
        return [*self._of(File.tenant_id), File.created_at < self.before, ~reads.exists()]

    @property
    def answers(self) -> list[ColumnElement[bool]]:
        """The stored answers to requests that are to be forgotten."""
        return [*self._of(Once.tenant_id), *([Once.created_at < self.before] if self.before else [])]

    def _of(self, column: Any) -> list[ColumnElement[bool]]:
        return [] if self.tenant is None else [column == self.tenant]


@dataclass(frozen=True)
class Erased:
    """What was erased, or would be."""

    jobs: int = 0
    canceled: int = 0
    """Of these, those that were under way."""
    withdrawn: int = 0
    """Disputes."""
    files: int = 0


async def survey(store: Store, scope: Scope) -> Erased:
    """What `purge` would erase."""
    async with store.looking() as session:

        async def count(table: Any, *where: ColumnElement[bool]) -> int:
            return await session.scalar(select(func.count()).select_from(table).where(*where)) or 0

        canceled = await count(Job, *scope.jobs, Job.status.in_(OPEN))
        withdrawn = await count(Dispute, *_disputes(scope)) if scope.whole else 0
        return Erased(await count(Job, *scope.jobs), canceled, withdrawn, await count(File, *scope.files))


async def purge(store: Store, savers: Savers, scope: Scope) -> Erased:
    """Erases all that the scope's jobs read and made; can be stopped and called again at any moment.

    The documents that they leave are noted: `leftovers.sweep` deletes them.
    """
    done = await _stopped(store, scope) if scope.whole else Erased()
    last = ""
    while True:
        async with store.looking() as session:
            some = select(Job).where(*scope.jobs, Job.id > last).order_by(Job.id).limit(AT_ONCE)
            jobs = (await session.scalars(some)).all()
        if not jobs:
            break
        last = jobs[-1].id
        done = replace(done, jobs=done.jobs + await _erased(store, savers, scope, jobs))
    async with store.writing() as session:
        files = (await session.scalars(select(File).where(*scope.files))).all()
        await condemn(session, {file.sha256 for file in files})
        for file in files:
            await session.delete(file)
        await session.execute(delete(Once).where(*scope.answers))
        await _unsay(session)
    return replace(done, files=len(files))


async def _stopped(store: Store, scope: Scope) -> Erased:
    """The tenant's jobs are under way no more, and no dispute is open."""
    async with store.writing() as session:
        under_way = select(Job).where(*scope.jobs, Job.status.in_(OPEN)).order_by(Job.id)
        jobs = (await session.scalars(under_way.with_for_update())).all()
        for job in jobs:
            await session.run_sync(end_free, job, "canceled")
        disputes = (await session.scalars(select(Dispute.id).where(*_disputes(scope)))).all()
        for one in disputes:
            await session.run_sync(giving.decide, one, "withdrawn", "erasure")
    return Erased(canceled=len(jobs), withdrawn=len(disputes))


def _disputes(scope: Scope) -> list[ColumnElement[bool]]:
    return [Dispute.tenant_id == scope.tenant, Dispute.state == "opened"]


async def _erased(store: Store, savers: Savers, scope: Scope, jobs: Sequence[Job]) -> int:
    """How many of the jobs were erased: not one that is carried on again by now."""
    names = await named_by(store, savers, jobs)
    async with store.writing() as session:
        await condemn(session, names)  # before their last trace is gone
    for job in jobs:
        with suppress(LeaseLost):  # a failed one is being tried again, and stays
            await forget(Fence(job.id, job.fence), store)
    async with store.writing() as session:
        mine = select(Job).where(*scope.jobs, Job.id.in_([job.id for job in jobs]), Job.status.not_in(OPEN))
        found = (await session.scalars(mine.with_for_update())).all()
        await _erase(session, [job.id for job in found])
        for job in found:
            job.input, job.input_name, job.input_sha256 = {}, f"{ERASED} {job.id}", ""
            job.problems, job.questions, job.answers, job.labels = [], {}, {}, {}
            job.erased_at = now()
    return len(found)


async def _erase(session: AsyncSession, jobs: Sequence[str]) -> None:
    """Everything of the jobs that is no money: texts, records, and what people wrote."""
    await session.execute(update(Job).where(Job.id.in_(jobs)).values(result=null(), output=null(), evidence=null()))
    await session.execute(delete(Kept).where(Kept.job_id.in_(jobs)))
    await session.execute(update(Effect).where(Effect.job_id.in_(jobs)).values(made=null()))
    bare: dict[str, Any] = {"problems": [], "output": null(), "weighed": null()}
    await session.execute(update(Attempt).where(Attempt.job_id.in_(jobs)).values(**bare))
    said: dict[str, Any] = {"reason": ERASED, "fields": {}, "decision": null()}
    await session.execute(update(Dispute).where(Dispute.job_id.in_(jobs)).values(**said))
    for event in await session.scalars(select(Outbox).where(Outbox.job_id.in_(jobs), Outbox.topic == "review.decided")):
        event.payload = {name: value for name, value in event.payload.items() if name != "by"}


async def _unsay(session: AsyncSession) -> None:
    """What answers that are kept for repeated requests say of erased jobs; the requests are still done once."""
    erased = select(Job.id).where(Job.erased_at.is_not(None))
    of_job, about_job = Once.body["id"].as_string().in_(erased), Once.body["job"].as_string().in_(erased)
    for one in await session.scalars(select(Once).where(or_(of_job, about_job))):
        told: dict[str, Any] = one.body or {}
        bare: dict[str, Any] = {"reference": f"{ERASED} {told['id']}", "result": None, "metadata": {}}
        bare |= {"reason": ERASED, "fields": {}, "decision": None}
        one.body = {name: bare.get(name, value) for name, value in told.items()}
