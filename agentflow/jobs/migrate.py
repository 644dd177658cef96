"""Migrations: brings a database to the newest schema with alembic."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, delete, func, inspect, select, table, text
from sqlalchemy.ext.asyncio import AsyncEngine

import agentflow
from agentflow.connectors.sql import one_at_a_time, rebuilding

VERSION_TABLE = "agentflow_version"
"""Keeps the revision; alembic's own `alembic_version` may be that of the application around."""
BEFORE = "alembic_version"
"""Where earlier versions kept it."""
OURS = {"job", "effect"}
"""Tables that the first migration makes: where they are missing, no revision that is found is ours."""


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
        at = await connection.run_sync(lambda c: _at(c) or _before(c))
    return at, ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> None:
    if before := _before(connection):
        _carry_over(connection, before)
    if _at(connection) != ScriptDirectory.from_config(_config()).get_current_head():
        command.upgrade(_config(connection), "head")


def _context(connection: Connection, kept: str) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": kept})


def _at(connection: Connection) -> str | None:
    return _context(connection, VERSION_TABLE).get_current_revision()


def _before(connection: Connection) -> str | None:
    """Our revision as an earlier version kept it, unless it was carried over; never another application's."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables or not tables >= {BEFORE, *OURS}:
        return None
    ours = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    found = _context(connection, BEFORE).get_current_heads()
    return next(iter(ours.intersection(found)), None)


def _carry_over(connection: Connection, revision: str) -> None:
    """Into the table of our own; what another application keeps beside it stays."""
    _context(connection, VERSION_TABLE).stamp(ScriptDirectory.from_config(_config()), revision)
    old = table(BEFORE, column("version_num"))
    connection.execute(delete(old).where(old.c.version_num == revision))
    if connection.scalar(select(func.count()).select_from(old)) == 0:
        connection.execute(text(f"DROP TABLE {BEFORE}"))


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
