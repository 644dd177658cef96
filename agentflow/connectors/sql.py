"""Databases: the one place that sets up a SQLAlchemy engine."""

import asyncio
import math
import re
import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

from sqlalchemy import Connection, Dialect, Engine, MetaData, Numeric, String, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InvalidRequestError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator, TypeEngine

from agentflow.errors import ConfigError, ConnectorError

WAIT = 30
"""Seconds a SQLite connection waits for the one that is writing."""
IDLE = 5
"""Seconds after which PostgreSQL ends a `brief` transaction that stands still, and with it its locks."""

TIMED = 17_00_00
"""The version of PostgreSQL that ends a transaction by its length."""

CONNECTIONS = 15
"""At once to a server, for an engine."""
RESTED = 5.0
"""Seconds after which a connection that nobody used is asked whether it still stands."""

_KEYS, _USED = "foreign_keys", "used"
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+pysqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
    "mysql": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
}


class Money(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC where the database has it, the digits as text in SQLite, which only has floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102 SQLAlchemy's own hooks
        return String(40) if dialect.name == "sqlite" else Numeric(24, 6)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: D102 as above
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: D102 as above
        return None if value is None else Decimal(value)


@asynccontextmanager
async def open_database(url: str, *, read_only: bool = False, brief: bool = False) -> AsyncGenerator[AsyncEngine]:
    """An engine on a database that answers; disposed of at the end.

    Takes `sqlite:///file.db`, `postgresql://...` or any SQLAlchemy URL with an async driver. A transaction of
    `engine.begin()` takes SQLite's write lock at its start, so that processes wait for each other instead of failing;
    `reading(engine)` gives transactions that don't. Where they are all `brief`, PostgreSQL ends one that stands still:
    a process that is paused in mid-transaction holds nobody up.

    Raises ConfigError where the URL or its driver is wrong, ConnectorError where the database does not answer.
    """
    address = _address(url)
    address = _opened_read_only(address) if read_only else address
    engine = _engine(_kept_brief(address) if brief else address)
    if address.get_backend_name() == "sqlite":
        _prepare_sqlite(engine.sync_engine, read_only)
    else:
        _ask_the_rested(engine.sync_engine)
    try:
        if not read_only:
            _make_folder(address)
        await _greet(engine, address)
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def blocking(engine: AsyncEngine, *, brief: bool = False) -> AsyncGenerator[tuple[Engine, Engine]]:
    """The same database for transactions that block the thread they are in: `engine` hops between two a statement.

    The second engine is for statements each of which is a transaction by itself: one trip to a server instead of three.
    On SQLite it is the same connection, the only one, since one write at a time is let through.
    """
    sqlite = engine.dialect.name == "sqlite"
    address = engine.url.set(drivername="sqlite+pysqlite") if sqlite else engine.url
    address = _kept_brief(address) if brief else address
    options: dict[str, Any] = {"timeout": WAIT, "isolation_level": None, "check_same_thread": False} if sqlite else {}
    made = create_engine(address, connect_args=options, pool_size=1 if sqlite else CONNECTIONS, max_overflow=0)
    if sqlite:
        single = made.execution_options(single=True)
        _prepare_sqlite(made, read_only=False)
    else:
        # Nothing is begun that would have to be rolled back when a connection is given back.
        alone: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
        single = create_engine(address, pool_size=CONNECTIONS, max_overflow=0, **alone)
        for each in (made, single):
            _ask_the_rested(each)
            if brief and engine.dialect.name == "postgresql":
                event.listen(each, "connect", _end_the_paused)
    try:
        yield made, single
    finally:
        await asyncio.to_thread(made.dispose)
        await asyncio.to_thread(single.dispose)


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for transactions that only read: they never wait for, or hold up, one that writes."""
    return engine.execution_options(reading=True)


def rebuilding(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for migrations: SQLite does not check foreign keys while tables are rebuilt."""
    return engine.execution_options(rebuilding=True)


@asynccontextmanager
async def one_at_a_time(engine: AsyncEngine, name: str) -> AsyncGenerator[AsyncConnection]:
    """A transaction that waits, over all processes, until no other of the same `name` is under way."""
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": crc32(name.encode())})
        yield connection


async def create_tables(engine: AsyncEngine, tables: MetaData) -> None:
    """Creates the tables that are not there yet; safe where several processes open the same database."""
    async with one_at_a_time(engine, "create_tables") as connection:
        await connection.run_sync(tables.create_all)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "A database URL cannot be read; write it as sqlite:///file.db or postgresql://user:password@host/name."
        ) from None
    return address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))


