"""Requests that are carried out once, however often they are sent: the key is written with the work itself."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import RequestError
from agentflow.jobs.api_tables import Once
from agentflow.jobs.ids import now
from agentflow.jobs.store import Store

Answer = tuple[int, dict[str, Any]]
"""An HTTP status and a JSON body."""


@dataclass(frozen=True)
class Asked:
    """A request under its idempotency key."""

    tenant: str
    route: str
    key: str
    body: Any
    """What it asks for, as JSON."""

    @property
    def sha256(self) -> str:
        """Digest of the body in canonical form."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Done:
    """The answer to a request; `replayed` where it was carried out before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


async def once(store: Store, asked: Asked, act: Callable[[AsyncSession], Awaitable[Answer]]) -> Done:
    """Carries out a request in one transaction with its key; the stored answer where that was done before.

    A second one at the same time waits for the first. What `act` raises leaves nothing behind, the key neither.
    Raises RequestError where the key came with another body before.
    """
    place = (asked.tenant, asked.route, asked.key)
    async with store.writing() as session:
        if await _claimed(session, asked):
            status, body = await act(session)
            mine = (Once.tenant_id == asked.tenant, Once.route == asked.route, Once.key == asked.key)
            await session.execute(update(Once).where(*mine).values(status=status, body=body))
            return Done(status, body)
        earlier = await session.get_one(Once, place)
    if earlier.body_sha256 != asked.sha256:
        text = "This Idempotency-Key came with another body before; use a new key for a new request."
        raise RequestError(text, code="idempotency-key-reused")
    return Done(earlier.status or 200, earlier.body or {}, replayed=True)


async def _claimed(session: AsyncSession, asked: Asked) -> bool:
    """Writes the key; False where it is there already, after waiting for whoever is writing it."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    values = {"tenant_id": asked.tenant, "route": asked.route, "key": asked.key}
    row = insert(Once).values(**values, body_sha256=asked.sha256, created_at=now())
    written = await session.execute(row.on_conflict_do_nothing().returning(Once.key))
    return written.first() is not None
