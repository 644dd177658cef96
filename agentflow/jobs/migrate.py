"""Migrations: brings a database to the newest schema with alembic."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

import agentflow
from agentflow.connectors.sql import one_at_a_time, rebuilding


def folder() -> Path:
    """Where the migrations lie: inside the installed package, or beside it in a checkout."""
    package = Path(agentflow.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


async def upgrade(engine: AsyncEngine) -> None:
    """Brings the database to the newest schema; several processes may ask for it at once."""
    async with one_at_a_time(rebuilding(engine), "agentflow_migrations") as connection:
        await connection.run_sync(_upgrade)


async def downgrade(engine: AsyncEngine, to: str = "base") -> None:
    """Takes migrations back, down to the revision `to`; what the dropped tables held is lost."""
    async with one_at_a_time(rebuilding(engine), "agentflow_migrations") as connection:
        await connection.run_sync(lambda c: command.downgrade(_config(c), to))


async def revision(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """The revision the database is at, and the newest there is."""
    async with engine.connect() as connection:
        at = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    return at, ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    at = MigrationContext.configure(connection).get_current_revision()
    if at != ScriptDirectory.from_config(_config()).get_current_head():
        command.upgrade(_config(connection), "head")


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
