"""Ways to fill net, tax and gross, weighed by what the words say and by what adds up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from domains.invoices.extraction.breakdown import TaxRow
from domains.invoices.extraction.options import CENT, ZERO, Option

KEPT = 7
"""Candidates a role that the search looks at."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to fill net, tax and gross, with its score and the identities it fulfils."""

    net: Option | None
    tax: Option | None
    gross: Option | None
    score: float
    holds: frozenset[str]


def triples(options: dict[str, list[Option]]) -> Iterator[tuple[Option | None, Option | None, Option | None]]:
    """All ways to fill net, tax and gross."""
    picks: list[list[Option | None]] = [[*options.get(role, [])[:KEPT], None] for role in ("net", "tax", "gross")]
    for net, tax, gross in product(*picks):
        if net or gross:
            yield net, tax, gross


def weigh(
    net: Option | None,
    tax: Option | None,
    gross: Option | None,
    taxes: Sequence[TaxRow],
    lines: Decimal | None,
    options: dict[str, list[Option]],
) -> Choice:
    """The score of one way to fill the totals: what the words say, and what adds up."""
    score = sum(o.weight if o.entry else o.weight * 0.6 for o in (net, tax, gross) if o) + (0.25 if gross else 0)
    holds: set[str] = set()
    if net and tax and gross:
        signed = matching_sign(net, tax, gross)
        tax = signed or tax
        if signed:
            score += 1.5 if tax.value else 0.9
            holds.add("net+tax=gross")
        else:
            score -= 3.0
    elif net and tax and leads_to_due(net, tax, options):
        score += 1.4
        holds.add("gross-prepaid=due")
    elif net and gross:
        score += 0.3 if net.value == gross.value else -0.8
    if net and gross and abs(net.value) > abs(gross.value):
        score -= 1.0
    if net and tax and abs(tax.value) > Decimal("0.35") * abs(net.value):
        score -= 2.0
    if tax and not tax.value and net and gross and net.value != gross.value:
        score -= 1.0
    larger = outdone(gross, options) if gross else 1
    if gross and larger > 1 + max(Decimal("0.002"), Decimal("0.51") / max(abs(gross.value), CENT)):
        score -= 3.0 if of_one_rate(gross) else 1.2 if larger < 3 else 2.4
        holds.add("outdone")
    score += rows_agree(net, tax, taxes, holds) + lines_agree(net, gross, lines, options, holds)
    same = [o.entry for o in (net, tax, gross) if o and o.entry]
    repeated = len(same) - len({(e.money.page, e.money.tokens[0].index) for e in same})
    return Choice(net, tax, gross, score - 0.3 * repeated, frozenset(holds))


def leads_to_due(net: Option, tax: Option, options: dict[str, list[Option]]) -> bool:
    """Whether net and tax, less something paid before, make a printed amount due, though no gross total is printed."""
    dues = {o.value for o in options.get("due", []) if o.weight >= 0.7}
    return any(p.value and net.value + tax.value - abs(p.value) in dues for p in options.get("prepaid", []))


def outdone(gross: Option, options: dict[str, list[Option]]) -> Decimal:
    """How many times larger another amount is that is called a total, so that this one may be but a part of it."""
    others = [abs(o.value) for o in (*options.get("gross", []), *options.get("due", [])) if o.weight >= 0.7]
    return max(others, default=ZERO) / max(abs(gross.value), Decimal("0.01"))


def of_one_rate(gross: Option) -> bool:
    """Whether the words of a total name a rate, so that there may be others beside it."""
    return bool(gross.entry and "%" in gross.entry.label)


def matching_sign(net: Option, tax: Option, gross: Option) -> Option | None:
    """The tax with the sign that makes net + tax = gross; None where neither does."""
    for value in (tax.value, -tax.value):
        if abs(net.value + value - gross.value) <= CENT and (net.value >= 0) == (gross.value >= 0):
            return replace(tax, value=value)
    return None


def rows_agree(net: Option | None, tax: Option | None, taxes: Sequence[TaxRow], holds: set[str]) -> float:
    """What the tax breakdown adds to a choice."""
    if not taxes:
        return 0.0
    score = 0.0
    if tax and abs(abs(tax.value) - abs(sum((t.amount for t in taxes), ZERO))) <= CENT * len(taxes):
        holds.add("rows=tax")
        score += 0.6
    if net and abs(abs(net.value) - abs(sum((t.base for t in taxes), ZERO))) <= CENT:
        holds.add("bases=net")
        score += 0.6
    return score


def lines_agree(
    net: Option | None, gross: Option | None, lines: Decimal | None, options: dict[str, list[Option]], holds: set[str]
) -> float:
    """What the sum of the lines adds to a choice; allowances and charges may stand between it and the net total."""
    if not lines:
        return 0.0
    moves = {ZERO, *(signed_moves(options))}
    if net and any(abs(abs(lines + move) - abs(net.value)) <= CENT for move in moves):
        holds.add("lines=net")
        return 0.6
    if gross and any(abs(abs(lines + move) - abs(gross.value)) <= CENT for move in moves):
        holds.add("lines=gross")
        return 0.5
    return 0.0


def signed_moves(options: dict[str, list[Option]]) -> Iterator[Decimal]:
    """What allowances and charges may change the sum of the lines by."""
    down = sum((abs(o.value) for o in options.get("allowance", [])), ZERO)
    up = sum((abs(o.value) for o in options.get("charge", [])), ZERO)
    yield from (-down, up, up - down)
    for option in options.get("allowance", []):
        yield -abs(option.value)
    for option in options.get("charge", []):
        yield abs(option.value)
