"""/v1/admin: what whoever runs the server sees and decides; keys of tenants have no scope for it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from agentflow.jobs.keys import Caller
from agentflow.jobs.ledger import giving
from agentflow.jobs.ledger import margin as ledger
from agentflow.jobs.ledger.audit import RULES, audit
from agentflow.jobs.ledger.tables import Dispute
from agentflow.web.api.deps import Service, id_of, needs, utc
from agentflow.web.api.disputes import body_of
from agentflow.web.api.money_shapes import DisputeBody
from agentflow.web.api.shapes import Given, Listed, Money, Told
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1/admin", tags=["operator"])
Reader = Annotated[Caller, Depends(needs("operator:read"))]
Writer = Annotated[Caller, Depends(needs("operator:write"))]


class MarginLine(Told):
    """What jobs brought and what their model calls cost."""

    by: str
    """The pack, tenant or job; for steps and models only the cost is known."""
    jobs: int
    calls: int
    """Of models, failed ones too."""
    charged: list[Money]
    """Less credits, by currency."""
    cost_usd_micros: int
    free_cost_usd_micros: int
    """Of these, what was spent on jobs that were charged nothing."""
    margin_usd_micros: int | None
    """Charged less cost; null where it would take a rate between currencies, and for steps and models."""
    no_margin_for: str | None
    """Why there is none."""


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
    by: ledger.By = "pack",
    since: Annotated[AwareDatetime | None, Query(alias="created[gte]")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="created[lt]")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Listed[MarginLine]:
    """What jobs brought and cost, the dearest first."""
    period = {"since": utc(since) if since else None, "until": utc(until) if until else None}
    async with service.store.looking() as session:
        found = await ledger.margins(session, by, **period, limit=limit)
    return Listed(data=[_line(one) for one in found])


def _line(margin: ledger.Margin) -> MarginLine:
    charged = [Money(amount_minor=m, currency=c) for c, m in sorted((margin.charged or {}).items())]
    return MarginLine(
        by=margin.by,
        jobs=margin.jobs,
        calls=margin.calls,
        charged=charged,
        cost_usd_micros=margin.cost_micros,
        free_cost_usd_micros=margin.free_micros,
        margin_usd_micros=margin.margin_micros,
        no_margin_for=margin.why_none,
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
        return body_of(
            await session.run_sync(giving.decide, dispute_id, given.decision, f"key {caller.key}", given.text)
        )
