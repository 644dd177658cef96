"""The ledger's tables: money can only be written where the schema lets it."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from agentflow.jobs.tables import Table

KINDS = ("charge", "credit")
REASONS = ("dispute", "sla", "goodwill", "operator_error")
APPEND_ONLY = ("verification", "charge", "credit", "transfer", "price_list", "price", "statement", "statement_line")
"""Tables whose rows are never changed or deleted; triggers hold it, see `guards`."""


def one_of(column: str, values: tuple[str, ...], name: str) -> CheckConstraint:
    """The column holds one of the values."""
    listed = ",".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class Tenant(Table):
    """A customer: whose jobs and money these are."""

    __tablename__ = "tenant"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class PriceList(Table):
    """The terms that a pack's jobs are accepted under; new terms are a new row."""

    __tablename__ = "price_list"
    __table_args__ = (
        UniqueConstraint("pack", "digest", name="one_list_a_wording"),
        CheckConstraint("dispute_days >= 0", name="dispute_days_not_negative"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    pack: Mapped[str]
    digest: Mapped[str]
    """sha256 of the terms."""
    currency: Mapped[str]
    dispute_days: Mapped[int]
    created_at: Mapped[datetime]


class ListedPrice(Table):
    """What one outcome costs under a list."""

    __tablename__ = "price"
    __table_args__ = (
        UniqueConstraint("price_list_id", "outcome", "amount_minor", "currency", name="price_as_charged"),
        CheckConstraint("amount_minor >= 0", name="price_not_negative"),
        CheckConstraint("(within_seconds IS NULL) = (late_minor IS NULL)", name="promise_is_whole"),
        CheckConstraint("within_seconds > 0 AND late_minor BETWEEN 1 AND amount_minor", name="late_within_the_price"),
    )

    price_list_id: Mapped[str] = mapped_column(ForeignKey("price_list.id"), primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    within_seconds: Mapped[int | None] = mapped_column(default=None)
    """How soon it is promised."""
    late_minor: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """What is given back where it comes later."""


class SpendAccount(Table):
    """How much a tenant may spend, has set aside and was charged, in one currency."""

    __tablename__ = "spend_account"
    __table_args__ = (
        CheckConstraint("reserved_minor >= 0 AND charged_minor >= 0", name="account_not_negative"),
        CheckConstraint("cap_minor IS NULL OR reserved_minor + charged_minor <= cap_minor", name="within_the_cap"),
    )

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    cap_minor: Mapped[int | None] = mapped_column(BigInteger, default=None)
    reserved_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    charged_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    """How often what is set aside and charged has come up to the share of the cap that its tenant is told of."""


class Reservation(Table):
    """What was set aside for a job when it was accepted; ended when it is charged or free."""

    __tablename__ = "reservation"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "currency"], ["spend_account.tenant_id", "spend_account.currency"], name="reserved_on_account"
        ),
        ForeignKeyConstraint(
            ["job_id", "tenant_id", "price_list_id"],
            ["job.id", "job.tenant_id", "job.price_list_id"],
            name="reserved_under_the_jobs_terms",
        ),
        CheckConstraint("amount_minor >= 0", name="reserved_not_negative"),
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", name="ended_somehow"),
        one_of("ended_as", ("charged", "released"), "charged_or_released"),
    )

    job_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    price_list_id: Mapped[str]
    """The job's terms: while this row points at them the job keeps them."""
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_as: Mapped[str | None] = mapped_column(default=None)


