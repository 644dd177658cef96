"""The journal of a running job: its effects, attempts and costs."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Connection,
    Integer,
    bindparam,
    cast,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import Session

from agentflow.connectors.prepared import first
from agentflow.engine.fencing import Line, lost
from agentflow.errors import StoreError
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
    .where(Effect.key == bindparam("effect"), Effect.done_at.is_(None))
    .values(made=bindparam("what"), done_at=bindparam("at"))
)
_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@cache
def _once(table: type[Table], dialect: str) -> Any:
    """Inserts a row, if it is not there yet."""
    return _INSERTS[dialect](table).on_conflict_do_nothing().inline()


@cache
def _begin(dialect: str, *names: str) -> Any:
    """One statement that inserts an effect, given by column name, if the job is held and it is not there yet."""
    given: list[Any] = [bindparam(name, type_=Effect.__table__.c[name].type) for name in names]
    if dialect == "postgresql":  # where a NULL has no type by itself
        given = [cast(each, each.type) for each in given]
    held = select(*given).select_from(Job).where(*_HOLDING).with_for_update(read=True)
    return _INSERTS[dialect](Effect).from_select(names, held).on_conflict_do_nothing().returning(literal(1))


class Writes(Protocol):
    """What a journal writes with."""

    @property
    def dialect(self) -> str:
        """SQLAlchemy's name of the kind of database."""
        ...

    async def at_once(self, act: Callable[[Session], T]) -> T:
        """What `act` gives, done in one transaction."""
        ...

    async def single(self, act: Callable[[Connection], T]) -> T:
        """What `act` gives on a connection where each of its statements is a transaction."""
        ...


class JobJournal:
    """Keeps what a running job does.

    Of itself each line is written at once. With `later` lines stay in hand, to be written along with the run's next
    checkpoint, and before its next call: a process that is killed loses of each job no more than the line of the call
    it made last, as it does that of one under way. Whoever opens such a journal calls `flush` in the end.

    Raises LeaseLost where the job is not held under `fence` any more; costs are kept all the same, the money is spent.
    """

    def __init__(self, writes: Writes, job: str, fence: int | None = None, *, later: bool = False) -> None:
        self._writes = writes
        self._job = job
        self._fence = {"held": job, "under": fence}
        self._later = later
        self._in_hand: list[Line] = []
        self._taking = asyncio.Lock()
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
        if any(line.paid for line in self._in_hand):
            await self.flush()
        await self._keep(Line(_once(Cost, self._writes.dialect), row, paid=True))

    async def attempt(self, line: AttemptLine) -> None:
        """Keeps an attempt for the job's trace."""
        await self._keep(self._line(line))

    async def begin_effect(self, key: str, step: str) -> Begun:
        """Notes that an effect starts; what is known of it from an earlier run of the job."""
        row = {"key": key, "job_id": self._job, "step": step, "begun_at": now()}
        begin, known = _begin(self._writes.dialect, *row), {"effect": key, **self._fence}

        def begun(connection: Connection) -> Begun | None:
            if first(connection, begin, {**row, **self._fence}) is not None:
                return Begun()
            seen = connection.execute(_SEE, known).first()
            return None if seen is None else Begun(seen.made, again=True)

        found = await self._writes.single(begun)
        if found is None:
            raise lost(self._job)
        return found

    async def end_effect(self, key: str, made: Mapping[str, Any], line: AttemptLine | None = None) -> None:
        """Notes that an effect is done and what it made, and keeps the attempt that made it."""
        ended = Line(_END, {"effect": key, "what": dict(made), "at": now()})
        await self._keep(*([] if line is None else [self._line(line)]), ended)

    @asynccontextmanager
    async def taken(self) -> AsyncGenerator[Sequence[Line]]:
        """What is in hand, for a block that writes it; it stays in hand where that does not come to its end."""
        async with self._taking:
            lines = tuple(self._in_hand)
            yield lines
            del self._in_hand[: len(lines)]

    async def flush(self) -> None:
        """Writes what is in hand; of a job that is not held any more only what was paid."""
        async with self.taken() as lines:
            held = not lines or await self._writes.at_once(lambda session: self._write(session.connection(), lines))
        if not held and not all(line.paid for line in lines):
            raise lost(self._job)

    async def _keep(self, *lines: Line) -> None:
        self._in_hand += lines
        if not self._later:
            await self.flush()

    def _write(self, connection: Connection, lines: Sequence[Line]) -> bool:
        """Whether the job is held."""
        held = connection.execute(_HOLD, self._fence).first() is not None
        for line in lines:
            if held or line.paid:
                connection.execute(line.statement, line.values)
        return held

    def _line(self, line: AttemptLine) -> Line:
        return Line(_once(Attempt, self._writes.dialect), self._attempt(line))

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
