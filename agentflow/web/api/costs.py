"""/v1/admin/cost-lines: every call of a model and what it cost, for whoever runs the server."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Select, select, tuple_

from agentflow.jobs.keys import Caller
from agentflow.jobs.tables import Cost, Job
from agentflow.web.api.deps import Cursor, Limit, Service, after, cursor_of, needs
from agentflow.web.api.shapes import Page, Time, Told
from agentflow.web.openapi import also

router = APIRouter(prefix="/v1/admin", tags=["operator"])
PLACE = re.compile(r"job_[0-9a-f]{32} [0-9a-f]{32}", re.ASCII)
"""Where a page ends: a job and a call."""


class CostLine(Told):
    """A call of a model and what it cost; of what was sent and answered it tells nothing."""

    call: str
    job: str
    tenant: str
    pack: str
    step: str
    role: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_usd_micros: int
    seconds: float
    fault: str | None
    """Why it came to nothing, where it did: it is paid for all the same."""
    created_at: Time


@router.get("/cost-lines", responses=also())
async def cost_lines(
    caller: Annotated[Caller, Depends(needs("operator:read"))],
    service: Service,
    job: Annotated[str | None, Query(max_length=64)] = None,
    tenant: Annotated[str | None, Query(max_length=200)] = None,
    pack: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[CostLine]:
    """List calls of models, those of the newest job first; of one job, tenant or pack where it is named."""
    named = ((Job.id, job), (Job.tenant_id, tenant), (Job.pack, pack))
    query = select(Cost, Job.tenant_id, Job.pack).join(Job, Job.id == Cost.job_id)
    query = query.where(*(column == value for column, value in named if value is not None))
    async with service.store.looking() as session:
        rows = (await session.execute(_behind(query, cursor).limit(limit + 1))).all()
    more = len(rows) > limit
    here = cursor_of(_place(rows[limit - 1][0])) if more else None
    return Page(data=[_line(*row) for row in rows[:limit]], has_more=more, next_cursor=here)


def _place(row: Cost) -> str:
    return f"{row.job_id} {row.call}"


def _behind(query: Select[Cost, str, str], cursor: str | None) -> Select[Cost, str, str]:
    last = after(cursor, PLACE)
    place = tuple_(Cost.job_id, Cost.call)
    query = query.where(place < tuple(last.split())) if last else query
    return query.order_by(Cost.job_id.desc(), Cost.call.desc())


def _line(row: Cost, tenant: str, pack: str) -> CostLine:
    same = ("call", "step", "role", "model", "tokens_in", "tokens_out", "seconds", "fault", "created_at")
    values = {name: getattr(row, name) for name in same}
    return CostLine(job=row.job_id, tenant=tenant, pack=pack, cost_usd_micros=row.cost_micros, **values)
