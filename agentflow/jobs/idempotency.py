"""Requests that are carried out once, however often they are sent: the key is written with the work itself."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
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
    row = Once(
        tenant_id=asked.tenant, route=asked.route, key=asked.key, body_sha256=asked.sha256, created_at=now(), body={}
    )
    async with store.writing() as session:
        earlier = await session.get(Once, place)
        if earlier is None and await _claim(session, row):
            status, body = await act(session)
            row.status, row.body = status, body
            return Done(status, body)
        earlier = earlier or await session.get_one(Once, place, populate_existing=True)
    if earlier.body_sha256 != asked.sha256:
        text = "This Idempotency-Key came with another body before; use a new key for a new request."
        raise RequestError(text, code="idempotency-key-reused")
    return Done(earlier.status or 200, earlier.body or {}, replayed=True)


async def _claim(session: AsyncSession, row: Once) -> bool:
    try:
        async with session.begin_nested():
            session.add(row)
        return True
    except IntegrityError:
        return False