class Verification(Table):
    """What was checked of a job's outcome, and whether it holds; written before any charge."""

    __tablename__ = "verification"
    __table_args__ = (
        UniqueConstraint("id", "job_id", "tenant_id", "outcome", "verdict", name="verification_as_charged"),
        ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="verifies_own_job"),
        one_of("verdict", ("pass", "fail"), "known_verdict"),
        one_of("fault", ("none", "customer", "operator"), "known_fault"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(index=True)
    tenant_id: Mapped[str]
    outcome: Mapped[str]
    verdict: Mapped[str]
    fault: Mapped[str]
    checks: Mapped[list[Any]]
    """By step and item what left it: `{"step", "item", "attempt", "source", "trust", "checks"}`, of each check
    `{"check", "passed", "found"}`, the codes of what it noted. A person's answer went through none."""
    sources: Mapped[list[Any]]
    pack_version: Mapped[str]
    input_sha256: Mapped[str]
    output_sha256: Mapped[str]
    created_at: Mapped[datetime]
    models: Mapped[dict[str, Any]] = mapped_column(default_factory=dict[str, Any])
    """By role: the models that answered."""
    definition: Mapped[str] = mapped_column(default="")
    """sha256 of what had to be true: the pack's table, policies, checks and figures."""
    records_sha256: Mapped[str | None] = mapped_column(default=None)
    """sha256 of all records on the way from the input to the outcome."""


class Charge(Table):
    """What a job's verified outcome costs its tenant: at most one a job, at the price it was accepted under."""

    __tablename__ = "charge"
    __table_args__ = (
        UniqueConstraint("job_id", name="one_charge_a_job"),
        UniqueConstraint("id", "tenant_id", "currency", name="charge_as_credited"),
        UniqueConstraint("id", "amount_minor", name="charge_as_balanced"),
        CheckConstraint("verdict = 'pass'", name="only_what_passed"),
        ForeignKeyConstraint(
            ["job_id", "tenant_id", "price_list_id"],
            ["job.id", "job.tenant_id", "job.price_list_id"],
            name="under_the_jobs_own_terms",
        ),
        ForeignKeyConstraint(
            ["price_list_id", "outcome", "amount_minor", "currency"],
            ["price.price_list_id", "price.outcome", "price.amount_minor", "price.currency"],
            name="at_the_listed_price",
        ),
        ForeignKeyConstraint(
            ["verification_id", "job_id", "tenant_id", "outcome", "verdict"],
            [f"verification.{name}" for name in ("id", "job_id", "tenant_id", "outcome", "verdict")],
            name="for_a_verified_outcome",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str]
    tenant_id: Mapped[str]
    price_list_id: Mapped[str]
    outcome: Mapped[str]
    verification_id: Mapped[str]
    verdict: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    created_at: Mapped[datetime]


class ChargeBalance(Table):
    """How much of a charge was given back: never more than it was."""

    __tablename__ = "charge_balance"
    __table_args__ = (
        ForeignKeyConstraint(["charge_id", "amount_minor"], ["charge.id", "charge.amount_minor"], name="of_the_charge"),
        CheckConstraint("credited_minor BETWEEN 0 AND amount_minor", name="credits_within_the_charge"),
    )

    charge_id: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    credited_minor: Mapped[int] = mapped_column(BigInteger, default=0)


class Dispute(Table):
    """A tenant says that a charged outcome is wrong."""

    __tablename__ = "dispute"
    __table_args__ = (
        ForeignKeyConstraint(["job_id", "tenant_id"], ["job.id", "job.tenant_id"], name="disputes_own_job"),
        one_of("state", ("opened", "accepted", "rejected", "withdrawn"), "known_dispute_state"),
        CheckConstraint("(state = 'opened') = (decided_at IS NULL)", name="decided_when_closed"),
        Index(
            "one_open_dispute_a_charge",
            "charge_id",
            unique=True,
            sqlite_where=text("state = 'opened'"),
            postgresql_where=text("state = 'opened'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    charge_id: Mapped[str] = mapped_column(ForeignKey("charge.id"))
    job_id: Mapped[str]
    tenant_id: Mapped[str]
    reason: Mapped[str]
    fields: Mapped[dict[str, Any]]
    """What the customer expects, by field path."""
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="opened")
    decision: Mapped[str | None] = mapped_column(default=None)
    decided_by: Mapped[str | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)


class Credit(Table):
    """Money given back on a charge."""

    __tablename__ = "credit"
    __table_args__ = (
        UniqueConstraint("tenant_id", "request", name="one_credit_a_request"),
        ForeignKeyConstraint(
            ["charge_id", "tenant_id", "currency"],
            ["charge.id", "charge.tenant_id", "charge.currency"],
            name="credits_own_charge",
        ),
        CheckConstraint("amount_minor > 0", name="credit_above_zero"),
        one_of("reason", REASONS, "known_reason"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    charge_id: Mapped[str]
    tenant_id: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reason: Mapped[str]
    request: Mapped[str]
    """What asks for it: the same request is credited once."""
    created_at: Mapped[datetime]


class Transfer(Table):
    """One movement of money between two accounts of a tenant: the debit and the credit are one row."""

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("kind", "source_id", name="one_transfer_a_source"),
        UniqueConstraint("id", "tenant_id", "currency", name="transfer_as_stated"),
        CheckConstraint("amount_minor > 0", name="transfer_above_zero"),
        CheckConstraint("debit_account <> credit_account", name="between_two_accounts"),
        one_of("kind", KINDS, "known_transfer"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), index=True)
    debit_account: Mapped[str]
    credit_account: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    kind: Mapped[str]
    source_id: Mapped[str]
    created_at: Mapped[datetime]
