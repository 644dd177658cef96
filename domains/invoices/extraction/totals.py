"""Totals as one problem: net, tax, gross and amount due are chosen together, so that they add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from domains.invoices.extraction.breakdown import TaxRow
from domains.invoices.extraction.choices import Choice, matching_sign, triples, weigh
from domains.invoices.extraction.money import Entry
from domains.invoices.extraction.options import CENT, ZERO, Option, first, gather, taxed


@dataclass(frozen=True, slots=True)
class Sum:
    """A total that was chosen."""

    value: Decimal
    trust: float
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a document, and by name the identities that hold between them."""

    net: Sum | None = None
    tax: Sum | None = None
    gross: Sum | None = None
    due: Sum | None = None
    prepaid: Sum | None = None
    rounding: Sum | None = None
    identities: frozenset[str] = frozenset()


def choose_totals(listed: Sequence[Entry], taxes: Sequence[TaxRow], lines: Decimal | None, exempt: bool) -> Totals:
    """The totals of a document from its amounts, its tax rows and the sum of its lines (None where unknown).

    `exempt`: the document says that no tax is charged.
    """
    options = gather(listed, taxes)
    choices = [weigh(n, t, g, taxes, lines, options) for n, t, g in triples(options)]
    if not choices:
        return Totals()
    best = max(choices, key=lambda c: c.score)
    rivals = [c for c in choices if c.gross and best.gross and c.gross.value != best.gross.value]
    margin = best.score - max((c.score for c in rivals), default=best.score - 2)
    printed = frozenset(e.money.value for e in listed if e.money.priced)
    return settle(best, margin, options, printed, exempt)


def settle(
    best: Choice, margin: float, options: dict[str, list[Option]], printed: frozenset[Decimal], exempt: bool
) -> Totals:
    """The chosen totals with their trust, and the amount due."""
    net, tax, gross = complete(best, options, exempt)
    certain = confidence(best, margin)
    prepaid = first(options, "prepaid")
    rounding = rounded(gross, options, printed)
    due = amount_due(gross, prepaid, rounding, options, certain)
    holds = set(best.holds - {"outdone"})
    if due and gross and prepaid and abs(gross.value - abs(prepaid.value) - due.value) <= CENT:
        holds.add("gross-prepaid=due")
    return Totals(
        net=seal(net, certain),
        tax=seal(tax, certain),
        gross=seal(gross, certain),
        due=due,
        prepaid=prepaid and Sum(prepaid.value, 0.8 if "gross-prepaid=due" in holds else 0.5, prepaid.entry),
        rounding=rounding and Sum(rounding.value, 0.9, rounding.entry),
        identities=frozenset(holds),
    )


def rounded(gross: Option | None, options: dict[str, list[Option]], others: frozenset[Decimal]) -> Option | None:
    """The printed rounding that leads from the gross total to another printed amount."""
    dues = {o.value for o in options.get("due", []) if o.weight >= 0.7}
    for option in options.get("rounding", []) if gross else ():
        for value, targets in ((option.value, others), (-option.value, dues)):
            if gross and value and abs(value) < 1 and gross.value + value in targets:
                return replace(option, value=value)
    return None


def complete(
    best: Choice, options: dict[str, list[Option]], exempt: bool
) -> tuple[Option | None, Option | None, Option | None]:
    """Fills what two of the three totals imply; what is implied is trusted less unless it is printed."""
    net, tax, gross = best.net, best.tax, best.gross
    if net and gross and tax and "net+tax=gross" in best.holds:
        tax = matching_sign(net, tax, gross)
    elif net and gross and not tax and net.value != gross.value:
        tax = Option(gross.value - net.value, 0.4, None)
    elif net and gross and not tax and (exempt or not taxed(options)):
        tax = Option(ZERO, 0.75 if exempt else 0.6, None)
    elif net and tax and not gross:
        gross = Option(net.value + tax.value, 0.7 if "gross-prepaid=due" in best.holds else 0.4, None)
    elif gross and tax and not net:
        net = Option(gross.value - tax.value, 0.55, None)
    elif gross and not net and not tax and not taxed(options):
        net, tax = (
            Option(gross.value, 0.75 if exempt else 0.45, gross.entry),
            Option(ZERO, 0.75 if exempt else 0.4, None),
        )
    elif net and not gross and not tax and not taxed(options):
        gross = Option(net.value, 0.5, net.entry)
    return net, tax, gross


def confidence(best: Choice, margin: float) -> float:
    """How far the chosen totals are trusted: mostly by the independent identities that hold."""
    proofs = len(best.holds - {"outdone"})
    if "net+tax=gross" in best.holds and best.tax and best.tax.value:
        base = 0.95 + 0.015 * min(proofs, 3)
    elif proofs >= 2:
        base = 0.95
    elif "net+tax=gross" in best.holds:
        base = 0.93
    elif proofs == 1:
        base = 0.9
    else:
        base = 0.5 + 0.35 * (best.gross.weight if best.gross else 0.3)
    return base - 0.12 * (margin <= 0.25) - 0.15 * ("outdone" in best.holds)


def seal(option: Option | None, certain: float) -> Sum | None:
    """An option with the trust of its role."""
    if option is None:
        return None
    if option.entry is None and option.weight <= 0.75:
        return Sum(option.value, min(certain, option.weight + (0.15 if certain > 0.9 else 0)), None)
    return Sum(option.value, min(certain, 0.999), option.entry)


def amount_due(
    gross: Option | None,
    prepaid: Option | None,
    rounding: Option | None,
    options: dict[str, list[Option]],
    certain: float,
) -> Sum | None:
    """The amount due: as printed, else what is left of the gross total after what was paid."""
    printed = options.get("due", [])
    if gross and rounding and not prepaid:
        due = gross.value + rounding.value
        return Sum(
            due,
            certain,
            next((o.entry for role in ("due", "gross") for o in options.get(role, []) if o.value == due), None),
        )
    if gross:
        for paid in options.get("prepaid", []):
            left = next((o for o in printed if paid.value and o.value == gross.value - abs(paid.value)), None)
            if left:
                return Sum(left.value, certain, left.entry)
    labelled = next((o for o in printed if o.weight >= 0.7), None)
    if labelled and labelled.entry:
        return Sum(labelled.value, certain if gross and labelled.value == gross.value else 0.75, labelled.entry)
    if gross is None:
        return None
    return Sum(gross.value, min(certain, 0.96 if prepaid is None else 0.5), gross.entry)
