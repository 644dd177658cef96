"""The tables of the job store: a row a job, an effect, a model call and an attempt."""

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, cast

import sqlalchemy as sql
from sqlalchemy import (
    JSON,
    CheckConstraint,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sqlalchemy.types import TypeDecorator

from agentflow.connectors.prepared import send

Status = Literal["queued", "running", "awaiting_review", "finished", "failed", "canceled", "expired"]
OPEN: tuple[Status, ...] = ("queued", "running", "awaiting_review")
"""States of a job that is still to come to an end."""
ENDED: tuple[Status, ...] = ("finished", "canceled", "expired")
"""States that a job never leaves; a failed one may be tried again."""

LOCAL = "local"
"""The tenant of jobs that are run without an API."""


class Packed(TypeDecorator[dict[str, Any]]):
    """JSON, compressed: records say the same words again and again."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> Any:  # noqa: D102 SQLAlchemy's own hooks
        return None if value is None else zlib.compress(json.dumps(value, ensure_ascii=False).encode())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dict[str, Any] | None:  # noqa: D102 as above
        return None if value is None else json.loads(zlib.decompress(value))


def _index(name: str, *columns: str, where: str) -> Index:
    """An index over the rows of which `where` holds."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Table(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """What every table shares."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, str: String}


def table_of(kind: type[Table]) -> sql.Table:
    """Its table, for statements that are built once and go past the session."""
    return cast("sql.Table", kind.__table__)


@cache
def _insert(kind: type[Table]) -> tuple[sql.Insert, Sequence[str]]:
    return sql.insert(table_of(kind)), tuple(sql.inspect(kind).column_attrs.keys())


def write(connection: sql.Connection, row: Table) -> None:
    """Inserts a row past the session, of which it is no part; for what is done for every job."""
    statement, names = _insert(type(row))
    values: dict[str, Any] = {name: value for name in names if (value := getattr(row, name)) is not None}
    send(connection, statement, values)


class Job(Table):
    """One input of one pack on its way to an outcome."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("tenant_id", "pack", "input_name", "input_sha256", name="one_job_an_input"),
        UniqueConstraint("id", "tenant_id", name="job_of_tenant"),
        UniqueConstraint("id", "tenant_id", "price_list_id", name="job_under_terms"),
        CheckConstraint(
            "status IN ('queued','running','awaiting_review','finished','failed','canceled','expired')",
            name="known_status",
        ),
        CheckConstraint("(outcome IS NULL) = (status <> 'finished')", name="an_outcome_when_finished"),
        CheckConstraint("price_minor >= 0 AND (status = 'finished' OR price_minor = 0)", name="paid_when_finished"),
        CheckConstraint("cost_micros >= 0", name="cost_not_negative"),
        CheckConstraint("lease_until IS NULL OR status = 'awaiting_review'", name="leased_while_it_waits"),
        CheckConstraint("(lease_until IS NULL) = (lease_by IS NULL)", name="leased_to_somebody"),
        _index("job_waiting", "tenant_id", where="status = 'queued'"),
        _index("job_asking", "tenant_id", "id", where="status = 'awaiting_review'"),
        _index("job_due", "deadline_at", where="status IN ('queued','running','awaiting_review')"),
        Index("job_by_content", "tenant_id", "input_sha256"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    pack: Mapped[str]
    pack_version: Mapped[str]
    input_name: Mapped[str]
    input_sha256: Mapped[str]
    input: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), default=LOCAL)
    price_list_id: Mapped[str | None] = mapped_column(ForeignKey("price_list.id"), default=None)
    """The terms it was accepted under."""
    status: Mapped[str] = mapped_column(default="queued")
    outcome: Mapped[str | None] = mapped_column(default=None)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """The outcome record."""
    output: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    """What the customer gets; a proposal while the job waits for a person."""
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    problems: Mapped[list[Any]] = mapped_column(default_factory=list[Any])
    questions: Mapped[dict[str, Any]] = mapped_column(default_factory=dict[str, Any])
    """What a person is asked, by question id."""
    sources: Mapped[list[Any]] = mapped_column(default_factory=list[Any])
    price_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(default="USD")
    cost_micros: Mapped[int] = mapped_column(default=0)
    """Millionths of a USD that models have cost."""
    seconds: Mapped[float] = mapped_column(Double, default=0.0)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    fence: Mapped[int] = mapped_column(default=0)
    """Raised by whoever takes the job over; what an earlier run of it still writes is refused."""
    version: Mapped[int] = mapped_column(default=0)
    """How many events it has had; the number of the last one."""
    answers: Mapped[dict[str, Any]] = mapped_column(default_factory=dict[str, Any])
    """What people have answered and no step has read yet, by question id."""
    labels: Mapped[dict[str, Any]] = mapped_column(default_factory=dict[str, Any])
    """What the tenant wrote on it, for itself."""
    erased_at: Mapped[datetime | None] = mapped_column(default=None)
    """When all that it read and made was deleted; it is never carried on again."""
    deadline_at: Mapped[datetime | None] = mapped_column(default=None)
    """When it expires, free of charge, if it has not ended."""
    lease_by: Mapped[str | None] = mapped_column(default=None)
    """Who is looking at what it asks, until `lease_until`."""
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    lease_number: Mapped[int] = mapped_column(default=0)
    """Raised by every claim: whoever held an earlier one may not decide any more."""


class Kept(Table):
    """What the steps of a finished job made and read, by record: what its verification is replayed from."""

    __tablename__ = "kept"

    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), primary_key=True)
    records: Mapped[dict[str, Any]] = mapped_column(Packed)
    """Without its input and its outcome, which stand in the job."""


class Erasure(Table):
    """A document that an erased job or file has left: to be deleted, unless something kept refers to it."""

    __tablename__ = "erasure"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class Worker(Table):
    """A process that carries jobs, by its last sign of life."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]


class Effect(Table):
    """One change of the world: there before it is made, and again when it is done."""

    __tablename__ = "effect"

    key: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), index=True)
    step: Mapped[str]
    begun_at: Mapped[datetime]
    made: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    done_at: Mapped[datetime | None] = mapped_column(default=None)


class Cost(Table):
    """One call of a model, failed ones too."""

    __tablename__ = "cost_line"

    call: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), index=True)
    step: Mapped[str]
    role: Mapped[str]
    model: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    cost_micros: Mapped[int]
    seconds: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime]
    fault: Mapped[str | None] = mapped_column(default=None)
    attempt: Mapped[str | None] = mapped_column(default=None)
    """The attempt it was made for: that one's row comes later, or never where the process ends before."""
    prompt: Mapped[str | None] = mapped_column(default=None)
    """The SHA-256 of what was sent."""


class Attempt(Table):
    """One attempt at a step, for the job's trace; rows are added and never changed."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id"), index=True)
    attempt: Mapped[str]
    run: Mapped[str]
    """Which of the times that the job was carried on: they sort in their order."""
    step: Mapped[str]
    item: Mapped[int | None]
    number: Mapped[int]
    source: Mapped[str]
    model: Mapped[str | None]
    prompt: Mapped[str | None]
    fault: Mapped[str | None]
    problems: Mapped[list[Any]]
    trust_before: Mapped[float | None] = mapped_column(Double)
    trust_after: Mapped[float | None] = mapped_column(Double)
    accepted: Mapped[bool]
    made: Mapped[str | None]
    output: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    seconds: Mapped[float] = mapped_column(Double)
    cost_micros: Mapped[int]
    created_at: Mapped[datetime]
    weighed: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    """As in `AttemptLine`."""
