"""The courier: takes events from the outbox to whoever wants them, again and again until they have them."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import AgentflowError
from agentflow.jobs.api_tables import Delivery, Endpoint
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.settling import fact
from agentflow.jobs.store import Store
from agentflow.jobs.tables import table_of
from agentflow.jobs.telling.sending import Reply, Sender
from agentflow.jobs.telling.signing import sign
from agentflow.jobs.telling.sinks import TOPICS, BillingSink, billing_event
from agentflow.jobs.telling.tables import Outbox

SCHEDULE = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds after the first try at which the others are made."""
JITTER = 0.1
HOUR = 3600.0
GONE = 410
LEASE = timedelta(seconds=60)
"""How long a courier has for a delivery before another may take it up."""
AT_ONCE = 32
"""Deliveries in one round."""
SPREAD, UNWANTED = 200, 2000
"""Events in one round, of those that somebody listens to and of the others."""
TEST = "endpoint.test"

log = logging.getLogger("agentflow.jobs")


class Courier:
    """Any number of them may work on one database: each event is handed to one of them at a time."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        sinks: Sequence[BillingSink] = (),
        *,
        schedule: Sequence[float] = SCHEDULE,
        pause: float = 0.5,
    ) -> None:
        self._store = store
        self._sender = sender
        self._sinks: Mapping[str, BillingSink] = {f"sink:{sink.name}": sink for sink in sinks}
        self._schedule = schedule
        self._pause = pause

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        """Delivers while the block lasts; what is under way at its end is tried again by the next courier."""
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            try:
                busy = await self.round()
            except Exception:
                log.exception("events could not be delivered")
                busy = 0
            if not busy:
                await asyncio.sleep(self._pause)

    async def round(self) -> int:
        """Spreads what is new and tries what is due; how many deliveries were tried."""
        async with self._store.looking() as session:
            if not await _anything(session):
                return 0
        async with self._store.writing() as session:
            await self._spread(session)
        async with self._store.writing() as session:
            due = await _claim(session)
        for gone_wrong in await asyncio.gather(*(self._try(one) for one in due), return_exceptions=True):
            if isinstance(gone_wrong, Exception):
                log.error("a delivery could not be tried", exc_info=gone_wrong)
        return len(due)

    async def _spread(self, session: AsyncSession) -> None:
        """A delivery for everybody who wants an event, in one transaction with the mark that it was spread."""
        await session.execute(_unwanted(TOPICS if self._sinks else ()), {"at": now()})
        new = _in_turn(Outbox, (Outbox.created_at, Outbox.id), SPREAD, Outbox.sent_at.is_(None))
        events = (await session.scalars(new.with_for_update(skip_locked=True))).all()
        tenants = {event.tenant_id for event in events}
        wanting = select(Endpoint).where(Endpoint.tenant_id.in_(tenants), Endpoint.disabled_at.is_(None))
        endpoints = (await session.scalars(wanting)).all()
        for event in events:
            event.sent_at = now()
            for endpoint in endpoints:
                if endpoint.tenant_id == event.tenant_id and wants(endpoint, event.topic):
                    session.add(delivery(event, endpoint))
            for target in self._sinks if event.topic in TOPICS else ():
                session.add(_to_sink(event, target))

    async def _try(self, claimed: Delivery) -> None:
        async with self._store.looking() as session:
            event = await session.get_one(Outbox, claimed.event_id)
            endpoint = await session.get(Endpoint, claimed.endpoint_id) if claimed.endpoint_id else None
            money = await billing_event(session, event) if claimed.endpoint_id is None else None
        if money is not None:
            reply = await self._sink(claimed.target, money)
        elif endpoint is not None and endpoint.disabled_at is None:
            body = message(event)
            reply = await self._sender.post(endpoint.url, body, _headers(endpoint, event, body))
        else:
            reply = Reply(None, "endpoint-disabled", 0.0)
        async with self._store.writing() as session:
            row = await session.get(Delivery, claimed.id, with_for_update=True)
            if row is not None:  # the endpoint may be gone by now, and its deliveries with it
                await self._note(session, row, reply)

    async def _sink(self, target: str, money: Any) -> Reply:
        if target not in self._sinks:
            return Reply(None, "no-such-sink", 0.0)
        try:
            await self._sinks[target].send(money)
        except AgentflowError as error:
            return Reply(None, type(error).__name__, 0.0)
        return Reply(200, None, 0.0)

    async def _note(self, session: AsyncSession, row: Delivery, reply: Reply) -> None:
        at = now()
        told = {"at": at.isoformat() + "Z", "status": reply.status, "error": reply.error, "seconds": reply.seconds}
        row.tries = [*row.tries, told]
        if reply.taken:
            row.state, row.due_at = "delivered", None
        elif (wait := self._wait(row, reply)) is not None:
            row.due_at = at + timedelta(seconds=wait)
        else:
            row.state, row.due_at = "failed", None
            await _give_up(session, row, "gone" if reply.status == GONE else "no_answer")

    def _wait(self, row: Delivery, reply: Reply) -> float | None:
        """Seconds until the next try; None where there is none any more. A sink is never given up."""
        made = len(row.tries)
        if row.endpoint_id is not None and (reply.status == GONE or made >= len(self._schedule)):
            return None
        step = self._schedule[made] - self._schedule[made - 1] if made < len(self._schedule) else HOUR
        wait = step * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
        return max(wait, min(reply.retry_after or 0.0, float(SCHEDULE[-1])))


def wants(endpoint: Endpoint, topic: str) -> bool:
    """True where the endpoint is told of events of that topic."""
    return not endpoint.topics or topic in endpoint.topics


def delivery(event: Outbox, endpoint: Endpoint) -> Delivery:
    """An event on its way to an endpoint."""
    return Delivery(
        id=new_id("dl"),
        tenant_id=endpoint.tenant_id,
        event_id=event.id,
        target=endpoint.id,
        created_at=now(),
        endpoint_id=endpoint.id,
        due_at=now(),
    )


def message(event: Outbox) -> bytes:
    """What a receiver is sent: thin on purpose, it fetches what it wants to know."""
    about = event.source_id.partition("#")[0]
    kind = "job" if event.job_id else event.topic.partition(".")[0]
    data = {"id": about, "object": kind, "job": event.payload.get("job"), "version": event.number}
    told = {"type": event.topic, "timestamp": event.created_at.isoformat(timespec="milliseconds") + "Z", "data": data}
    return json.dumps(told).encode()


def _to_sink(event: Outbox, target: str) -> Delivery:
    at = now()
    return Delivery(
        id=new_id("dl"), tenant_id=event.tenant_id, event_id=event.id, target=target, created_at=at, due_at=at
    )


def _headers(endpoint: Endpoint, event: Outbox, body: bytes) -> dict[str, str]:
    old = [endpoint.old_secret] if endpoint.old_secret and endpoint.old_until and endpoint.old_until > now() else []
    signed = sign([endpoint.secret, *old], event.id, body)
    return {**signed, "content-type": "application/json", "user-agent": "agentflow"}


async def _anything(session: AsyncSession) -> bool:
    """True where there is something to spread or to deliver: looking first keeps an idle courier from writing."""
    new = await session.scalar(select(Outbox.id).where(Outbox.sent_at.is_(None)).limit(1))
    due = (Delivery.state == "pending", Delivery.due_at <= now())
    return new is not None or await session.scalar(select(Delivery.id).where(*due).limit(1)) is not None


@cache
def _unwanted(topics: Sequence[str]) -> Any:
    """Marks the new events that nobody listens to: most, where a tenant has no endpoint. `topics` go to a sink."""
    heard = select(Endpoint.id).where(Endpoint.tenant_id == Outbox.tenant_id, Endpoint.disabled_at.is_(None))
    alone = (Outbox.sent_at.is_(None), Outbox.topic.not_in(topics), ~heard.exists())
    new = select(Outbox.id).where(*alone).limit(UNWANTED).with_for_update(skip_locked=True)
    return update(table_of(Outbox)).where(table_of(Outbox).c.id.in_(new)).values(sent_at=bindparam("at"))


def _in_turn(kind: Any, order: Sequence[Any], most: int, *where: ColumnElement[bool]) -> Select[Any]:
    """Rows of all tenants in turn, each tenant's in their order: one whose receivers are slow delays no other."""
    place = func.row_number().over(partition_by=kind.tenant_id, order_by=order)
    first = select(kind.id).where(*where).order_by(place, *order).limit(most)
    return select(kind).where(kind.id.in_(first), *where).order_by(*order)


async def _claim(session: AsyncSession) -> Sequence[Delivery]:
    """What is due, held for a while, so that no other courier takes it and a dead one loses nothing."""
    due = _in_turn(Delivery, (Delivery.due_at,), AT_ONCE, Delivery.state == "pending", Delivery.due_at <= now())
    rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    for row in rows:
        row.due_at = now() + LEASE
    return rows


async def _give_up(session: AsyncSession, row: Delivery, why: str) -> None:
    still_on = (Endpoint.id == row.endpoint_id, Endpoint.disabled_at.is_(None))
    values = {"disabled_at": now(), "disabled_for": why}
    disabled = await session.execute(update(Endpoint).where(*still_on).values(**values).returning(Endpoint.id))
    if disabled.first() is not None:
        session.add(fact(row.tenant_id, "endpoint.disabled", f"{row.endpoint_id}#{row.id}", {"why": why}))
