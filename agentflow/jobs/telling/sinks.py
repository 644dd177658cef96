"""Billing sinks: an operator's own billing systems, which are told of every charge and credit at least once."""

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import ConnectorError
from agentflow.jobs.ledger.statement_tables import Statement
from agentflow.jobs.ledger.tables import Charge, Credit
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.addresses import Gate
from agentflow.jobs.telling.sending import Sender
from agentflow.jobs.telling.tables import Outbox

TOPICS = ("charge.created", "charge.credited", "statement.finalized")


@dataclass(frozen=True)
class BillingEvent:
    """A fact of the ledger. It may come more than once: the same `id` is the same fact."""

    id: str
    type: str
    tenant: str
    at: datetime
    data: dict[str, Any]
    """Amounts in minor units."""


class BillingSink(Protocol):
    """Takes events; raises where it cannot now, and is asked again later."""

    name: str

    async def send(self, event: BillingEvent) -> None:
        """Takes an event, for good once it returns. Raises ConnectorError."""
        ...


class JsonlSink:
    """A file with a line an event."""

    def __init__(self, path: Path, name: str = "jsonl") -> None:
        self.name = name
        self._path = path

    async def send(self, event: BillingEvent) -> None:
        """Appends the event; the line is on disk when this returns. Raises ConnectorError."""
        line = json.dumps({**asdict(event), "at": _time(event.at)}, ensure_ascii=False) + "\n"
        try:
            await asyncio.to_thread(self._append, line.encode())
        except OSError as error:
            raise ConnectorError(f"{self._path} cannot be written: {error.strerror}") from error

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)


class CloudEventsSink:
    """A URL that takes CloudEvents 1.0 in structured JSON; the operator's own, so it may be in the network here."""

    def __init__(self, url: str, name: str = "cloudevents", *, source: str = "agentflow") -> None:
        self.name = name
        self._url = url
        self._source = source
        self._sender = Sender(Gate(private=True))

    async def send(self, event: BillingEvent) -> None:
        """Posts the event. Raises ConnectorError unless the answer is 2xx."""
        told = {
            "specversion": "1.0",
            "id": event.id,
            "source": self._source,
            "type": f"agentflow.{event.type}",
            "subject": event.tenant,
            "time": _time(event.at),
            "datacontenttype": "application/json",
            "data": event.data,
        }
        body = json.dumps(told).encode()
        reply = await self._sender.post(self._url, body, {"content-type": "application/cloudevents+json"})
        if not reply.taken:
            raise ConnectorError(f"the sink {self.name} did not take an event: {reply.error or reply.status}")


async def billing_event(session: AsyncSession, event: Outbox) -> BillingEvent:
    """An event of the outbox with the money it is about."""
    data = await _statement(session, event) if event.topic == "statement.finalized" else await _money(session, event)
    return BillingEvent(event.id, event.topic, event.tenant_id, event.created_at, data)


async def _money(session: AsyncSession, event: Outbox) -> dict[str, Any]:
    credit = await session.get_one(Credit, event.source_id) if event.topic == "charge.credited" else None
    charge = await session.get_one(Charge, credit.charge_id if credit else event.source_id)
    job = await session.get_one(Job, charge.job_id)
    amount = credit.amount_minor if credit else charge.amount_minor
    data = {"charge": charge.id, "job": job.id, "pack": job.pack, "outcome": charge.outcome, "amount_minor": amount}
    data |= {"currency": charge.currency, "verification": charge.verification_id, "price_list": charge.price_list_id}
    return data | ({"credit": credit.id, "reason": credit.reason} if credit else {})


async def _statement(session: AsyncSession, event: Outbox) -> dict[str, Any]:
    row = await session.get_one(Statement, event.source_id)
    return {"statement": row.id, "number": row.number, "amount_minor": row.total_minor, "currency": row.currency}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds") + "Z"
