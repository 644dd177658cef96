"""Migrating from nothing gives the models' own schema, on every database."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from agentflow.connectors.sql import open_database
from agentflow.jobs import migrate
from agentflow.jobs.api_tables import Table


async def test_migrating_from_nothing_equals_the_models(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        async with engine.connect() as connection:
            differences = await connection.run_sync(
                lambda c: compare_metadata(MigrationContext.configure(c, opts={"compare_type": True}), Table.metadata)
            )
    assert differences == []


async def test_check_constraints_are_the_models_own(database: str):
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        async with engine.connect() as connection:
            found = await connection.run_sync(lambda c: inspect(c).get_check_constraints("job"))
    assert {check["name"] for check in found} == {
        c.name for c in Table.metadata.tables["job"].constraints if isinstance(c, CheckConstraint)
    }


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
    assert set(left) <= {"alembic_version"}
