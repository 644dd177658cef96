"""The outbox: what others are told of, one row an event."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from agentflow.jobs.tables import Table


class Outbox(Table):
    """What others are told of: one row an event, written with the fact it tells."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "source_id", name="one_event_a_fact"),
        UniqueConstraint("job_id", "number", name="events_of_a_job_in_order"),
        ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="tells_of_own_job"),
        Index(
            "outbox_unsent",
            "created_at",
            sqlite_where=text("sent_at IS NULL"),
            postgresql_where=text("sent_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"))
    topic: Mapped[str]
    source_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    job_id: Mapped[str | None] = mapped_column(default=None)
    """The job whose own event this is."""
    number: Mapped[int | None] = mapped_column(default=None)
    """Its place among the events of that job, from 1."""