def _opened_read_only(address: URL) -> URL:
    if address.get_backend_name() == "sqlite" and address.database:
        file = quote(str(Path(address.database).absolute()))
        return address.set(database=f"file:{file}", query={"mode": "ro", "uri": "true"})
    if address.get_backend_name() == "postgresql":
        return address.update_query_dict({"options": "-c default_transaction_read_only=on"})
    return address


def _kept_brief(address: URL) -> URL:
    if address.drivername != "postgresql+psycopg":
        return address
    given = address.query.get("options", "")
    options = f"{given if isinstance(given, str) else ' '.join(given)} -c idle_in_transaction_session_timeout={IDLE}s"
    return address.update_query_dict({"options": options.strip()})


def _engine(address: URL) -> AsyncEngine:
    sqlite = address.get_backend_name() == "sqlite"
    options: dict[str, Any] = {"timeout": WAIT, "isolation_level": None} if sqlite else {}
    memory = sqlite and address.database in (None, "", ":memory:")
    # Those that are needed at times are kept: to open a connection is the dearest thing that a database does.
    pool: dict[str, Any] = {} if memory else {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_use_lifo": True}
    try:
        return create_async_engine(address, connect_args=options, **pool, **({"module": _driver()} if sqlite else {}))
    except ModuleNotFoundError as error:
        mend = "pip install 'agentflow[postgres]'" if address.get_backend_name() == "postgresql" else "install it"
        raise ConfigError(f"{_shown(address)} needs the driver {error.name}, which is not installed: {mend}.") from None
    except (NoSuchModuleError, InvalidRequestError) as error:
        raise ConfigError(f"{_shown(address)} names no database with an async driver: {error}.") from None


def _driver() -> Any:
    from agentflow.connectors.sqlite import Driver

    return Driver()


def _make_folder(address: URL) -> None:
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return
    folder = Path(address.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConnectorError(f"The folder {folder} for a database cannot be made: {reason}.") from error


def _prepare_sqlite(engine: Engine, read_only: bool) -> None:
    """SQLite's own habits: foreign keys checked, readers beside a writer (WAL), transactions begun as told."""

    def connected(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()

    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("single"):
            return
        calm = read_only or options.get("reading", False)
        # A table that others point to can only be rebuilt while nobody looks; the switch does nothing once begun.
        wanted = "OFF" if options.get("rebuilding") else "ON"
        if connection.info.get(_KEYS) != wanted:
            connection.exec_driver_sql(f"PRAGMA foreign_keys = {wanted}")
            connection.info[_KEYS] = wanted
        connection.exec_driver_sql("BEGIN" if calm else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def _end_the_paused(raw: Any, _: Any) -> None:
    """A process that is paused in mid-trip does not count as idle: from PostgreSQL 17 on that ends as well."""
    if raw.info.server_version >= TIMED:
        raw.execute(f"SET transaction_timeout = '{2 * IDLE}s'")
        raw.commit()


def _ask_the_rested(engine: Engine) -> None:
    """A connection that has rested is asked before it is used; a restart breaks those that are under way only."""

    def returned(_: Any, record: Any) -> None:
        record.info[_USED] = time.monotonic()

    def taken(connection: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get(_USED, math.inf) > RESTED:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)


async def _greet(engine: AsyncEngine, address: URL) -> None:
    """Connects once, so that a wrong address is told at the start and in our words."""
    try:
        if engine.dialect.name == "sqlite":
            await asyncio.to_thread(_open_file, engine)
        async with reading(engine).connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = _without_password(" ".join(str(cause).split()), address)
        raise ConnectorError(
            f"The database {_shown(address)} does not answer: {reason}. Check its address, and that it is up."
        ) from None


def _open_file(engine: AsyncEngine) -> None:
    """Opens a SQLite file without aiosqlite, whose thread outlives the event loop where the file cannot be opened."""
    positional, named = engine.dialect.create_connect_args(engine.url)
    options: dict[str, Any] = {**named}
    sqlite3.connect(positional[0], **options).close()


def _shown(address: URL) -> str:
    return address.render_as_string(hide_password=True)


def _without_password(message: str, address: URL) -> str:
    password = str(address.password) if address.password else ""
    return re.sub(rf"(?<!\w){re.escape(password)}(?!\w)", "***", message) if password else message
