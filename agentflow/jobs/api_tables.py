"""The tables of the API: keys, requests that are done once, files, and who is told of events."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from agentflow.jobs.ledger.tables import one_of
from agentflow.jobs.tables import Table

STATES = ("pending", "delivered", "failed")


class ApiKey(Table):
    """What lets a program in: its secret is kept as a keyed digest alone."""

    __tablename__ = "api_key"
    __table_args__ = (one_of("mode", ("live", "test"), "known_mode"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), index=True)
    name: Mapped[str]
    mode: Mapped[str]
    digest: Mapped[str]
    """HMAC-SHA-256 of the whole key under the server's pepper, hex."""
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class Once(Table):
    """A request that is carried out once: written in the transaction of the work it asks for."""

    __tablename__ = "idempotency_key"

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[str]
    created_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(default=None)
    body: Mapped[dict[str, Any] | None] = mapped_column(default=None)


class File(Table):
    """A file that a tenant has sent; its bytes lie in the blob store under their sha256."""

    __tablename__ = "file"
    __table_args__ = (UniqueConstraint("id", "tenant_id", name="file_of_tenant"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), index=True)
    name: Mapped[str]
    """What the tenant calls it; for people, never a path."""
    media_type: Mapped[str]
    """By its bytes, whatever the tenant says."""
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class Endpoint(Table):
    """A URL that a tenant wants its events at."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (UniqueConstraint("id", "tenant_id", name="endpoint_of_tenant"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), index=True)
    url: Mapped[str]
    topics: Mapped[list[Any]]
    """Which events; all where empty."""
    secret: Mapped[str]
    created_at: Mapped[datetime]
    old_secret: Mapped[str | None] = mapped_column(default=None)
    """The one before; messages are signed with both until `old_until`."""
    old_until: Mapped[datetime | None] = mapped_column(default=None)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    disabled_for: Mapped[str | None] = mapped_column(default=None)


class Delivery(Table):
    """An event on its way to one receiver: a tenant's endpoint, or a billing sink of the operator's."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("event_id", "target", name="one_delivery_a_receiver"),
        ForeignKeyConstraint(
            ["endpoint_id", "tenant_id"],
            ["webhook_endpoint.id", "webhook_endpoint.tenant_id"],
            name="to_own_endpoint",
            ondelete="CASCADE",
        ),
        one_of("state", STATES, "known_delivery_state"),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="due_while_pending"),
        Index(
            "delivery_due", "due_at", sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"))
    event_id: Mapped[str] = mapped_column(ForeignKey("outbox.id"))
    target: Mapped[str]
    """The endpoint's id, or `sink:NAME`."""
    created_at: Mapped[datetime]
    endpoint_id: Mapped[str | None] = mapped_column(default=None, index=True)
    state: Mapped[str] = mapped_column(default="pending")
    due_at: Mapped[datetime | None] = mapped_column(default=None)
    tries: Mapped[list[Any]] = mapped_column(default_factory=list[Any])
    """`{"at", "status", "error", "seconds"}` of every try, oldest first."""
