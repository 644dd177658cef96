"""Prices, usage, balance, the ledger's transfers and statements: what is owed, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.ids import now
from agentflow.jobs.keys import Caller
from agentflow.jobs.ledger import bill, statements
from agentflow.jobs.ledger.statement_tables import Statement, StatementLine
from agentflow.jobs.ledger.tables import Charge, ListedPrice, SpendAccount, Transfer
from agentflow.jobs.tables import Job
from agentflow.web.api.deps import Cursor, Limit, Service, id_of, needs, newest, rest, utc
from agentflow.web.api.money_shapes import (
    BalanceBody,
    PriceBody,
    PromiseBody,
    StatementBody,
    StatementHead,
    StatementLineBody,
    TransferBody,
    UsageLine,
)
from agentflow.web.api.shapes import Listed, Money, Page
from agentflow.web.api.standing import REASONS
from agentflow.web.openapi import also, as_media
from agentflow.web.problems import Problem
from agentflow.web.reference import PAGE

router = APIRouter(prefix="/v1", tags=["billing"])
Reader = Annotated[Caller, Depends(needs("billing:read"))]
StatementId = Annotated[str, id_of("statement_id")]
Currency = Annotated[str, Query(pattern=r"^[A-Z]{3}$")]


@router.get("/prices", responses=also())
async def prices(caller: Annotated[Caller, Depends(needs("jobs:read"))], service: Service) -> Listed[PriceBody]:
    """What each pack's outcomes cost today; a job keeps the terms that it was accepted under."""
    listed: list[PriceBody] = []
    for pack in service.packs.values():
        terms = await service.terms(pack, caller.tenant)
        async with service.store.looking() as session:
            rows = (
                await session.scalars(select(ListedPrice).where(ListedPrice.price_list_id == terms.listed.id))
            ).all()
        costs = {row.outcome: Money(amount_minor=row.amount_minor, currency=row.currency) for row in rows}
        listed.append(
            PriceBody(
                pack=pack.name,
                pack_version=pack.version,
                price_list=terms.listed.id,
                dispute_days=terms.listed.dispute_days,
                outcomes=costs,
                promises=_promises(rows),
            )
        )
    return Listed(data=listed)


def _promises(rows: Sequence[ListedPrice]) -> dict[str, PromiseBody]:
    return {
        row.outcome: PromiseBody(
            within_seconds=row.within_seconds,
            late_credit=Money(amount_minor=row.late_minor, currency=row.currency),
        )
        for row in rows
        if row.within_seconds is not None and row.late_minor is not None
    }


@router.get("/usage", responses=also())
async def usage(
    caller: Reader,
    service: Service,
    since: Annotated[AwareDatetime | None, Query(alias="created[gte]")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="created[lt]")] = None,
) -> Listed[UsageLine]:
    """Jobs by how they ended: what was billed beside what was not, with its reason."""
    mine = [Job.tenant_id == caller.tenant]
    mine += [Job.created_at >= utc(since)] if since else []
    mine += [Job.created_at < utc(until)] if until else []
    groups = (Job.pack, Job.status, Job.outcome, func.coalesce(Charge.currency, Job.currency))
    query = (
        select(*groups, func.count(Job.id), func.sum(Charge.amount_minor))
        .outerjoin(Charge, Charge.job_id == Job.id)
        .where(*mine)
        .group_by(*groups)
        .order_by(Job.pack, Job.status, Job.outcome)
    )
    async with service.store.looking() as session:
        rows = (await session.execute(query)).all()
    return Listed(data=[_usage(*row) for row in rows])


def _usage(pack: str, status: Any, outcome: str | None, currency: str, jobs: int, charged: int | None) -> UsageLine:
    amount = Money(amount_minor=int(charged or 0), currency=currency)
    free = REASONS.get(status) if charged is None else None
    return UsageLine(pack=pack, status=status, outcome=outcome, jobs=jobs, charged=amount, free_for=free)


@router.get("/balance", responses=also())
async def balance(caller: Reader, service: Service) -> Listed[BalanceBody]:
    """What is set aside, charged and left to spend, by currency."""
    accounts = select(SpendAccount).where(SpendAccount.tenant_id == caller.tenant).order_by(SpendAccount.currency)
    async with service.store.looking() as session:
        rows = (await session.scalars(accounts)).all()
        data = [await _balance(session, row) for row in rows]
    return Listed(data=data)


async def _balance(session: AsyncSession, row: SpendAccount) -> BalanceBody:
    moved = await session.run_sync(statements.unstated, row.tenant_id, row.currency, _soon())

    def money(minor: int) -> Money:
        return Money(amount_minor=minor, currency=row.currency)

    left = None if row.cap_minor is None else money(row.cap_minor - row.reserved_minor - row.charged_minor)
    return BalanceBody(
        currency=row.currency,
        cap=None if row.cap_minor is None else money(row.cap_minor),
        reserved=money(row.reserved_minor),
        charged=money(row.charged_minor),
        available=left,
        not_stated=money(sum(statements.owed(one) for one in moved)),
    )


