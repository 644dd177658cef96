"""/v1/admin: what whoever runs the server sees and decides; keys of tenants have no scope for it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement, func, select

from agentflow.jobs.keys import Caller
from agentflow.jobs.ledger import giving
from agentflow.jobs.ledger.audit import RULES, audit
from agentflow.jobs.ledger.tables import Charge, ChargeBalance, Dispute
from agentflow.jobs.tables import Cost, Job
from agentflow.web.api.deps import Service, id_of, needs, utc
from agentflow.web.api.disputes import body_of
from agentflow.web.api.money_shapes import DisputeBody
from agentflow.web.api.shapes import Given, Listed, Money, Told
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1/admin", tags=["operator"])
Reader = Annotated[Caller, Depends(needs("operator:read"))]
Writer = Annotated[Caller, Depends(needs("operator:write"))]
By = Literal["pack", "tenant", "step", "model", "job"]


class MarginLine(Told):
    """What jobs brought and what their model calls cost."""

    by: str
    """The pack, tenant or job; for steps and models only the cost is known."""
    jobs: int
    charged: list[Money]
    """Less credits, by currency."""
    cost_usd_micros: int
    free_cost_usd_micros: int
    """Of these, what was spent on jobs that were charged nothing."""


class AuditBody(Told):
    """Whether the ledger adds up."""

    rules: int
    broken: list[dict[str, str | list[str]]]


class DecisionGiven(Given):
    """How a dispute ends."""

    decision: Literal["accepted", "rejected"]
    text: str = Field(default="", max_length=2000)


@router.get("/margins", responses=also())
async def margins(
    caller: Reader,
    service: Service,
    by: By = "pack",
    since: Annotated[AwareDatetime | None, Query(alias="created[gte]")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="created[lt]")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Listed[MarginLine]:
    """What jobs brought and cost, the dearest first."""
    columns = {"pack": Job.pack, "tenant": Job.tenant_id, "job": Job.id, "step": Cost.step, "model": Cost.model}
    column: ColumnElement[str] = columns[by].expression
    period = [Job.created_at >= utc(since)] if since else []
    period += [Job.created_at < utc(until)] if until else []
    unpaid = Job.id.not_in(select(Charge.job_id).where(Charge.amount_minor > 0))
    cost = func.sum(Cost.cost_micros)
    costs = (
        select(column, func.count(func.distinct(Job.id)), cost, cost.filter(unpaid))
        .outerjoin(Cost, Cost.job_id == Job.id)
        .where(*period)
        .group_by(column)
        .order_by(func.coalesce(cost, 0).desc(), column)
        .limit(limit)
    )
    net = func.sum(Charge.amount_minor - ChargeBalance.credited_minor)
    brought = (
        select(column, Charge.currency, net)
        .join(Charge, Charge.job_id == Job.id)
        .join(ChargeBalance, ChargeBalance.charge_id == Charge.id)
        .where(*period)
        .group_by(column, Charge.currency)
    )
    async with service.store.looking() as session:
        spent: Sequence[Any] = (await session.execute(costs)).all()
        earned: Sequence[Any] = () if by in ("step", "model") else (await session.execute(brought)).all()
    money: dict[str, list[Money]] = {}
    for name, currency, minor in earned:
        money.setdefault(name, []).append(Money(amount_minor=int(minor), currency=currency))
    return Listed(data=[_line(row, money.get(row[0], [])) for row in spent if row[0] is not None])


def _line(row: Any, charged: list[Money]) -> MarginLine:
    by, jobs, cost, free = row
    return MarginLine(
        by=by, jobs=jobs, charged=charged, cost_usd_micros=int(cost or 0), free_cost_usd_micros=int(free or 0)
    )


@router.get("/ledger/verify", responses=also())
async def verify(caller: Reader, service: Service) -> AuditBody:
    """Recount the ledger."""
    async with service.store.looking() as session:
        faults = await audit(session)
    return AuditBody(rules=len(RULES), broken=[{"rule": f.rule, "ids": list(f.ids[:100])} for f in faults])


@router.post("/disputes/{dispute_id}/decide", responses=also(404, 409))
async def decide(
    dispute_id: Annotated[str, id_of("dispute_id")], given: DecisionGiven, caller: Writer, service: Service
) -> DisputeBody:
    """End a dispute; one that is accepted gives back all that is left of the charge."""
    async with service.store.writing() as session:
        if await session.get(Dispute, dispute_id) is None:
            raise Problem("not-found")
        return body_of(await giving.decide(session, dispute_id, given.decision, f"key {caller.key}", given.text))
