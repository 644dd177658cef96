"""The journal of a running job: its effects, attempts and costs, each written in a transaction of its own."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Connection,
    Executable,
    Integer,
    Row,
    bindparam,
    cast,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from agentflow.errors import LeaseLost, StoreError
from agentflow.flow.journal import AttemptLine, Begun, CostLine
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.tables import Attempt, Cost, Effect, Job, Table

T = TypeVar("T")
MICROS = 1_000_000
LONGEST_OUTPUT = 16_384
"""Characters of JSON that the trace keeps of an answer; of a longer one it keeps the hash."""

_HOLDING = (
    Job.id == bindparam("held"),
    Job.fence == func.coalesce(bindparam("under", type_=Integer), Job.fence),
)
_HOLD = select(Job.id).where(*_HOLDING).with_for_update(read=True)
_SEE = select(Effect.made).where(Effect.key == bindparam("effect"), select(Job.id).where(*_HOLDING).exists())
_END = (
    update(Effect)
    .where(Effect.key == bindparam("effect"), Effect.done_at.is_(None), exists(_HOLD))
    .values(made=bindparam("what"), done_at=bindparam("at"))
)


@cache
def _insert(table: type[Table], dialect: str, *names: str) -> Any:
    """One statement that inserts a row, given by column name, if the job is held and the row is not there yet."""
    given: list[Any] = [bindparam(name, type_=table.__table__.c[name].type) for name in names]
    insert_into: Any = sqlite.insert
    if dialect == "postgresql":  # where a NULL has no type by itself
        given, insert_into = [cast(each, each.type) for each in given], postgresql.insert
    held = select(*given).select_from(Job).where(*_HOLDING).with_for_update(read=True)
    return insert_into(table).from_select(names, held).on_conflict_do_nothing().returning(literal(1))


class Writes(Protocol):
    """What a journal writes with."""

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database."""
        ...

    async def at_once(self, act: Callable[[Session], T]) -> T:
        """What `act` gives, done in one transaction."""
        ...

    async def one(self, statement: Executable, values: Mapping[str, Any]) -> Row[Any] | None:
        """The first row that a statement gives, which is a transaction by itself."""
        ...


class JobJournal:
    """Keeps what a running job does.

    Raises LeaseLost where the job is not held under `fence` any more; costs are kept all the same, the money is spent.
    """

    def __init__(self, writes: Writes, job: str, fence: int | None = None) -> None:
        self._writes = writes
        self._job = job
        self._fence = {"held": job, "under": fence}
        self._run = new_id("run")

    async def spend(self, line: CostLine) -> None:
        """Keeps a cost line, whatever becomes of the answer."""
        row = {
            "call": line.call,
            "job_id": self._job,
            "step": line.step,
            "role": line.role,
            "model": line.model,
            "tokens_in": line.tokens_in,
            "tokens_out": line.tokens_out,
            "cost_micros": _micros(line.cost),
            "seconds": line.seconds,
            "created_at": now(),
            "fault": line.fault,
            "attempt": line.attempt,
            "prompt": line.prompt,
        }
        await self._writes.one(insert(Cost), row)

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt for the job's trace."""
        if not await self._inserted(Attempt, self._attempt(line)):
            raise lost(self._job)

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts; what is known of it from an earlier run of the job."""
        row = {"key": key, "job_id": self._job, "step": step, "begun_at": now()}
        if await self._inserted(Effect, row):
            return Begun()
        seen = await self._writes.one(_SEE, {"effect": key, **self._fence})
        if seen is None:
            raise lost(self._job)
        return Begun(seen.made, again=True)

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done and what it made, and keeps the attempt that made it."""
        row = {"effect": key, "what": dict(made), "at": now(), **self._fence}
        attempt = line and self._attempt(line)

        def end(session: Session) -> None:
            connection = session.connection()
            kept = attempt is None or connection.execute(*self._insertion(Attempt, attempt)).first()
            if not kept or (connection.execute(_END, row).rowcount == 0 and not self._held(connection)):
                raise lost(self._job)

        await self._writes.at_once(end)

    async def _inserted(self, table: type[Table], row: Mapping[str, Any]) -> bool:
        """False where the job is not held, or the row is there already."""
        return await self._writes.one(*self._insertion(table, row)) is not None

    def _insertion(self, table: type[Table], row: Mapping[str, Any]) -> tuple[Executable, dict[str, Any]]:
        return _insert(table, self._writes.dialect, *row), {**row, **self._fence}

    def _held(self, connection: Connection) -> bool:
        return connection.execute(_HOLD, self._fence).first() is not None

    def _attempt(self, line: AttemptLine) -> dict[str, Any]:
        return {
            "job_id": self._job,
            "attempt": line.attempt,
            "run": self._run,
            "step": line.step,
            "item": line.item,
            "number": line.number,
            "source": line.source,
            "model": line.model,
            "prompt": line.prompt,
            "fault": line.fault,
            "problems": [problem.model_dump(mode="json") for problem in line.problems],
            "trust_before": line.trust_before,
            "trust_after": line.trust_after,
            "accepted": line.accepted,
            "made": line.made,
            "output": _light(line.output),
            "tokens_in": line.tokens_in,
            "tokens_out": line.tokens_out,
            "seconds": line.seconds,
            "cost_micros": _micros(line.cost),
            "created_at": now(),
            "weighed": None if line.weighed is None else dict(line.weighed),
        }


def lost(job: str) -> LeaseLost:
    """What a run is told that holds its job no more."""
    return LeaseLost(f"job {job} was taken over by another run")


@asynccontextmanager
async def unbroken(transaction: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    """The transaction. Raises StoreError where the database breaks it off, not where it refuses what is written."""
    try:
        async with transaction as begun:
            yield begun
    except NoConnection as error:
        raise StoreError("the job database is busy: none of its connections is free") from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError, InternalError)):
            raise StoreError(f"the job database broke off: {' '.join(str(error.orig).split())}") from error
        raise


def _light(output: Any) -> Any:
    """The output, or its hash and length where it is too long for a trace."""
    text = json.dumps(output, ensure_ascii=False)
    if len(text) <= LONGEST_OUTPUT:
        return output
    return {"sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), "characters": len(text)}


def _micros(cost: Decimal) -> int:
    return int((cost * MICROS).to_integral_value())
