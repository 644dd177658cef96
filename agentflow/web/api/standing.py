"""Jobs as the API shows them: a row with its money, its progress and what went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from agentflow.jobs.ledger.tables import Charge, ChargeBalance, Dispute, Reservation
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Attempt, Job
from agentflow.web.api.shapes import Billing, Fault, JobBody, Money, Progress, links_of

REASONS = {"failed": "failed", "canceled": "canceled", "expired": "deadline", "finished": "not_verified"}
"""Why nothing is charged, by status."""


@dataclass(frozen=True)
class Books:
    """The money of some jobs, by job id."""

    held: Mapping[str, Reservation]
    charges: Mapping[str, Charge]
    credited: Mapping[str, int]
    disputed: frozenset[str]


async def shown(session: AsyncSession, jobs: Sequence[Job], *, live: bool) -> list[JobBody]:
    """The jobs as bodies."""
    return await session.run_sync(_shown, jobs, live)


async def show(session: AsyncSession, job: Job, *, live: bool) -> JobBody:
    """The job as a body."""
    return (await shown(session, [job], live=live))[0]


def show_in_a_thread(session: Session, job: Job, *, live: bool) -> JobBody:
    """`show` within `store.at_once`."""
    return _shown(session, [job], live)[0]


def fresh(job: Job, held: Reservation, *, live: bool) -> JobBody:
    """A job that was accepted just now as a body, without a look at the database."""
    return _body(job, Books({job.id: held}, {}, {}, frozenset()), None, live)


async def progress_of(store: Store, job: Job) -> Progress | None:
    """How far the job is, while it runs."""
    if job.status != "running":
        return None
    async with store.looking() as session:
        return (await session.run_sync(_progress, [job.id])).get(job.id)


def _over_budget(job: Job) -> bool:
    """Whether it failed because it would have cost us more than it may."""
    return job.status == "failed" and any(problem["code"] == "budget" for problem in job.problems)


def _shown(session: Session, jobs: Sequence[Job], live: bool) -> list[JobBody]:
    books = _books(session, [job.id for job in jobs])
    going = _progress(session, [job.id for job in jobs if job.status == "running"])
    return [_body(job, books, going.get(job.id), live) for job in jobs]


def _books(session: Session, jobs: Sequence[str]) -> Books:
    held = (session.scalars(select(Reservation).where(Reservation.job_id.in_(jobs)))).all()
    charges = (session.scalars(select(Charge).where(Charge.job_id.in_(jobs)))).all()
    if not charges:
        return Books({one.job_id: one for one in held}, {}, {}, frozenset())
    balances = select(ChargeBalance).where(ChargeBalance.charge_id.in_([one.id for one in charges]))
    credited = {one.charge_id: one.credited_minor for one in (session.scalars(balances)).all()}
    disputed = select(Dispute.job_id).where(Dispute.job_id.in_(jobs), Dispute.state == "opened")
    return Books(
        {one.job_id: one for one in held},
        {one.job_id: one for one in charges},
        {one.job_id: credited.get(one.id, 0) for one in charges},
        frozenset((session.scalars(disputed)).all()),
    )


def _progress(session: Session, jobs: Sequence[str]) -> dict[str, Progress]:
    if not jobs:
        return {}
    passed = (Attempt.job_id.in_(jobs), Attempt.accepted.is_(True))
    last = select(func.count(Attempt.id), func.max(Attempt.id), Attempt.job_id).where(*passed).group_by(Attempt.job_id)
    found = (session.execute(last)).all()
    steps = session.execute(select(Attempt.job_id, Attempt.step).where(Attempt.id.in_([row[1] for row in found])))
    names = {job: step for job, step in steps.all()}  # noqa: C416 - a Row is no pair to a type checker
    return {row[2]: Progress(steps_done=row[0], last_step=names.get(row[2])) for row in found}


def _body(job: Job, books: Books, going: Progress | None, live: bool) -> JobBody:
    code = "budget" if _over_budget(job) else "failed"
    failed = Fault(code=code, message="It failed on our side; nothing is charged.") if job.status == "failed" else None
    return JobBody(
        id=job.id,
        pack=job.pack,
        pack_version=job.pack_version,
        reference=job.input_name,
        status=job.status,  # pyright: ignore[reportArgumentType] - a check of the schema's holds it
        outcome=job.outcome,
        result=job.output if job.status == "finished" else None,
        billing=_billing(job, books),
        price_list=job.price_list_id,
        progress=(going or Progress(steps_done=0, last_step=None)) if job.status == "running" else None,
        error=failed,
        duplicate_of=None,
        deadline_at=job.deadline_at,
        metadata=job.labels,
        livemode=live,
        version=job.version,
        created_at=job.created_at,
        finished_at=job.finished_at,
        erased_at=job.erased_at,
        links=dict(links_of(job)),
    )


def _billing(job: Job, books: Books) -> Billing:
    charge, held = books.charges.get(job.id), books.held.get(job.id)
    if charge is not None:
        back = books.credited[job.id]
        state = "charged" if not back else "credited" if back == charge.amount_minor else "partly_credited"
        amount = Money(amount_minor=charge.amount_minor - back, currency=charge.currency)
        return Billing(
            state=state, amount=amount, reason=job.outcome, charge_id=charge.id, disputed=job.id in books.disputed
        )
    if held is not None and held.ended_at is None:
        amount = Money(amount_minor=held.amount_minor, currency=held.currency)
        return Billing(state="reserved", amount=amount, reason=None, charge_id=None, disputed=False)
    nothing = Money(amount_minor=0, currency=held.currency if held else job.currency)
    state = "released" if held else "none"
    reason = "budget" if _over_budget(job) else REASONS.get(job.status)
    return Billing(state=state, amount=nothing, reason=reason, charge_id=None, disputed=False)
