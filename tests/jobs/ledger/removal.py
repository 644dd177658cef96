"""Taking a guard away: a constraint, an index, triggers, or the condition of a statement."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import CheckConstraint, Connection, ForeignKeyConstraint, UniqueConstraint, text, true

from agentflow.connectors.sql import rebuilding
from agentflow.jobs.api_tables import Table
from tests.jobs.ledger.books import Books

Removal = Callable[[Books, pytest.MonkeyPatch], Awaitable[None]]
TYPES = {CheckConstraint: "check", UniqueConstraint: "unique", ForeignKeyConstraint: "foreignkey"}


def constraints(table: str, *names: str) -> Removal:
    """The table without constraints of these names."""
    kinds = {c.name: TYPES[type(c)] for c in Table.metadata.tables[table].constraints if type(c) in TYPES}

    def drop(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_constraint(name, type_=kinds[name])

    return _changing(drop)


def statements(*, sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> Removal:
    """What the statements do."""

    def run(connection: Connection) -> None:
        for statement in sqlite if connection.dialect.name == "sqlite" else postgresql:
            connection.execute(text(statement))

    return _changing(run)


def triggers(table: str) -> Removal:
    """The table without the triggers that keep it append-only."""
    return statements(
        sqlite=tuple(f"DROP TRIGGER {table}_never_{action}d" for action in ("update", "delete")),
        postgresql=(f"DROP TRIGGER {table}_append_only ON {table}",),
    )


def condition(of: Any, name: str) -> Removal:
    """The statements of a module without what its function `name` adds to their WHERE."""
    return patched(of, name, lambda *_: (true(),))


def patched(of: Any, name: str, by: Any) -> Removal:
    """The module, or class, with something else under that name."""

    async def remove(_: Books, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(of, name, by)

    return remove


def both(one: Removal, other: Removal) -> Removal:
    """Where two guards stand behind one another."""

    async def remove(books: Books, patch: pytest.MonkeyPatch) -> None:
        await one(books, patch)
        await other(books, patch)

    return remove


def _changing(change: Callable[[Connection], None]) -> Removal:
    async def remove(books: Books, _: pytest.MonkeyPatch) -> None:
        async with rebuilding(books.engine).begin() as connection:
            await connection.run_sync(change)

    return remove
