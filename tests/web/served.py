"""An API in service: the toy pack and one that takes files, keys of two tenants, and a client for each."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from agentflow import Document, Documents, Pack, Price, Record, workflow
from agentflow.jobs.keys import SCOPES, Lock, make_key
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.service import Agentflow
from agentflow.web.app import create_app
from agentflow.web.layers import Limits
from tests.jobs.ledger.books import pack

LOCK = Lock(b"p" * 32)
SERVER = "http://api.test"


class Read(Record):
    words: int


async def read(document: Document, *, documents: Documents) -> Read:
    return Read(words=len((await documents.get(document.sha256)).split()))


reading = Pack(
    name="reading",
    workflow=workflow("reading", takes=Document, gives=Read).step(read).build(),
    connectors=[Documents],
    prices={Read: Price("0.10")},
)


class Served:
    """The service, its app, and clients by tenant."""

    def __init__(self, af: Agentflow, app: FastAPI) -> None:
        self.af = af
        self.app = app
        self._clients: list[httpx.AsyncClient] = []

    async def key(self, tenant: str, scopes: Sequence[str] = SCOPES, **more: Any) -> str:
        async with self.af.store.writing() as session:
            return (await make_key(session, LOCK, tenant, scopes=scopes, **more))[0]

    async def client(self, tenant: str = "acme", scopes: Sequence[str] = SCOPES, **more: Any) -> httpx.AsyncClient:
        return self.bare(await self.key(tenant, scopes, **more))

    def bare(self, key: str | None = None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        client = httpx.AsyncClient(transport=transport, base_url=SERVER, headers=headers, timeout=30)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def faults(self) -> list[str]:
        """What the audit of the ledger finds."""
        async with self.af.store.looking() as session:
            return [fault.rule for fault in await audit(session)]


@asynccontextmanager
async def serving(home: Path, database: str | None = None, **options: Any) -> AsyncGenerator[Served]:
    """The API, open."""
    limits = options.pop("limits", Limits(per_minute=100_000, wrong_keys=10_000))
    packs = options.pop("packs", [pack(), reading])
    async with Agentflow(packs, home=home, database=database, **options) as af:
        served = Served(af, create_app(af, LOCK, limits=limits, opens=False))
        try:
            yield served
        finally:
            await served.close()


def order(lines: Sequence[str] = ("a",), **more: Any) -> dict[str, Any]:
    """The body of a job for the toy pack."""
    return {"pack": "toy", "input": {"lines": list(lines)}, **more}


def once(key: str = "k1", **more: str) -> dict[str, str]:
    """Headers of a request that is done once."""
    return {"Idempotency-Key": key, **more}


async def ended(client: httpx.AsyncClient, body: dict[str, Any], key: str = "k1") -> dict[str, Any]:
    """The job of that body as soon as it rests."""
    answer = await client.post("/v1/jobs", json=body, headers=once(key, Prefer="wait=20"))
    assert answer.status_code == 200, answer.text
    return answer.json()
