"""/v1/disputes: a tenant says that an outcome that was charged is wrong."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.following import job_of
from agentflow.jobs.idempotency import Answer, Asked, once
from agentflow.jobs.keys import Caller
from agentflow.jobs.ledger import giving
from agentflow.jobs.ledger.tables import Dispute
from agentflow.web.api.deps import (
    Cursor,
    IdempotencyKey,
    JobId,
    Limit,
    Service,
    as_dict,
    id_of,
    needs,
    newest,
    rest,
)
from agentflow.web.api.money_shapes import DisputeBody, DisputeGiven
from agentflow.web.api.shapes import Page
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(tags=["disputes"])
DisputeId = Annotated[str, id_of("dispute_id")]
Reader = Annotated[Caller, Depends(needs("billing:read"))]
Writer = Annotated[Caller, Depends(needs("disputes:write"))]


@router.post("/v1/jobs/{job_id}/disputes", status_code=201, responses=also(404, 409))
async def open_dispute(
    job_id: JobId, given: DisputeGiven, key: IdempotencyKey, caller: Writer, service: Service, response: Response
) -> DisputeBody:
    """Say what is wrong with a charged outcome; one that is accepted is given back in full."""

    async def act(session: AsyncSession) -> Answer:
        await job_of(session, job_id, caller.tenant)
        row = await session.run_sync(giving.dispute, caller.tenant, job_id, given.reason, given.fields)
        return 201, as_dict(body_of(row))

    place = Asked(caller.tenant, f"POST /v1/jobs/{job_id}/disputes", key, as_dict(given))
    done = await once(service.store, place, act)
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/v1/disputes/{done.body['id']}"
    return DisputeBody.model_validate(done.body)


@router.get("/v1/disputes", responses=also())
async def list_disputes(
    caller: Reader, service: Service, limit: Limit = 20, cursor: Cursor = None
) -> Page[DisputeBody]:
    """List disputes, the newest first."""
    query = select(Dispute).where(Dispute.tenant_id == caller.tenant)
    async with service.store.looking() as session:
        rows = (await session.scalars(newest(query, Dispute.id, cursor, limit))).all()
    data = [body_of(row) for row in rows[:limit]]
    return Page(data=data, **rest(rows, limit))


@router.get("/v1/disputes/{dispute_id}", responses=also(404))
async def get_dispute(dispute_id: DisputeId, caller: Reader, service: Service) -> DisputeBody:
    """Look at a dispute."""
    async with service.store.looking() as session:
        return body_of(await _dispute(session, dispute_id, caller))


@router.post("/v1/disputes/{dispute_id}/withdraw", responses=also(404, 409))
async def withdraw(dispute_id: DisputeId, caller: Writer, service: Service) -> DisputeBody:
    """Take a dispute back."""
    async with service.store.writing() as session:
        await _dispute(session, dispute_id, caller)
        return body_of(await session.run_sync(giving.decide, dispute_id, "withdrawn", f"key {caller.key}"))


async def _dispute(session: AsyncSession, dispute: str, caller: Caller) -> Dispute:
    row = await session.scalar(select(Dispute).where(Dispute.id == dispute, Dispute.tenant_id == caller.tenant))
    if row is None:
        raise Problem("not-found")
    return row


def body_of(row: Dispute) -> DisputeBody:
    """The dispute as a body."""
    same = ("id", "reason", "fields", "state", "decision", "created_at", "decided_at")
    return DisputeBody(job=row.job_id, charge=row.charge_id, **{name: getattr(row, name) for name in same})
