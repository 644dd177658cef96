"""Migrating from nothing gives the models' own schema, on every database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Inspector, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from agentflow.connectors.sql import open_database
from agentflow.jobs import migrate
from agentflow.jobs.api_tables import Table
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.giving import charge_of, credit
from agentflow.jobs.ledger.statements import close
from agentflow.jobs.ledger.tables import APPEND_ONLY
from tests.jobs.ledger.books import open_books

OPTIONS = {"compare_type": True, "version_table": migrate.VERSION_TABLE}


async def test_migrating_from_nothing_equals_the_models(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        async with engine.connect() as connection:
            differences = await connection.run_sync(
                lambda c: compare_metadata(MigrationContext.configure(c, opts=OPTIONS), Table.metadata)
            )
    assert differences == []


async def test_check_constraints_and_foreign_keys_are_the_models_own(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        async with engine.connect() as connection:
            found = await connection.run_sync(
                lambda c: {name: named(inspect(c), name) for name in Table.metadata.tables}
            )
    assert found == {
        name: {c.name for c in table.constraints if isinstance(c, CheckConstraint | ForeignKeyConstraint) and c.name}
        for name, table in Table.metadata.tables.items()
    }


def named(inspector: Inspector, table: str) -> set[str]:
    """The names of a table's checks and of its foreign keys over several columns."""
    keys = [key for key in inspector.get_foreign_keys(table) if len(key["constrained_columns"]) > 1]
    return {str(one["name"]) for one in (*inspector.get_check_constraints(table), *keys)}


async def test_what_was_written_survives_that_the_last_migration_is_taken_back_and_made_again(database: str):
    async with open_books(database) as books:
        job = await books.finished()
        async with books.sessions.begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 1, "goodwill", "r")
        async with books.sessions.begin() as session:
            await session.run_sync(close, "local", "USD", now() + timedelta(seconds=1))
        await migrate.downgrade(books.engine, "0005")
        await migrate.upgrade(books.engine)
        assert await books.faults() == []
        for table in APPEND_ONLY:
            column = {"price": "outcome", "statement_line": "transfer_id"}.get(table, "id")
            with pytest.raises(DBAPIError, match="append-only"):
                async with books.sessions.begin() as session:
                    await session.execute(text(f"UPDATE {table} SET {column} = {column}"))


async def test_migrating_twice_changes_nothing(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        await migrate.upgrade(engine)
        at, newest = await migrate.revision(engine)
    assert at == newest


async def test_every_migration_can_be_taken_back(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        await migrate.downgrade(engine)
        async with engine.connect() as connection:
            left = await connection.run_sync(lambda c: inspect(c).get_table_names())
    assert set(left) <= {migrate.VERSION_TABLE}


@asynccontextmanager
async def as_before(database: str, *theirs: str) -> AsyncGenerator[AsyncEngine]:
    """A database as earlier versions left it, their revision in alembic's own table, beside others' revisions."""
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            await connection.execute(text(f"INSERT INTO alembic_version SELECT * FROM {migrate.VERSION_TABLE}"))
            for revision in theirs:
                await connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": revision})
            await connection.execute(text(f"DROP TABLE {migrate.VERSION_TABLE}"))
        yield engine


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda c: inspect(c).get_table_names()))


async def test_a_revision_that_stands_in_alembics_own_table_is_carried_over(database: str):
    async with as_before(database) as engine:
        at, newest = await migrate.revision(engine)
        assert at == newest
        await migrate.upgrade(engine)
        assert await migrate.revision(engine) == (newest, newest)
        assert "alembic_version" not in await tables(engine)
        await migrate.upgrade(engine)


async def test_what_another_application_keeps_in_alembics_own_table_stays(database: str):
    async with as_before(database, "f00ba7") as engine:
        await migrate.upgrade(engine)
        at, newest = await migrate.revision(engine)
        assert at == newest
        async with engine.connect() as connection:
            assert (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all() == ["f00ba7"]


@pytest.mark.parametrize("theirs", ["f00ba7", "0001"])
async def test_an_application_around_migrates_in_the_same_database(database: str, theirs: str):
    async with open_database(database) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            await connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": theirs})
        assert (await migrate.revision(engine))[0] is None
        await migrate.upgrade(engine)
        async with engine.connect() as connection:
            assert (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all() == [theirs]
        await migrate.downgrade(engine)
        assert "alembic_version" in await tables(engine)
