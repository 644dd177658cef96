"""Databases for the ledger's tests: copies of one that is migrated already, where that can be copied."""

import asyncio
import uuid

import psycopg
import pytest

from agentflow.connectors.sql import open_database
from agentflow.jobs import migrate


@pytest.fixture(scope="session")
def migrated(postgres_server: str) -> str:
    """The name of a PostgreSQL database of the newest schema."""
    name = f"t{uuid.uuid4().hex[:12]}"

    async def make() -> None:
        async with open_database(_create(postgres_server, name, "template1")) as engine:
            await migrate.upgrade(engine)

    asyncio.run(make())
    return name


@pytest.fixture
def postgres(postgres_server: str, migrated: str) -> str:
    """The URL of a fresh PostgreSQL database of the newest schema."""
    return _create(postgres_server, f"t{uuid.uuid4().hex[:12]}", migrated)


def _create(server: str, name: str, template: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    head, _, query = server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
