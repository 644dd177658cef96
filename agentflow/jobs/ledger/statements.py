"""Statements: a tenant's bill, closed once and never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.settling import fact
from agentflow.jobs.ledger.statement_tables import Statement, StatementLine
from agentflow.jobs.ledger.tables import Charge, Credit, Transfer
from agentflow.jobs.tables import Job

AT_ONCE = 500
"""Lines that are read with one statement."""


def close(session: Session, tenant: str, currency: str, until: datetime) -> Statement | None:
    """The next statement: all transfers before `until` that are on none yet; None where there are none."""
    moved = unstated(session, tenant, currency, until)
    if not moved:
        return None
    number = session.scalar(
        select(func.max(Statement.number)).where(Statement.tenant_id == tenant, Statement.currency == currency)
    )
    statement = Statement(
        id=new_id("st"),
        tenant_id=tenant,
        currency=currency,
        number=(number or 0) + 1,
        until=until,
        total_minor=sum(owed(one) for one in moved),
        created_at=now(),
    )
    session.add(statement)
    session.flush()
    for one in moved:
        session.add(
            StatementLine(
                transfer_id=one.id,
                statement_id=statement.id,
                tenant_id=tenant,
                currency=currency,
                amount_minor=owed(one),
            )
        )
    session.add(fact(tenant, "statement.finalized", statement.id, {"number": statement.number}))
    session.flush()
    return statement


def unstated(session: Session, tenant: str, currency: str, until: datetime) -> Sequence[Transfer]:
    """The transfers before `until` that are on no statement yet, oldest first."""
    stated = select(StatementLine.transfer_id)
    mine = (Transfer.tenant_id == tenant, Transfer.currency == currency, Transfer.created_at < until)
    query = select(Transfer).where(*mine, Transfer.id.not_in(stated)).order_by(Transfer.created_at, Transfer.id)
    return session.scalars(query).all()


def owed(moved: Transfer) -> int:
    """What a transfer adds to what the tenant owes, in minor units: below zero for a credit."""
    return moved.amount_minor if moved.kind == "charge" else -moved.amount_minor


def lines(session: Session, moved: Sequence[Transfer]) -> list[dict[str, Any]]:
    """The transfers as a bill's lines: what for, which job, which terms, which verification."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(moved), AT_ONCE):
        some = [one.id for one in moved[start : start + AT_ONCE]]
        rows: Sequence[Any] = (session.execute(_LINES.where(Transfer.id.in_(some)))).all()
        found |= {row[0].id: _line(*row) for row in rows}
    return [found[one.id] for one in moved]


_LINES = (
    select(Transfer, Credit.reason, Charge, Job.input_name, Job.pack)
    .outerjoin(Credit, and_(Transfer.kind == "credit", Credit.id == Transfer.source_id))
    .join(Charge, Charge.id == func.coalesce(Credit.charge_id, Transfer.source_id))
    .join(Job, Job.id == Charge.job_id)
)


def _line(moved: Transfer, reason: str | None, charge: Charge, name: str, pack: str) -> dict[str, Any]:
    return {
        "date": moved.created_at.isoformat(timespec="seconds") + "Z",
        "kind": moved.kind if reason is None else f"credit ({reason})",
        "job": charge.job_id,
        "input": name,
        "pack": pack,
        "outcome": charge.outcome,
        "amount_minor": owed(moved),
        "currency": moved.currency,
        "price_list": charge.price_list_id,
        "verification": charge.verification_id,
    }
