"""Lines of a page: they add up, each follows from its quantity and price, or the page prints why not."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from agentflow import Problem
from domains.invoices.checks.grounding import numbers
from domains.invoices.checks.identities import CENT, line_totals, lines_add_up
from domains.invoices.records import Invoice, Layout, Line

_PERCENT = re.compile(r"(\d{1,3}(?:[.,]\d{1,4})?)\s?%")


@dataclass(frozen=True)
class Printed:
    """What a page prints that can explain a sum."""

    amounts: frozenset[Decimal]
    rates: frozenset[Decimal]
    """Per cent."""


def lines_explained(layout: Layout) -> Callable[[Invoice], list[Problem]]:
    """A check: `lines_differ` unless the lines add up to the net or gross total, or to a subtotal that is printed.

    Of a single line the sum is its own total, which is printed wherever it was taken from: it has to differ from the
    net total by an amount that is printed, such as freight.
    """
    page = printed(layout)

    def check(invoice: Invoice) -> list[Problem]:
        found = lines_add_up(invoice)
        lines = [line.line_total for line in invoice.lines if line.line_total is not None]
        proof = sum(lines) - (invoice.net_total or 0) if len(lines) == 1 else sum(lines)
        return [] if abs(proof) in page.amounts else [_error(problem) for problem in found]

    return check


def line_prices_explained(layout: Layout) -> Callable[[Invoice], list[Problem]]:
    """A check: `line_mismatch` unless quantity x unit price is the line's total, or a discount or tax explains it.

    An explanation is a rate that the page prints, or the difference itself.
    """
    page = printed(layout)

    def check(invoice: Invoice) -> list[Problem]:
        found = [(problem, invoice.lines[int(problem.path.split(".")[1])]) for problem in line_totals(invoice)]
        return [_error(problem) for problem, line in found if not _explained(line, page)]

    return check


def printed(layout: Layout) -> Printed:
    """The amounts and the rates that the pages print."""
    texts = [" ".join(word.text for word in page.words) for page in layout.pages]
    amounts = frozenset(abs(amount) for text in texts for amount in numbers(text))
    rates = (rate for text in texts for found in _PERCENT.findall(text) if (rate := _decimal(found)) is not None)
    return Printed(amounts, frozenset(rates))


def _explained(line: Line, page: Printed) -> bool:
    if line.quantity is None or line.unit_price is None or line.line_total is None:
        return True
    expected, total = line.quantity * line.unit_price, line.line_total
    if abs(expected - total).quantize(CENT) in page.amounts:
        return True
    factors = [1 + sign * rate / 100 for rate in page.rates for sign in (1, -1)]
    by_rate = [expected * factor for factor in factors] + [expected / factor for factor in factors if factor]
    return any(abs(amount - total) <= CENT for amount in by_rate)


def _error(problem: Problem) -> Problem:
    return problem.model_copy(update={"severity": "error"})


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
