"""What the API says of money: disputes, prices, usage, balances, transfers and statements."""

from typing import Any, Literal

from pydantic import Field

from agentflow.jobs.tables import Status
from agentflow.web.api.shapes import Given, Money, Time, Told


class DisputeGiven(Given):
    """What is wrong with an outcome that was charged."""

    reason: str = Field(min_length=1, max_length=2000)
    fields: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=200)
    """What a field should have been, by its path."""


class DisputeBody(Told):
    """A dispute."""

    id: str
    object: Literal["dispute"] = "dispute"
    job: str
    charge: str
    reason: str
    fields: dict[str, Any]
    state: Literal["opened", "accepted", "rejected", "withdrawn"]
    decision: str | None
    created_at: Time
    decided_at: Time | None


class PromiseBody(Told):
    """How soon an outcome comes, what a job waits for people not counted, and what is given back where it is later."""

    within_seconds: int
    late_credit: Money


class PriceBody(Told):
    """What a pack's outcomes cost under today's terms."""

    pack: str
    pack_version: str
    price_list: str
    dispute_days: int
    outcomes: dict[str, Money]
    promises: dict[str, PromiseBody]
    """By outcome, where a time is promised."""


class UsageLine(Told):
    """Jobs of one pack that ended alike."""

    pack: str
    status: Status
    outcome: str | None
    jobs: int
    charged: Money
    """Before credits."""
    free_for: str | None
    """Why nothing is charged, where nothing is."""


class BalanceBody(Told):
    """Where a tenant stands in one currency."""

    currency: str
    cap: Money | None
    reserved: Money
    charged: Money
    """Less credits."""
    available: Money | None
    """What may still be spent, where there is a cap."""
    not_stated: Money
    """What is on no statement yet."""


class TransferBody(Told):
    """A movement of money between two accounts."""

    id: str
    debit_account: str
    credit_account: str
    amount: Money
    kind: Literal["charge", "credit"]
    source: str
    created_at: Time


class StatementHead(Told):
    """A bill; the current one is on its way and has no id."""

    id: str | None
    object: Literal["statement"] = "statement"
    number: int | None
    state: Literal["draft", "final"]
    total: Money
    until: Time


class StatementLineBody(Told):
    """A charge, or a credit below zero, and what it rests on."""

    date: Time
    kind: str
    job: str
    reference: str
    pack: str
    outcome: str
    amount: Money
    price_list: str
    verification: str


class StatementBody(StatementHead):
    """A bill with its lines."""

    lines: list[StatementLineBody]
