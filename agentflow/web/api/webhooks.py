"""/v1/webhook-endpoints and /v1/deliveries: where a tenant wants its events, and what became of each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.api_tables import Delivery, Endpoint
from agentflow.jobs.idempotency import Answer, Asked, once
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.keys import Caller
from agentflow.jobs.telling.courier import TEST, delivery
from agentflow.jobs.telling.signing import new_secret
from agentflow.jobs.telling.tables import Outbox
from agentflow.web.api.deps import Cursor, IdempotencyKey, Limit, Service, as_dict, id_of, needs, newest, rest
from agentflow.web.api.shapes import Given, Listed, Page, Time, Told
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1", tags=["webhooks"])
Reader = Annotated[Caller, Depends(needs("webhooks:read"))]
Writer = Annotated[Caller, Depends(needs("webhooks:write"))]
EndpointId = Annotated[str, id_of("endpoint_id")]
DeliveryId = Annotated[str, id_of("delivery_id")]
OVERLAP = timedelta(hours=24)
"""How long messages are signed with the old secret too."""
MOST = 20
"""Endpoints a tenant may have."""
Topic = Literal[
    "job.queued",
    "job.started",
    "job.awaiting_review",
    "job.finished",
    "job.failed",
    "job.canceled",
    "job.expired",
    "charge.created",
    "charge.credited",
    "dispute.opened",
    "dispute.decided",
    "review.created",
    "review.decided",
    "spend.threshold",
    "statement.finalized",
    "endpoint.disabled",
]
Topics = Annotated[list[Topic], Field(max_length=50, description="Which events; all where empty.")]


class EndpointGiven(Given):
    """A URL that events are sent to: https, port 443, on the public network."""

    url: str = Field(min_length=1, max_length=2000)
    topics: Topics = Field(default_factory=list[Topic])


class EndpointChange(Given):
    """What changes; with `enabled` it is sent to again."""

    url: str | None = Field(default=None, min_length=1, max_length=2000)
    topics: Topics | None = None
    enabled: bool | None = None


class EndpointBody(Told):
    """An endpoint."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    url: str
    topics: list[str]
    enabled: bool
    disabled_for: str | None
    created_at: Time


class EndpointMade(EndpointBody):
    """An endpoint with the secret that its messages are signed with; it is not shown again."""

    secret: str


class SecretBody(Told):
    """A new secret; messages are signed with the old one too for a while."""

    secret: str
    old_until: Time


class Try(Told):
    """One try to deliver."""

    at: Time
    status: int | None
    error: str | None
    seconds: float


class DeliveryBody(Told):
    """An event on its way to an endpoint."""

    id: str
    event: str
    type: str
    state: Literal["pending", "delivered", "failed"]
    due_at: Time | None
    tries: list[Try]
    created_at: Time


@router.post("/webhook-endpoints", status_code=201, responses=also(409))
async def add_endpoint(
    given: EndpointGiven, key: IdempotencyKey, caller: Writer, service: Service, response: Response
) -> EndpointMade:
    """Have events sent to a URL, signed by Standard Webhooks."""
    await service.gate.check(given.url)

    async def act(session: AsyncSession) -> Answer:
        have = await session.scalar(select(func.count(Endpoint.id)).where(Endpoint.tenant_id == caller.tenant))
        if (have or 0) >= MOST:
            raise Problem("conflict", f"There are {MOST} endpoints already.")
        row = Endpoint(
            id=new_id("whe"),
            tenant_id=caller.tenant,
            url=given.url,
            topics=list(given.topics),
            secret=new_secret(),
            created_at=now(),
        )
        session.add(row)
        await session.flush()
        return 201, as_dict(EndpointMade(**_body(row).model_dump(), secret=row.secret))

    place = Asked(caller.tenant, "POST /v1/webhook-endpoints", key, as_dict(given))
    done = await once(service.store, place, act)
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/v1/webhook-endpoints/{done.body['id']}"
    return EndpointMade.model_validate(done.body)


@router.get("/webhook-endpoints", responses=also())
async def list_endpoints(caller: Reader, service: Service) -> Listed[EndpointBody]:
    """List all endpoints."""
    query = select(Endpoint).where(Endpoint.tenant_id == caller.tenant).order_by(Endpoint.id)
    async with service.store.looking() as session:
        return Listed(data=[_body(row) for row in (await session.scalars(query)).all()])


@router.get("/webhook-endpoints/{endpoint_id}", responses=also(404))
async def get_endpoint(endpoint_id: EndpointId, caller: Reader, service: Service) -> EndpointBody:
    """Look at an endpoint."""
    async with service.store.looking() as session:
        return _body(await _endpoint(session, endpoint_id, caller))


