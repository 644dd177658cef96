"""Fencing: a checkpoint is written in one transaction with the proof that its run still holds the job."""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import UpdateBase

from agentflow.connectors.prepared import one_trip, send, told_alike
from agentflow.errors import LeaseLost

T = TypeVar("T")
LEASE_LOST = "AF001"
"""The SQLSTATE with which PostgreSQL's `assert_fence` refuses."""
_ASSERTED = "SELECT assert_fence(%s, %s)"
_HELD = "SELECT 1 FROM job WHERE id = ? AND fence = ?"


@dataclass(frozen=True)
class Fence:
    """The number under which a run holds its job; once it is lost, the job's row has a higher one."""

    job: str
    number: int

    @property
    def again(self) -> bool:
        """Whether somebody has held the job before."""
        return self.number > 1


@dataclass(frozen=True, eq=False)
class Line:
    """A row that is still to be written."""

    statement: UpdateBase
    values: Mapping[str, Any]
    paid: bool = False
    """Of money that is spent: it is kept whoever holds the job."""


class InHand(Protocol):
    """What a run has in hand, to be written in one transaction with its next checkpoint."""

    def taken(self) -> AbstractAsyncContextManager[Sequence[Line]]:
        """The rows, in order, for a block that writes them; they stay in hand where it does not come to its end."""
        ...


class Database(Protocol):
    """The job database."""

    async def single(self, act: Callable[[Connection], T]) -> T:
        """What `act` gives on a connection that begins no transaction by itself, in whatever thread that runs."""
        ...

    async def seen(self, act: Callable[[Session], T]) -> T:
        """What `act` gives, which only reads."""
        ...


class Savers(Protocol):
    """A LangGraph saver for one run of one job."""

    def __call__(self, fence: Fence, in_hand: InHand | None = None) -> Any:
        """`in_hand` is what the run writes along."""
        ...


def fenced(saver: Any, database: Database, fence: Fence, in_hand: InHand | None) -> Any:
    """LangGraph's synchronous saver, each of whose writes is one fenced transaction of the job database.

    Raises LeaseLost where the job is not held any more, what the database raises where it breaks off.
    """

    empty = in_hand is not None and not fence.again  # a run of its own, that nobody began before

    def writing(name: str) -> Callable[..., Awaitable[Any]]:
        async def write(*args: Any) -> Any:
            nonlocal empty
            empty = False
            async with in_hand.taken() if in_hand else nullcontext(()) as lines:

                def act(connection: Connection) -> Any:
                    with held(connection, fence):
                        for line in lines:
                            send(connection, line.statement, line.values)
                        return getattr(_at(saver, connection), name)(*args)

                return await database.single(act)

        return write

    async def look(config: Any) -> Any:
        if empty:  # LangGraph looks before it begins
            return None
        return await database.seen(lambda session: _at(saver, session.connection()).get_tuple(config))

    for name in ("put", "put_writes"):
        setattr(saver, f"a{name}", writing(name))
    saver.aget_tuple = look
    return saver


def _at(saver: Any, connection: Connection) -> Any:
    """The saver at work on the driver's own connection, and on PostgreSQL in the pipeline that stands already."""
    kind: Any = saver.__class__
    made, raw = kind.__new__(kind), _raw(connection)
    made.__dict__.update(saver.__dict__)  # a fifth of what `copy.copy` takes
    made.conn = raw
    if connection.dialect.name == "postgresql":
        made._cursor = partial(_cursor, raw)  # through which alone it reaches the database
    return made


def _cursor(raw: Any, *, pipeline: bool = False) -> Any:
    from psycopg.rows import dict_row

    return raw.cursor(binary=True, row_factory=dict_row)


@contextmanager
def held(connection: Connection, fence: Fence) -> Generator[None]:
    """What is written in the block is refused as a whole where the job is not held."""
    with (_held_sqlite if connection.dialect.name == "sqlite" else _held_postgres)(connection, fence):
        yield


@contextmanager
def _held_sqlite(connection: Connection, fence: Fence) -> Generator[None]:
    with told_alike(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if connection.exec_driver_sql(_HELD, (fence.job, fence.number)).first() is None:
            raise lost(fence.job)
        yield
        connection.connection.commit()  # LangGraph's saver has done so already


@contextmanager
def _held_postgres(connection: Connection, fence: Fence) -> Generator[None]:
    """All statements are one trip to the server, which takes what stands in a pipeline for one transaction."""
    try:
        with one_trip(connection):
            _raw(connection).execute(_ASSERTED, (fence.job, fence.number))
            yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LEASE_LOST:
            raise lost(fence.job) from error
        raise


def _raw(connection: Connection) -> Any:
    """The driver's own."""
    return connection.connection.driver_connection


def lost(job: str) -> LeaseLost:
    """What a run is told that holds its job no more."""
    return LeaseLost(f"job {job} was taken over by another run")
