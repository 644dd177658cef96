"""API keys: random, checked before any look-up, and stored as a keyed digest alone."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zlib import crc32

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import ConfigError
from agentflow.jobs.api_tables import ApiKey
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.tables import Tenant

Mode = Literal["live", "test"]

SCOPES = (
    "jobs:read",
    "jobs:write",
    "reviews:read",
    "reviews:write",
    "billing:read",
    "disputes:write",
    "webhooks:read",
    "webhooks:write",
)
"""What a tenant's key may do."""
OPERATOR = ("operator:read", "operator:write")
"""What the keys of whoever runs the server may do besides; never given by default."""

PEPPER = "AGENTFLOW_PEPPER"
FORM = re.compile(r"af_(live|test)_([0-9a-f]{16})_([A-Za-z0-9_-]{43})([0-9a-f]{8})", re.ASCII)
NOBODY = "0" * 64


@dataclass(frozen=True)
class Caller:
    """Who asks: a key's tenant and what the key may do."""

    key: str
    tenant: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Lock:
    """What keys are checked against: the server's pepper, and the mode it serves."""

    pepper: bytes
    mode: Mode = "live"

    def digest(self, key: str) -> str:
        """HMAC-SHA-256 of a key under the pepper, hex."""
        return hmac.new(self.pepper, key.encode(), hashlib.sha256).hexdigest()


def pepper_of(home: Path) -> bytes:
    """The secret that key digests are made with: from AGENTFLOW_PEPPER, else a file in `home` that is made once.

    Several servers on one database need the same, and so the variable. Raises ConfigError where it is too short.
    """
    if given := os.environ.get(PEPPER):
        if len(given) < 32:
            raise ConfigError(f"{PEPPER} is too short to be a secret; use 32 characters of chance or more")
        return given.encode()
    file = home / "pepper"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(base64.b64encode(secrets.token_bytes(32)))
    except FileExistsError:
        pass
    return file.read_bytes()


async def make_key(
    session: AsyncSession,
    lock: Lock,
    tenant: str,
    *,
    name: str = "",
    scopes: Sequence[str] = SCOPES,
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A new key of a tenant, who is added where new: the key itself, to be shown once, and its row.

    Raises ConfigError for a scope that there is not.
    """
    if unknown := sorted(set(scopes) - {*SCOPES, *OPERATOR}):
        raise ConfigError(f"there is no scope {', '.join(unknown)}; there are {', '.join((*SCOPES, *OPERATOR))}")
    if await session.get(Tenant, tenant) is None:
        session.add(Tenant(id=tenant, name=tenant, created_at=now()))
        await session.flush()
    row = ApiKey(
        id=secrets.token_hex(8),
        tenant_id=tenant,
        name=name,
        mode=lock.mode,
        digest="",
        scopes=sorted(scopes),
        created_at=now(),
        expires_at=expires_at,
    )
    body = f"af_{lock.mode}_{row.id}_{secrets.token_urlsafe(32)}"
    key = body + _checksum(body)
    row.digest = lock.digest(key)
    session.add(row)
    await session.flush()
    return key, row


async def revoke(session: AsyncSession, key: str) -> bool:
    """Ends a key by its id; False where there is none that is in force."""
    in_force = (ApiKey.id == key, ApiKey.revoked_at.is_(None))
    ended = await session.execute(update(ApiKey).where(*in_force).values(revoked_at=now()).returning(ApiKey.id))
    return ended.first() is not None


def well_formed(key: str, mode: Mode) -> str | None:
    """The id within a key of that mode whose checksum is right: a slip of the pen never reaches the database."""
    found = FORM.fullmatch(key)
    if found is None or found[1] != mode or _checksum(key[:-8]) != found[4]:
        return None
    return found[2]


async def caller_of(session: AsyncSession, lock: Lock, key: str) -> Caller | None:
    """Whose key it is; None where it is malformed, unknown, of the other mode, expired or revoked."""
    found = well_formed(key, lock.mode)
    row = await session.get(ApiKey, found) if found else None
    right = hmac.compare_digest(lock.digest(key), row.digest if row else NOBODY)
    if row is None or not right or row.mode != lock.mode or not _holds(row):
        return None
    return Caller(row.id, row.tenant_id, frozenset(row.scopes))


async def in_force(session: AsyncSession, key: str) -> bool:
    """Whether the key of that id is neither revoked nor expired by now."""
    row = await session.get(ApiKey, key)
    return row is not None and _holds(row)


def _holds(row: ApiKey) -> bool:
    return not row.revoked_at and (row.expires_at is None or row.expires_at > now())


def _checksum(body: str) -> str:
    return f"{crc32(body.encode()):08x}"
