"""Statements that are run very often: compiled once, and sent by the driver's own cursor, several in one trip."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

Statement = UpdateBase | Select[Any]


@dataclass(frozen=True)
class Prepared:
    """A statement in the words of one driver."""

    text: str
    names: Sequence[str]
    """Of its parameters, in the order in which they stand."""
    processors: Mapping[str, Callable[[Any], Any]]
    """What makes the driver's values of ours, by name, where they differ."""
    constants: Mapping[str, Any]
    """Values that stand in the statement itself, by name."""
    positional: bool

    def values(self, given: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        known = {**self.constants, **given} if self.constants else given
        made = [self.processors.get(name, _same)(known[name]) for name in self.names]
        return made if self.positional else dict(zip(self.names, made, strict=True))


def send(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> None:
    """Runs a statement that gives nothing back, past SQLAlchemy.

    A fraction of the work of `execute`; defaults of columns are not filled in, and nobody who listens is told. Raises
    SQLAlchemy's errors, as `execute` does.
    """
    with closing(executed(connection, statement, values)):
        pass


def first(connection: Connection, statement: UpdateBase, values: Mapping[str, Any]) -> Sequence[Any] | None:
    """`send` for a statement that gives rows back: the first, as the driver has it."""
    with told_alike(connection), closing(executed(connection, statement, values)) as cursor:
        return cursor.fetchone()


def ask(connection: Connection, query: Statement, values: Mapping[str, Any]) -> Callable[[], list[dict[str, Any]]]:
    """Sends a query: what gives its rows, by their columns' names, at the end of the trip that it is a part of."""
    cursor = executed(connection, query, values)

    def rows() -> list[dict[str, Any]]:
        with told_alike(connection), closing(cursor):
            found, codes = cursor.fetchall(), tuple(column[1] for column in cursor.description)
        columns = _columns(query, codes, connection.dialect)
        return [{name: _read(value, by) for (name, by), value in zip(columns, row, strict=True)} for row in found]

    return rows


@contextmanager
def one_trip(connection: Connection) -> Generator[None]:
    """Statements sent to a server together: they take effect, give what they were asked for, or raise, at the end.

    A process that is paused in the block keeps its locks for longer than one that stands still between statements:
    nothing that others wait for is locked in it. One by one where the driver is asynchronous, whose pipeline a plain
    block cannot end. Raises SQLAlchemy's errors.
    """
    if connection.dialect.name != "postgresql" or connection.dialect.is_async:
        yield
        return
    raw: Any = connection.connection.driver_connection
    refused: Exception | None = None
    with told_alike(connection):
        with raw.pipeline() as pipeline:
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised again below
                refused = error
                with suppress(Exception):  # else psycopg warns of what it has to drop behind a refused statement
                    pipeline.sync()
        if refused is not None:
            raise refused


@contextmanager
def told_alike(connection: Connection) -> Generator[None]:
    """The errors that the driver raises in the block are SQLAlchemy's."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield
    except driver.Error as error:
        gone = connection.dialect.is_disconnect(error, connection.connection.driver_connection, None)
        known: Any = {"dialect": connection.dialect, "connection_invalidated": gone}
        raise DBAPIError.instance(None, None, error, driver.Error, **known) from error


def executed(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> Any:
    """The driver's cursor, which is to be closed, with the statement run by it."""
    prepared = _prepare(statement, tuple(values), connection.dialect)
    with told_alike(connection):
        cursor = connection.connection.cursor()
        cursor.execute(prepared.text, prepared.values(values))
    return cursor


@lru_cache(200)
def _prepare(statement: Statement, names: tuple[str, ...], dialect: Dialect) -> Prepared:
    compiled: Any = statement.compile(dialect=dialect, column_keys=list(names))
    types = {name: bound.type.dialect_impl(dialect) for bound, name in compiled.bind_names.items()}
    processors = {name: kind.bind_processor(dialect) for name, kind in types.items()}
    return Prepared(
        text=str(compiled),
        names=tuple(compiled.positiontup if compiled.positional else types),
        processors={name: made for name, made in processors.items() if made is not None},
        constants={name: bound.value for bound, name in compiled.bind_names.items() if not bound.required},
        positional=compiled.positional,
    )


@lru_cache(200)
def _columns(
    statement: Statement, codes: tuple[Any, ...], dialect: Dialect
) -> Sequence[tuple[str, Callable[[Any], Any] | None]]:
    """The columns of its rows, and what makes our values of the driver's, where they differ.

    `codes` are the types of the columns as the driver numbers them.
    """
    columns = zip(statement.exported_columns, codes, strict=True)
    return [(str(each.key), each.type.dialect_impl(dialect).result_processor(dialect, code)) for each, code in columns]


def _read(value: Any, by: Callable[[Any], Any] | None) -> Any:
    return value if by is None else by(value)


def _same(value: Any) -> Any:
    return value
