"""Statements' tables: what was billed stands, and a transfer is billed once."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from agentflow.jobs.tables import Table


class Statement(Table):
    """A tenant's bill for a period in one currency; it never changes, what comes later stands on the next."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("tenant_id", "currency", "number", name="statements_in_order"),
        UniqueConstraint("id", "tenant_id", "currency", name="statement_as_lined"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"))
    currency: Mapped[str]
    number: Mapped[int]
    until: Mapped[datetime]
    """All transfers before this that no earlier statement has."""
    total_minor: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]


class StatementLine(Table):
    """One transfer on a statement; a transfer is on one at most."""

    __tablename__ = "statement_line"
    __table_args__ = tuple(
        ForeignKeyConstraint(
            [f"{of}_id", "tenant_id", "currency"],
            [f"{of}.id", f"{of}.tenant_id", f"{of}.currency"],
            name=f"of_own_{of}",
        )
        for of in ("transfer", "statement")
    )

    transfer_id: Mapped[str] = mapped_column(primary_key=True)
    statement_id: Mapped[str] = mapped_column(index=True)
    tenant_id: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    """What it adds to the bill: below zero for a credit."""