@router.patch("/webhook-endpoints/{endpoint_id}", responses=also(404))
async def change_endpoint(
    endpoint_id: EndpointId, given: EndpointChange, caller: Writer, service: Service
) -> EndpointBody:
    """Change where or what is sent, or send again to one that was disabled."""
    if given.url is not None:
        await service.gate.check(given.url)
    async with service.store.writing() as session:
        row = await _endpoint(session, endpoint_id, caller)
        row.url = given.url if given.url is not None else row.url
        row.topics = list(given.topics) if given.topics is not None else row.topics
        if given.enabled is not None:
            row.disabled_at = None if given.enabled else row.disabled_at or now()
            row.disabled_for = None if given.enabled else row.disabled_for or "asked"
        return _body(row)


@router.delete("/webhook-endpoints/{endpoint_id}", status_code=204, responses=also(404))
async def remove_endpoint(endpoint_id: EndpointId, caller: Writer, service: Service) -> None:
    """Send nothing there any more, and forget what was."""
    async with service.store.writing() as session:
        await session.delete(await _endpoint(session, endpoint_id, caller))


@router.post("/webhook-endpoints/{endpoint_id}/rotate-secret", responses=also(404))
async def rotate_secret(endpoint_id: EndpointId, caller: Writer, service: Service) -> SecretBody:
    """Sign with a new secret; for a day with the old one too."""
    async with service.store.writing() as session:
        row = await _endpoint(session, endpoint_id, caller)
        until = now() + OVERLAP
        row.old_secret, row.old_until, row.secret = row.secret, until, new_secret()
        return SecretBody(secret=row.secret, old_until=until)


@router.post("/webhook-endpoints/{endpoint_id}/test", status_code=202, responses=also(404))
async def test_endpoint(endpoint_id: EndpointId, caller: Writer, service: Service) -> DeliveryBody:
    """Send an event of the type `endpoint.test` there."""
    async with service.store.writing() as session:
        row = await _endpoint(session, endpoint_id, caller)
        event = Outbox(
            id=new_id("ev"),
            tenant_id=caller.tenant,
            topic=TEST,
            source_id=f"{row.id}#{new_id('ask')}",
            payload={},
            created_at=now(),
            sent_at=now(),
        )
        session.add(event)
        await session.flush()
        sent = delivery(event, row)
        session.add(sent)
        await session.flush()
        return _delivery(sent, event.topic)


@router.get("/webhook-endpoints/{endpoint_id}/deliveries", responses=also(404))
async def list_deliveries(
    endpoint_id: EndpointId, caller: Reader, service: Service, limit: Limit = 20, cursor: Cursor = None
) -> Page[DeliveryBody]:
    """What was sent there and what became of it, the newest first."""
    async with service.store.looking() as session:
        await _endpoint(session, endpoint_id, caller)
        query = select(Delivery).where(Delivery.endpoint_id == endpoint_id, Delivery.tenant_id == caller.tenant)
        rows = (await session.scalars(newest(query, Delivery.id, cursor, limit))).all()
        types = await _types(session, rows)
    return Page(data=[_delivery(row, types[row.event_id]) for row in rows[:limit]], **rest(rows, limit))


@router.post("/deliveries/{delivery_id}/redeliver", status_code=202, responses=also(404))
async def redeliver(delivery_id: DeliveryId, caller: Writer, service: Service) -> DeliveryBody:
    """Send an event there once more, under the same id."""
    async with service.store.writing() as session:
        mine = (Delivery.id == delivery_id, Delivery.tenant_id == caller.tenant, Delivery.endpoint_id.is_not(None))
        row = await session.scalar(select(Delivery).where(*mine).with_for_update())
        if row is None:
            raise Problem("not-found")
        row.state, row.due_at = "pending", now()
        return _delivery(row, (await _types(session, [row]))[row.event_id])


async def _endpoint(session: AsyncSession, endpoint: str, caller: Caller) -> Endpoint:
    mine = (Endpoint.id == endpoint, Endpoint.tenant_id == caller.tenant)
    row = await session.scalar(select(Endpoint).where(*mine))
    if row is None:
        raise Problem("not-found")
    return row


async def _types(session: AsyncSession, rows: Sequence[Delivery]) -> dict[str, str]:
    found = await session.execute(select(Outbox.id, Outbox.topic).where(Outbox.id.in_([row.event_id for row in rows])))
    return {event: topic for event, topic in found.all()}  # noqa: C416 - a Row is no pair to a type checker


def _body(row: Endpoint) -> EndpointBody:
    return EndpointBody(
        id=row.id,
        url=row.url,
        topics=row.topics,
        enabled=row.disabled_at is None,
        disabled_for=row.disabled_for,
        created_at=row.created_at,
    )


def _delivery(row: Delivery, topic: str) -> DeliveryBody:
    same = ("id", "state", "due_at", "tries", "created_at")
    return DeliveryBody(event=row.event_id, type=topic, **{name: getattr(row, name) for name in same})
