"""Margins: what jobs brought, what their model calls cost, and what is left, by what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs.ledger.tables import Charge, ChargeBalance
from agentflow.jobs.tables import Cost, Job

By = Literal["job", "step", "model", "tenant", "pack"]
BY: tuple[By, ...] = get_args(By)
COSTS = "USD"
"""The currency of model calls. There is no rate to any other: a margin is only told of money in this one."""
USD_CENT = 10_000
"""Micros."""


@dataclass(frozen=True)
class Margin:
    """What some jobs brought and cost."""

    by: str
    """The pack, tenant, job, step or model."""
    jobs: int
    calls: int
    """Of models, those that failed too."""
    charged: Mapping[str, int] | None
    """By currency, minor units, credits taken off; None of a step or model: jobs are paid for as a whole."""
    cost_micros: int
    """USD."""
    free_micros: int
    """The part of the cost that was spent on jobs that were charged nothing."""

    @property
    def margin_micros(self) -> int | None:
        """USD; None where anything was charged in another currency, or the jobs' price is not this one's alone."""
        if self.charged is None or any(minor for currency, minor in self.charged.items() if currency != COSTS):
            return None
        return self.charged.get(COSTS, 0) * USD_CENT - self.cost_micros

    @property
    def why_none(self) -> str | None:
        """Why there is no margin."""
        if self.margin_micros is not None:
            return None
        if self.charged is None:
            return "a job is paid for as a whole"
        foreign = sorted(currency for currency, minor in self.charged.items() if minor and currency != COSTS)
        return f"charged in {', '.join(foreign)}, and no rate to {COSTS} is kept"


async def margins(
    session: AsyncSession,
    by: By,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Sequence[Margin]:
    """The margins of the jobs that were accepted `since` and before `until`, what cost most first."""
    columns = {"pack": Job.pack, "tenant": Job.tenant_id, "job": Job.id, "step": Cost.step, "model": Cost.model}
    column: ColumnElement[str] = columns[by].expression
    period = [Job.created_at >= since] if since else []
    period += [Job.created_at < until] if until else []
    spent: Sequence[Any] = (await session.execute(_spent(column, period).limit(limit))).all()
    whole = by not in ("step", "model")
    earned: Sequence[Any] = (await session.execute(_earned(column, period))).all() if whole else ()
    money: dict[str, dict[str, int]] = {}
    for name, currency, minor in earned:
        money.setdefault(name, {})[currency] = int(minor)
    return [
        Margin(name, jobs, calls, money.get(name, {}) if whole else None, int(cost or 0), int(free or 0))
        for name, jobs, calls, cost, free in spent
        if name is not None
    ]


def _spent(column: ColumnElement[str], period: Sequence[ColumnElement[bool]]) -> Any:
    unpaid = Job.id.not_in(select(Charge.job_id).where(Charge.amount_minor > 0))
    cost = func.sum(Cost.cost_micros)
    return (
        select(column, func.count(func.distinct(Job.id)), func.count(Cost.call), cost, cost.filter(unpaid))
        .outerjoin(Cost, Cost.job_id == Job.id)
        .where(*period)
        .group_by(column)
        .order_by(func.coalesce(cost, 0).desc(), column)
    )


def _earned(column: ColumnElement[str], period: Sequence[ColumnElement[bool]]) -> Any:
    return (
        select(column, Charge.currency, func.sum(Charge.amount_minor - ChargeBalance.credited_minor))
        .join(Charge, Charge.job_id == Job.id)
        .join(ChargeBalance, ChargeBalance.charge_id == Charge.id)
        .where(*period)
        .group_by(column, Charge.currency)
    )
