"""Requests that are carried out once, however often they are sent: the key is written with the work itself."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from agentflow.errors import RequestError
from agentflow.jobs.api_tables import Once
from agentflow.jobs.ids import now
from agentflow.jobs.store import Store
from agentflow.jobs.tables import table_of

_ONCE = table_of(Once)
_CLAIMS = {
    "sqlite": sqlite_insert(_ONCE).on_conflict_do_nothing().execution_options(preserve_rowcount=True),
    "postgresql": postgresql_insert(_ONCE).on_conflict_do_nothing().execution_options(preserve_rowcount=True),
}
_KEEP = (
    update(_ONCE)
    .where(
        _ONCE.c.tenant_id == bindparam("of_tenant"),
        _ONCE.c.route == bindparam("of_route"),
        _ONCE.c.key == bindparam("of_key"),
    )
    .values(status=bindparam("status"), body=bindparam("body"))
)

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

    @cached_property
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
    async with store.writing() as session:
        if earlier := await session.run_sync(_claimed, asked):
            return _again(asked, earlier)
        status, body = await act(session)
        return await session.run_sync(_kept, asked, status, body)


async def once_in_a_thread(store: Store, asked: Asked, act: Callable[[Session], Answer]) -> Done:
    """`once` for what is asked for often: the whole transaction is one hop to a thread."""

    def acted(session: Session) -> Done:
        if earlier := _claimed(session, asked):
            return _again(asked, earlier)
        return _kept(session, asked, *act(session))

    return await store.at_once(acted)


def _claimed(session: Session, asked: Asked) -> Once | None:
    """Writes the key; the earlier request where it is there already, after waiting for whoever is writing it."""
    claim = _CLAIMS[session.get_bind().dialect.name]
    row = {"body_sha256": asked.sha256, "created_at": now(), "tenant_id": asked.tenant, "route": asked.route}
    if session.connection().execute(claim, {**row, "key": asked.key}).rowcount:
        return None
    return session.get_one(Once, (asked.tenant, asked.route, asked.key))


def _kept(session: Session, asked: Asked, status: int, body: dict[str, Any]) -> Done:
    which = {"of_tenant": asked.tenant, "of_route": asked.route, "of_key": asked.key}
    session.connection().execute(_KEEP, {**which, "status": status, "body": body})
    return Done(status, body)


def _again(asked: Asked, earlier: Once) -> Done:
    if earlier.body_sha256 != asked.sha256:
        text = "This Idempotency-Key came with another body before; use a new key for a new request."
        raise RequestError(text, code="idempotency-key-reused")
    return Done(earlier.status or 200, earlier.body or {}, replayed=True)
