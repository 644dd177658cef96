"""The task of agentflow and its peers: the head of an order confirmation, its checks, and models that misread it."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from agentflow.flow.check import Problem, ties
from agentflow.flow.record import Record
from agentflow.testing import AnswerFaults, Faulty, FaultyModel, Price, WireFaults

Split = tuple[float, float, float]
"""Errors by kind: seen by a check, unseen but independent, systematic and unseen."""

SMALL, LARGE = "small", "large"
PRICES = {
    SMALL: Price(input=Decimal("0.40"), output=Decimal("1.60")),
    LARGE: Price(input=Decimal("2.00"), output=Decimal("8.00")),
}
"""USD a million tokens."""
BETTER = 0.5
"""The large model's errors as a share of the small one's."""
WIRE = WireFaults(rate_limited=0.02, server_error=0.02, cut_json=0.01)
FAULTS = AnswerFaults(refusal=0.01, prose=0.01)
INSTRUCTIONS = "Read the head of this order confirmation. Copy the values as printed; dates as YYYY-MM-DD."


class Page(Record):
    """The text of a document."""

    text: str


class Parties(Record):
    """Who ordered what from whom."""

    order_number: str
    customer_number: str
    supplier_name: str
    buyer_name: str


class Totals(Record):
    """What it costs."""

    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal
    deposit_number: str
    payment_number: str


class Dates(Record):
    """When it comes."""

    order_date: date
    delivery_date: date


class Order(Record):
    """The head of an order confirmation."""

    order_number: str
    customer_number: str
    supplier_name: str
    buyer_name: str
    order_date: date
    delivery_date: date
    net_total: Decimal
    tax_total: Decimal
    gross_total: Decimal


ONE_STEP: tuple[type[Record], ...] = (Order,)
THREE_STEPS: tuple[type[Record], ...] = (Parties, Totals, Dates)


@ties("net_total", "tax_total", "gross_total")
def adds_up(made: Order | Totals) -> Iterator[Problem]:
    """Net and tax are the gross total."""
    if made.net_total + made.tax_total != made.gross_total:
        text = f"net {made.net_total} and tax {made.tax_total} do not add up to gross {made.gross_total}"
        yield Problem(code="total_mismatch", path="gross_total", message=text)


def comes_later(made: Order | Dates) -> Iterator[Problem]:
    """Nothing is delivered before it is ordered."""
    if made.delivery_date < made.order_date:
        text = f"delivery on {made.delivery_date} lies before the order of {made.order_date}"
        yield Problem(code="delivery_too_early", path="delivery_date", message=text)


CHECKS: Mapping[type[Record], Sequence[Callable[..., Iterator[Problem]]]] = {
    Order: (adds_up, comes_later),
    Totals: (adds_up,),
    Dates: (comes_later,),
    Parties: (),
}
"""What every framework holds an answer against."""


def problems_of(made: Record) -> list[Problem]:
    """What the checks say of a record."""
    return [problem for check in CHECKS[_form(type(made))] for problem in check(made)]


def _form(kind: type[Any]) -> type[Record]:
    return next(form for form in CHECKS if issubclass(kind, form))


@dataclass(frozen=True)
class Case:
    """One document and what is right of it."""

    name: str
    text: str
    order: Order
    totals: Totals

    def right(self, form: type[Record]) -> Record:
        """The right answer for a form."""
        given = {**self.order.model_dump(), **self.totals.model_dump()}
        return form.model_validate({name: given[name] for name in form.model_fields})


FIRST = ("Aldine", "Brook", "Carrow", "Dene", "Elmet", "Farrow", "Gantry", "Harrow", "Ister", "Jarrow")
SECOND = ("Bearings", "Castings", "Drives", "Fittings", "Glass", "Linen", "Motors", "Paper", "Seals", "Tools")
KINDS = ("Ltd", "GmbH", "Inc", "SARL")


def make_case(number: int, seed: int) -> Case:
    """The document of a number: the same for the same seed."""
    rng = random.Random(f"{seed}-{number}")
    supplier, buyer = (f"{rng.choice(FIRST)} {word} {rng.choice(KINDS)}" for word in rng.sample(SECOND, 2))
    numbers = [str(n) for n in rng.sample(range(100_000, 1_000_000), 4)]
    net = Decimal(rng.randrange(20_000, 900_000)) / 100
    tax = (net * rng.choice([Decimal("0.07"), Decimal("0.19"), Decimal("0.20")])).quantize(Decimal("0.01"))
    ordered = date(2026, 1, 5) + timedelta(days=rng.randrange(300))
    order = Order(
        order_number=numbers[0],
        customer_number=numbers[1],
        supplier_name=supplier,
        buyer_name=buyer,
        order_date=ordered,
        delivery_date=ordered + timedelta(days=rng.randrange(3, 60)),
        net_total=net,
        tax_total=tax,
        gross_total=net + tax,
    )
    totals = Totals(
        net_total=net, tax_total=tax, gross_total=net + tax, deposit_number=numbers[2], payment_number=numbers[3]
    )
    return Case(f"{seed}-{number}", _page(f"{seed}-{number}", order, totals), order, totals)


def _page(name: str, order: Order, totals: Totals) -> str:
    return "\n".join(
        [
            f"[case:{name}]",
            f"{order.supplier_name} - ORDER CONFIRMATION {order.order_number}",
            f"To: {order.buyer_name}, customer no. {order.customer_number}",
            f"Your order of {order.order_date}; delivery on {order.delivery_date}",
            f"Net {order.net_total:,.2f}  Tax {order.tax_total:,.2f}  Total {order.gross_total:,.2f}",
            f"Deposit no. {totals.deposit_number}, payment no. {totals.payment_number}",
        ]
    )


def shown(split: Split, form: type[Record] = Order) -> Split:
    """The split to draw from so that the checks see the errors split as wanted.

    A mistake falls on any field alike, and what falls on one of the tied totals is seen by the identity: so more
    unseen mistakes are drawn than wanted. Raises ValueError where too few seen ones are wanted for that.
    """
    tied = sum(name.endswith("_total") for name in form.model_fields) / len(form.model_fields)
    unseen = [share / (1 - tied) for share in split[1:]]
    if sum(unseen) > 1:
        raise ValueError(f"the split {split} needs a share of at least {tied:.2f} that a check sees")
    return 1 - sum(unseen), unseen[0], unseen[1]


@dataclass(frozen=True)
class World:
    """The errors of both models."""

    error: float
    """Share of the small model's answers with a wrong value."""
    split: Split
    """As the checks see them."""
    overlap: float = 0.0
    """Share of the small model's systematic mistakes that the large one makes too."""
    faults: bool = True
    """Whether the wire and the form of answers fail too."""

    def error_of(self, model: str) -> float:
        """Share of the model's answers with a wrong value."""
        return self.error * (BETTER if model == LARGE else 1.0)

    @property
    def title(self) -> str:
        """`10 %, 60/30/10, overlap 30 %`."""
        kinds = "/".join(f"{100 * share:g}" for share in self.split)
        return f"{100 * self.error:g} %, {kinds}, overlap {100 * self.overlap:g} %"

    def faulty(self, seed: int) -> Faulty:
        """The models as the kit takes them."""
        models = {
            name: FaultyModel(
                price=PRICES[name],
                wire=WIRE if self.faults else WireFaults(),
                faults=FAULTS if self.faults else AnswerFaults(),
                error=self.error_of(name),
                split=shown(self.split),
                wrong_values=len(Order.model_fields),
                follows=self.overlap if name == LARGE else 0.0,
                rate_may_rise=True,
            )
            for name in (SMALL, LARGE)
        }
        return Faulty(seed=seed, models=models)
