"""Packs: a workflow with what it is connected to and what its outcomes cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agentflow.errors import PackError
from agentflow.flow.record import Record
from agentflow.flow.step import label
from agentflow.flow.workflow import Workflow

MINOR_DIGITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}
"""ISO 4217 exponents other than 2 of currencies that prices are set in."""


SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Price:
    """What a verified outcome costs, in units of its currency: `Price("0.40")`.

    Where it is promised `within` a time and comes later, `late_percent` of the price are given back by themselves.
    """

    amount: Decimal
    currency: str
    within: timedelta | None
    """From the job's acceptance on, what it waits for people not counted; whole seconds."""
    late_percent: int

    def __init__(
        self, amount: str, currency: str = "USD", *, within: timedelta | None = None, late_percent: int = 100
    ) -> None:
        object.__setattr__(self, "amount", Decimal(amount))
        object.__setattr__(self, "currency", currency)
        object.__setattr__(self, "within", within)
        object.__setattr__(self, "late_percent", late_percent)
        self._check(amount, currency)
        if within is not None and (within % SECOND or within < SECOND or not 0 < late_percent <= 100):
            raise PackError(f"Price({amount!r}, within={within}): use whole seconds, and late_percent from 1 to 100")
        if within is not None and not self.late_minor:
            raise PackError(f"Price({amount!r}, late_percent={late_percent}): nothing would be given back; raise it")

    def _check(self, amount: str, currency: str) -> None:
        if self.minor * Decimal(10) ** -self.digits != self.amount or self.amount < 0:
            raise PackError(
                f"Price({amount!r}, {currency!r}): use a non-negative amount with {self.digits} decimals at most"
            )

    @property
    def digits(self) -> int:
        """Decimals of the currency: 2 for USD, 0 for JPY."""
        return MINOR_DIGITS.get(self.currency, 2)

    @property
    def minor(self) -> int:
        """The amount in minor units: cents for USD."""
        return int(self.amount * Decimal(10) ** self.digits)

    @property
    def within_seconds(self) -> int | None:
        """The promised time; None where none is."""
        return None if self.within is None else self.within // SECOND

    @property
    def late_minor(self) -> int | None:
        """What is given back where it comes later, in minor units, halves to the even one; None where none is."""
        return None if self.within is None else round(Decimal(self.minor) * self.late_percent / 100)


@dataclass(frozen=True, kw_only=True)
class Promises:
    """What a pack's live jobs are held to; what is None is not promised. `agentflow slo` looks."""

    silent: float | None = None
    """The largest share of jobs done without a person that may be wrong."""
    touchless: float | None = None
    """The least share of jobs that end without a person."""
    seconds: float | None = None
    """What 95 % of the jobs take at most, what they wait for people not counted."""
    cost: Decimal | None = None
    """USD that models may cost an outcome in the mean."""
    audits: float = 0.1
    """Share of the jobs done without a person that a person looks at afterwards, drawn by chance."""

    def __post_init__(self) -> None:
        for name in ("silent", "touchless", "audits"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise PackError(f"Promises({name}={value}): use a share between 0 and 1, such as 0.01")


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One narrow job, ready to run: `agentflow run` takes it as a folder whose pack.py holds one of these."""

    name: str
    workflow: Workflow[Any, Any]
    prices: Mapping[type[Record], Price]
    """By outcome; every outcome of the workflow has one."""
    connectors: Sequence[type[Any]] = ()
    """The connector classes that steps and checks ask for by type."""
    delivers: type[Record] | None = None
    """The record whose fields a customer gets as `output`; the outcome itself where None."""
    version: str = "1"
    calibration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What exams counted of how the steps' sources err: calibration.json beside pack.py, which `load_pack` reads."""
    budget: Decimal | None = None
    """USD that the model calls of one job may cost, all its runs together; then a person does what is left."""
    promises: Promises = field(default_factory=Promises)
    """What its live jobs are held to."""
    deadline: float | None = None
    """Seconds that one job may work, what it waits for people not counted; then a person does what is left."""
    max_cost: Decimal | None = None
    """USD that the model calls of one job may cost at the very most, all its runs together: no call is made that could
    cost more than is left, and the job that needs it fails, free of charge."""

    def __post_init__(self) -> None:
        outcomes = set(self.workflow.gives)
        if unpriced := outcomes - set(self.prices):
            raise PackError(f"pack {self.name!r}: no price for {_names(unpriced)}; add it to prices=")
        if unknown := set(self.prices) - outcomes:
            raise PackError(f"pack {self.name!r}: prices {_names(unknown)}, which the workflow does not give")


def _names(records: set[Any]) -> str:
    return ", ".join(sorted(label(record) for record in records))
