"""SQLite for SQLAlchemy's asyncio: each statement is one trip to the connection's thread, where it takes four."""

# What is adapted here has no public names.
# pyright: reportPrivateUsage=false

import asyncio
import sqlite3
from collections import deque
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from agentflow.connectors.sql import WAIT
from agentflow.errors import ConnectorError

_UNUSED = SimpleNamespace(description=None, rowcount=-1, lastrowid=None, arraysize=1, close=lambda: None)


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """Is made, executed and read in one trip; SQLAlchemy reads all rows at once anyway."""

    __slots__ = ()
    _awaitable_cursor_close = False
    _cursor: Any
    _connection: Any

    def _make_new_cursor(self, connection: Any) -> Any:
        return _UNUSED

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        async with self._adapt_connection._execute_mutex:
            done = self._connection._execute(_executed, self._connection._conn, operation, parameters or ())
            self._cursor, self._rows = await done
            return self

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        async with self._adapt_connection._execute_mutex:
            connection = self._connection._conn
            self._cursor = await self._connection._execute(connection.executemany, operation, seq_of_parameters)
            return self


class Connection(AsyncAdapt_aiosqlite_connection):
    """Makes no trip where there is nothing to roll back."""

    __slots__ = ()
    _cursor_cls = Cursor

    def rollback(self) -> None:
        """Ends a transaction that is under way."""
        connection: Any = self._connection
        if connection._connection and connection._conn.in_transaction:
            super().rollback()


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """The driver, as SQLAlchemy takes it for `module`."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> Connection:
        """A connection, and its thread."""
        return Connection(self, super().connect(*arg, **kw)._connection)


def _executed(connection: sqlite3.Connection, operation: str, parameters: Any) -> tuple[sqlite3.Cursor, deque[Any]]:
    cursor = connection.execute(operation, parameters)
    return cursor, deque(cursor.fetchall() if cursor.description else ())


async def compact(engine: AsyncEngine) -> None:
    """Rewrites a SQLite file, in which what is deleted stays until then; PostgreSQL does so by itself, with time.

    Raises ConnectorError where others keep it busy.
    """
    if engine.dialect.name == "sqlite" and engine.url.database:
        try:
            await asyncio.to_thread(_vacuum, engine.url.database)
        except sqlite3.OperationalError as error:
            raise ConnectorError(
                f"{engine.url.database} is in use ({error}); what was deleted is still in it"
            ) from error


def _vacuum(file: str) -> None:
    with closing(sqlite3.connect(file, timeout=WAIT, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
