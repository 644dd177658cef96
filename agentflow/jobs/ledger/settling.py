"""Settling: money is set aside when a job is accepted, and charged or given free when it ends."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import CapError, LedgerError
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.prices import dearest
from agentflow.jobs.ledger.tables import (
    Charge,
    ChargeBalance,
    ListedPrice,
    Outbox,
    Reservation,
    SpendAccount,
    Transfer,
    Verification,
)
from agentflow.jobs.tables import Job

RECEIVABLE, REVENUE = "receivable", "revenue"


async def reserve(session: AsyncSession, job: Job) -> None:
    """Sets aside what the job's dearest outcome costs, once however often it is asked for.

    Raises CapError where the tenant's cap does not allow it, LedgerError where the job has no terms.
    """
    if job.price_list_id is None:
        raise LedgerError(f"job {job.id} was accepted under no terms")
    held = await session.get(Reservation, job.id, with_for_update=True)
    if held is not None and held.ended_at is None:
        return
    most = await dearest(session, job.price_list_id)
    await _move(session, job.tenant_id, most.currency, reserved=most.amount_minor)
    if held is not None:  # a failed job is tried again
        held.ended_at, held.ended_as, held.amount_minor = None, None, most.amount_minor
    else:
        session.add(
            Reservation(job_id=job.id, tenant_id=job.tenant_id, currency=most.currency, amount_minor=most.amount_minor)
        )
    await session.flush()


async def release(session: AsyncSession, job: str) -> None:
    """Ends the job's reservation free of charge; nothing where it has ended."""
    await _end(session, job, "released", charged=0)


async def settle(session: AsyncSession, job: Job, verification: Verification) -> Charge | None:
    """Charges the job's outcome if its verification passed, else releases what was set aside; once.

    `job` is locked by the caller's transaction. Raises LedgerError where the terms have no such outcome.
    """
    earlier = await session.scalar(select(Charge).where(Charge.job_id == job.id))
    if earlier is not None:
        return earlier
    session.add(verification)
    await session.flush()
    if verification.verdict != "pass":
        await release(session, job.id)
        return None
    price = await session.get(ListedPrice, (job.price_list_id, verification.outcome))
    if price is None:
        raise LedgerError(f"job {job.id}: its terms {job.price_list_id} have no price for {verification.outcome}")
    charge = _charge(job, verification, price)
    session.add(charge)
    await session.flush()
    session.add(ChargeBalance(charge_id=charge.id, amount_minor=charge.amount_minor))
    if charge.amount_minor:
        session.add(transfer(charge, RECEIVABLE, REVENUE, charge.amount_minor, "charge", charge.id))
    tell(session, job.tenant_id, "charge.created", charge.id, {"job": job.id})
    await _end(session, job.id, "charged", charged=charge.amount_minor)
    return charge


def transfer(charge: Charge, debit: str, credit: str, amount_minor: int, kind: str, source: str) -> Transfer:
    """A movement of the charge's money."""
    return Transfer(
        id=new_id("tr"),
        tenant_id=charge.tenant_id,
        debit_account=debit,
        credit_account=credit,
        amount_minor=amount_minor,
        currency=charge.currency,
        kind=kind,
        source_id=source,
        created_at=now(),
    )


def tell(session: AsyncSession, tenant: str, topic: str, source: str, payload: dict[str, Any]) -> None:
    """Puts an event in the outbox, in the transaction of the fact it tells."""
    session.add(
        Outbox(id=new_id("ev"), tenant_id=tenant, topic=topic, source_id=source, payload=payload, created_at=now())
    )


async def charge_less(session: AsyncSession, tenant: str, currency: str, amount_minor: int) -> None:
    """Takes a credit off what the tenant was charged."""
    await _move(session, tenant, currency, charged=-amount_minor)


def _charge(job: Job, verification: Verification, price: ListedPrice) -> Charge:
    return Charge(
        id=new_id("ch"),
        job_id=job.id,
        tenant_id=job.tenant_id,
        price_list_id=price.price_list_id,
        outcome=verification.outcome,
        verification_id=verification.id,
        verdict=verification.verdict,
        amount_minor=price.amount_minor,
        currency=price.currency,
        created_at=now(),
    )


async def _end(session: AsyncSession, job: str, how: str, *, charged: int) -> None:
    """Ends the reservation, once, and books what it becomes; charged without one where it was released before."""
    ended: datetime = now()
    open_one = (Reservation.job_id == job, Reservation.ended_at.is_(None))
    found = await session.execute(
        update(Reservation)
        .where(*open_one)
        .values(ended_at=ended, ended_as=how)
        .returning(Reservation.tenant_id, Reservation.currency, Reservation.amount_minor)
    )
    row = found.first()
    if row is not None:
        await _move(session, row.tenant_id, row.currency, reserved=-row.amount_minor, charged=charged)
    elif charged:
        raise LedgerError(f"job {job} has nothing set aside to be charged from")


async def _move(session: AsyncSession, tenant: str, currency: str, *, reserved: int = 0, charged: int = 0) -> None:
    """One conditional update; the schema's checks refuse what the cap does not allow."""
    account = (SpendAccount.tenant_id == tenant, SpendAccount.currency == currency)
    change = update(SpendAccount).where(*account)
    values = {
        "reserved_minor": SpendAccount.reserved_minor + reserved,
        "charged_minor": SpendAccount.charged_minor + charged,
    }
    try:
        await session.execute(change.values(**values).execution_options(synchronize_session=False))
    except IntegrityError as error:
        raise CapError(
            f"the spend cap of {tenant} in {currency} is reached; raise it or wait for running jobs"
        ) from error
