"""Settling: money is set aside when a job is accepted, and charged or given free when it ends."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agentflow.connectors.prepared import ask
from agentflow.errors import CapError, LedgerError
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.prices import dearest
from agentflow.jobs.ledger.tables import (
    Charge,
    ChargeBalance,
    ListedPrice,
    Reservation,
    SpendAccount,
    Transfer,
    Verification,
)
from agentflow.jobs.tables import Job, table_of, write
from agentflow.jobs.telling.tables import Outbox

Ended = Callable[[], Sequence[Mapping[str, Any]]]
"""The reservation that was ended, at the end of the trip; none where it had ended before."""
RECEIVABLE, REVENUE = "receivable", "revenue"
WARN_AT = 80
"""Percent of the cap that are set aside or charged, at which its tenant is told `spend.threshold`."""


def reserve(session: Session, job: Job) -> None:
    """Sets aside what the job's dearest outcome costs, once however often it is asked for.

    Raises CapError where the tenant's cap does not allow it, LedgerError where the job has no terms.
    """
    if job.price_list_id is None:
        raise LedgerError(f"job {job.id} was accepted under no terms")
    held = session.get(Reservation, job.id, with_for_update=True)
    if held is not None and held.ended_at is None:
        return
    most = dearest(session, job.price_list_id)
    move(session.connection(), job.tenant_id, most.currency, reserved=most.amount_minor)
    if held is not None:  # a failed job is tried again
        held.ended_at, held.ended_as, held.amount_minor = None, None, most.amount_minor
    else:
        session.add(reservation(job, most))
    session.flush()


def release(session: Session, job: str) -> None:
    """Ends the job's reservation free of charge; nothing where it has ended."""
    connection = session.connection()
    book(connection, job, None, _end(connection, job, "released"))


def price_of(connection: Connection, job: Job, outcome: str) -> ListedPrice | None:
    """What the job's terms say that the outcome costs; None where they say nothing."""
    found = ask(connection, _LISTED, {"terms": job.price_list_id, "reached": outcome})()
    return next((ListedPrice(**row) for row in found), None)


def settle(
    connection: Connection, job: Job, verification: Verification, price: ListedPrice | None
) -> tuple[Charge | None, Ended]:
    """Charges the job's outcome if its verification passed; ends what was set aside for it, which is still to `book`.

    The job is held by the transaction. Raises LedgerError where the outcome has no price.
    """
    passed = verification.verdict == "pass"
    if passed and price is None:
        raise LedgerError(f"job {job.id}: its terms {job.price_list_id} have no price for {verification.outcome}")
    write(connection, verification)
    if not passed or price is None:
        return None, _end(connection, job.id, "released")
    charge = _charge(job, verification, price)
    write(connection, charge)
    write(connection, ChargeBalance(charge_id=charge.id, amount_minor=charge.amount_minor))
    if charge.amount_minor:
        write(connection, transfer(charge, RECEIVABLE, REVENUE, charge.amount_minor, "charge", charge.id))
    write(connection, fact(job.tenant_id, "charge.created", charge.id, {"job": job.id}))
    return charge, _end(connection, job.id, "charged")


def book(connection: Connection, job: str, charge: Charge | None, ended: Ended) -> None:
    """Moves what was set aside for the job to what is charged. Raises LedgerError where it is charged from nothing.

    In a trip of its own, and the last of its transaction: all jobs of the tenant wait for its account, and a process
    that is paused in mid-trip keeps its locks.
    """
    charged, reservations = charge.amount_minor if charge else 0, ended()
    for held in reservations:
        move(connection, held["tenant_id"], held["currency"], reserved=-held["amount_minor"], charged=charged)
    if charged and not reservations:
        raise LedgerError(f"job {job} has nothing set aside to be charged from")


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


def fact(tenant: str, topic: str, source: str, payload: dict[str, Any]) -> Outbox:
    """A row of the outbox, to be written in the transaction of the fact it tells."""
    return Outbox(id=new_id("ev"), tenant_id=tenant, topic=topic, source_id=source, payload=payload, created_at=now())


def charge_less(session: Session, tenant: str, currency: str, amount_minor: int) -> None:
    """Takes a credit off what the tenant was charged."""
    move(session.connection(), tenant, currency, charged=-amount_minor)