@router.get("/ledger/transfers", responses=also())
async def transfers(
    caller: Reader,
    service: Service,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[TransferBody]:
    """List the movements of money, the newest first."""
    query = select(Transfer).where(Transfer.tenant_id == caller.tenant)
    async with service.store.looking() as session:
        rows = (await session.scalars(newest(query, Transfer.id, cursor, limit))).all()
    data = [_transfer(row) for row in rows[:limit]]
    return Page(data=data, **rest(rows, limit))


def _transfer(row: Transfer) -> TransferBody:
    amount = Money(amount_minor=row.amount_minor, currency=row.currency)
    same = ("id", "debit_account", "credit_account", "kind", "created_at")
    return TransferBody(amount=amount, source=row.source_id, **{name: getattr(row, name) for name in same})


@router.get("/statements", responses=also())
async def list_statements(
    caller: Reader, service: Service, limit: Limit = 20, cursor: Cursor = None
) -> Page[StatementHead]:
    """List closed statements, the newest first."""
    mine = Statement.tenant_id == caller.tenant
    query = select(Statement).where(mine)
    async with service.store.looking() as session:
        rows = (await session.scalars(newest(query, Statement.id, cursor, limit))).all()
    data = [StatementHead(**_head(row)) for row in rows[:limit]]
    return Page(data=data, **rest(rows, limit))


@router.get("/statements/current", responses=also())
async def current_statement(caller: Reader, service: Service, currency: Currency = "USD") -> StatementBody:
    """What is owed and on no statement yet."""
    async with service.store.looking() as session:
        moved = await session.run_sync(statements.unstated, caller.tenant, currency, _soon())
        lines = await session.run_sync(statements.lines, moved)
    total = Money(amount_minor=sum(statements.owed(one) for one in moved), currency=currency)
    return StatementBody(id=None, number=None, state="draft", total=total, until=now(), lines=[_line(x) for x in lines])


@router.get("/statements/{statement_id}.csv", response_class=Response, responses=also(404) | as_media("text/csv"))
async def statement_csv(statement_id: StatementId, caller: Reader, service: Service) -> Response:
    """A statement as CSV."""
    row, lines = await _statement(service, statement_id, caller)
    headers = {"Content-Disposition": f'attachment; filename="statement-{row.number}.csv"'}
    return Response(bill.as_csv(lines), media_type="text/csv", headers=headers)


@router.get("/statements/{statement_id}.html", response_class=Response, responses=also(404) | as_media("text/html"))
async def statement_html(statement_id: StatementId, caller: Reader, service: Service) -> Response:
    """A statement as a page that prints."""
    row, lines = await _statement(service, statement_id, caller)
    head = {
        "title": f"Statement {row.number}",
        "tenant": row.tenant_id,
        "currency": row.currency,
        "until": row.until.isoformat(timespec="seconds") + "Z",
        "total_minor": row.total_minor,
    }
    return Response(bill.as_html(head, lines), media_type="text/html", headers=PAGE)


@router.get("/statements/{statement_id}", responses=also(404))
async def get_statement(statement_id: StatementId, caller: Reader, service: Service) -> StatementBody:
    """A closed statement with its lines; it never changes."""
    row, lines = await _statement(service, statement_id, caller)
    return StatementBody(**_head(row), lines=[_line(line) for line in lines])


async def _statement(service: Service, statement: str, caller: Caller) -> tuple[Statement, list[dict[str, Any]]]:
    mine = (Statement.id == statement, Statement.tenant_id == caller.tenant)
    async with service.store.looking() as session:
        row = await session.scalar(select(Statement).where(*mine))
        if row is None:
            raise Problem("not-found")
        stated = select(StatementLine.transfer_id).where(StatementLine.statement_id == row.id)
        query = select(Transfer).where(Transfer.id.in_(stated)).order_by(Transfer.created_at, Transfer.id)
        return row, await session.run_sync(statements.lines, (await session.scalars(query)).all())


def _head(row: Statement) -> dict[str, Any]:
    total = Money(amount_minor=row.total_minor, currency=row.currency)
    return {"id": row.id, "number": row.number, "state": "final", "total": total, "until": row.until}


def _line(line: dict[str, Any]) -> StatementLineBody:
    same = ("date", "kind", "job", "pack", "outcome", "price_list", "verification")
    amount = Money(amount_minor=line["amount_minor"], currency=line["currency"])
    return StatementLineBody(amount=amount, reference=line["input"], **{name: line[name] for name in same})


def _soon() -> datetime:
    return now() + timedelta(seconds=1)
