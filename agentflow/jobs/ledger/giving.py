"""Credits and disputes: what is given back of a charge, and who decided it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from agentflow.errors import DisputeError, LedgerError
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.settling import RECEIVABLE, charge_less, fact, transfer
from agentflow.jobs.ledger.tables import Charge, ChargeBalance, Credit, Dispute, PriceList

Reason = Literal["dispute", "sla", "goodwill", "operator_error"]
Decision = Literal["accepted", "rejected", "withdrawn"]


def credit(session: Session, charge: Charge, amount_minor: int, reason: Reason, request: str) -> Credit:
    """Gives back an amount of a charge; the same `request` twice is one credit.

    Raises LedgerError where more than the charge would be given back, or the request was for another amount.
    """
    earlier = session.scalar(select(Credit).where(Credit.tenant_id == charge.tenant_id, Credit.request == request))
    if earlier is not None:
        if (earlier.charge_id, earlier.amount_minor) != (charge.id, amount_minor):
            raise LedgerError(f"the credit request {request} was made before, for {earlier.amount_minor} of another")
        return earlier
    _take(session, charge, amount_minor)
    given = Credit(
        id=new_id("cr"),
        charge_id=charge.id,
        tenant_id=charge.tenant_id,
        amount_minor=amount_minor,
        currency=charge.currency,
        reason=reason,
        request=request,
        created_at=now(),
    )
    session.add(given)
    session.add(transfer(charge, f"credits_{reason}", RECEIVABLE, amount_minor, "credit", given.id))
    charge_less(session, charge.tenant_id, charge.currency, amount_minor)
    session.add(fact(charge.tenant_id, "charge.credited", given.id, {"charge": charge.id, "job": charge.job_id}))
    session.flush()
    return given


def dispute(session: Session, tenant: str, job: str, reason: str, fields: Mapping[str, Any]) -> Dispute:
    """Opens a dispute about a job's charge; `fields` say what the tenant expects, by path.

    Raises DisputeError where there is no charge, one is open already, or the time for it is over.
    """
    charge = charge_of(session, tenant, job)
    terms = session.get_one(PriceList, charge.price_list_id)
    until = charge.created_at + timedelta(days=terms.dispute_days)
    if now() > until:
        raise DisputeError(f"job {job} could be disputed until {until:%Y-%m-%d}", code="dispute-window-closed")
    opened = Dispute(
        id=new_id("dp"),
        charge_id=charge.id,
        job_id=job,
        tenant_id=tenant,
        reason=reason,
        fields=dict(fields),
        created_at=now(),
    )
    session.add(opened)
    try:
        session.flush()
    except IntegrityError as error:
        raise DisputeError(f"a dispute about job {job} is open already", code="dispute-open") from error
    session.add(fact(tenant, "dispute.opened", opened.id, {"job": job}))
    return opened


def decide(session: Session, found: str, decision: Decision, by: str, text: str = "") -> Dispute:
    """Closes an open dispute; one that is accepted is credited with all that is left of its charge.

    Raises DisputeError where it is closed already.
    """
    values = {"state": decision, "decision": text, "decided_by": by, "decided_at": now()}
    closed = session.execute(
        update(Dispute).where(Dispute.id == found, *_still_open()).values(**values).returning(Dispute.id)
    )
    if closed.first() is None:
        raise DisputeError(f"the dispute {found} is not open", code="dispute-closed")
    row = session.get_one(Dispute, found, populate_existing=True)
    if decision == "accepted":
        _credit_all(session, row)
    session.add(fact(row.tenant_id, "dispute.decided", row.id, {"job": row.job_id, "decision": decision}))
    return row


def _still_open() -> tuple[ColumnElement[bool], ...]:
    return (Dispute.state == "opened",)


def charge_of(session: Session, tenant: str, job: str) -> Charge:
    """The charge of a tenant's job. Raises DisputeError where nothing was charged for it."""
    charge = session.scalar(select(Charge).where(Charge.job_id == job, Charge.tenant_id == tenant))
    if charge is None:
        raise DisputeError(f"nothing was charged for job {job}", code="not-charged")
    return charge


def _credit_all(session: Session, row: Dispute) -> None:
    charge = session.get_one(Charge, row.charge_id)
    balance = session.get_one(ChargeBalance, charge.id, with_for_update=True)
    left = balance.amount_minor - balance.credited_minor
    if left:
        credit(session, charge, left, "dispute", row.id)


def _take(session: Session, charge: Charge, amount_minor: int) -> None:
    change = update(ChargeBalance).where(ChargeBalance.charge_id == charge.id)
    raised = change.values(credited_minor=ChargeBalance.credited_minor + amount_minor)
    try:
        session.execute(raised.execution_options(synchronize_session=False))
    except IntegrityError as error:
        text = f"{amount_minor} is more than what is left of the charge of job {charge.job_id} ({charge.amount_minor})"
        raise LedgerError(text) from error