def set_cap(session: Session, tenant: str, currency: str, cap_minor: int | None) -> None:
    """What the tenant may spend in a currency, all in all; None is without a limit.

    Raises CapError where more is charged and set aside already, LedgerError where the tenant has no such account.
    """
    account = session.get(SpendAccount, (tenant, currency), with_for_update=True)
    if account is None:
        raise LedgerError(f"{tenant} has no account in {currency}; it has one from its first job or key on")
    used = account.reserved_minor + account.charged_minor
    if cap_minor is not None and used > cap_minor:
        raise CapError(f"{used} are charged and set aside for {tenant} already; set no cap below that")
    was_near, account.cap_minor = _near(used, account.cap_minor), cap_minor
    if _near(used, cap_minor) and not was_near:
        account.warnings += 1
        session.add(_threshold(account))
    session.flush()


def reservation(job: Job, most: ListedPrice) -> Reservation:
    """What is set aside for the job, whose dearest outcome is `most`."""
    return Reservation(
        job_id=job.id,
        tenant_id=job.tenant_id,
        price_list_id=most.price_list_id,
        currency=most.currency,
        amount_minor=most.amount_minor,
    )


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


def _end(connection: Connection, job: str, how: str) -> Ended:
    """Ends the job's reservation, once."""
    return ask(connection, _ending(_not_ended()), {"job": job, "at": now(), "how": how})


@cache
def _ending(still: tuple[ColumnElement[bool], ...]) -> Any:
    table: Any = table_of(Reservation)
    change: Any = update(table).where(table.c.job_id == bindparam("job"), *still)
    ended = change.values(ended_at=bindparam("at"), ended_as=bindparam("how"))
    return ended.returning(table.c.tenant_id, table.c.currency, table.c.amount_minor)


@cache
def _not_ended() -> tuple[ColumnElement[bool], ...]:
    return (table_of(Reservation).c.ended_at.is_(None),)


def move(connection: Connection, tenant: str, currency: str, *, reserved: int = 0, charged: int = 0) -> None:
    """Sets more aside, and charges more, in one conditional update. Raises CapError where the cap does not allow it."""
    moved = {"tenant": tenant, "money": currency, "more_reserved": reserved, "more_charged": charged}
    try:  # the schema's checks refuse it
        accounts = ask(connection, _MOVE, moved)()
    except IntegrityError as error:
        raise CapError(
            f"the spend cap of {tenant} in {currency} is reached; raise it or wait for running jobs"
        ) from error
    for account in accounts:
        if told := _warning(SpendAccount(**account), reserved + charged):
            write(connection, told)


def _moving() -> Any:
    """The update of an account, built once; it counts the times that the line of the warning is crossed upwards."""
    table: Any = SpendAccount.__table__
    account: Any = table.c
    reserved = account.reserved_minor + bindparam("more_reserved")
    charged = account.charged_minor + bindparam("more_charged")
    line = account.cap_minor * WARN_AT
    crossed = ((account.reserved_minor + account.charged_minor) * 100 < line) & ((reserved + charged) * 100 >= line)
    change: Any = update(table).values(
        reserved_minor=reserved, charged_minor=charged, warnings=account.warnings + case((crossed, 1), else_=0)
    )
    own = (account.tenant_id == bindparam("tenant"), account.currency == bindparam("money"))
    return change.where(*own).returning(*account)


_MOVE = _moving()


def _listed() -> Any:
    price: Any = table_of(ListedPrice).c
    own = (price.price_list_id == bindparam("terms"), price.outcome == bindparam("reached"))
    return select(*price).where(*own)


_LISTED = _listed()


def _near(used: int, cap_minor: int | None) -> bool:
    return cap_minor is not None and used * 100 >= cap_minor * WARN_AT


def _warning(account: Any, more: int) -> Outbox | None:
    """The event of an account that `more` has brought over the line of its cap."""
    used = account.reserved_minor + account.charged_minor
    if not _near(used, account.cap_minor) or _near(used - more, account.cap_minor):
        return None
    return _threshold(account)


def _threshold(account: Any) -> Outbox:
    told = {"percent": WARN_AT, "currency": account.currency, "cap_minor": account.cap_minor}
    told |= {"reserved_minor": account.reserved_minor, "charged_minor": account.charged_minor}
    source = f"{account.tenant_id}:{account.currency}#{account.warnings}"
    return fact(account.tenant_id, "spend.threshold", source, told)
