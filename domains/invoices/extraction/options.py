"""What each printed amount may be among the totals, by the words beside and above it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from domains.invoices.extraction.breakdown import TaxRow, usual_rates
from domains.invoices.extraction.money import Entry, roles

CENT = Decimal("0.02")
"""Rounding that an identity may be off by."""


ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Option:
    """An amount in a role, with the weight its words give it (0 to 1); without an entry it is computed."""

    value: Decimal
    weight: float
    entry: Entry | None


def gather(listed: Sequence[Entry], taxes: Sequence[TaxRow]) -> dict[str, list[Option]]:
    """The options of each role, best first, one for each value."""
    options: dict[str, list[Option]] = {}
    for entry in listed:
        for role, weight in weights(entry).items():
            options.setdefault(role, []).append(Option(entry.money.value, weight, entry))
    if taxes:
        options.setdefault("tax", []).append(Option(sum((t.amount for t in taxes), ZERO), 0.5, None))
        options.setdefault("net", []).append(Option(sum((t.base for t in taxes), ZERO), 0.5, None))
    parts = {e.money.value: e for e in listed if "%" in e.label and weights(e).get("tax", 0.0) >= 0.6}
    if len(parts) > 1:
        options.setdefault("tax", []).append(Option(sum(parts, ZERO), 0.5, None))
    for role, option in hints(listed):
        options.setdefault(role, []).append(option)
    return {role: distinct(found) for role, found in options.items()}


def hints(listed: Sequence[Entry]) -> Iterator[tuple[str, Option]]:
    """Printed amounts of which two add up to a third at a usual rate of tax, whatever their words say."""
    printed = {
        e.money.value: e
        for e in reversed(listed)
        if e.money.decimals == 2 and not e.money.percent and e.money.value > 0
    }
    for net, tax in product(list(printed)[:120], repeat=2):
        gross = net + tax
        if gross in printed and Decimal("0.02") < tax / net < Decimal("0.28") and usual(tax, net):
            for role, value in (("net", net), ("tax", tax), ("gross", gross)):
                yield role, Option(value, 0.2, printed[value])


def usual(tax: Decimal, net: Decimal) -> bool:
    """Whether a tax is one of the usual rates of its base."""
    return any(abs(net * rate / 100 - tax) <= Decimal("0.006") for rate in usual_rates())


def weights(entry: Entry) -> dict[str, float]:
    """What the words beside and above an amount make of it; plain numbers need a total's words."""
    money = entry.money
    if money.percent or (not money.priced and (not entry.last or money.decimals > 2 or money.value <= 0)):
        return {}
    plain = 1.0 if money.priced else 0.5
    place = 1.0 if entry.last else 0.45
    found = {role: weight * plain * place for role, weight in roles(entry.label[-80:]).items()}
    for text, share in ((entry.header, 0.6), (entry.column, 0.85)):
        for role, weight in roles(text).items():
            found[role] = max(found.get(role, 0.0), weight * plain * share)
    return found


def distinct(found: Iterable[Option]) -> list[Option]:
    """Options by weight, one a value; a value printed twice in its role gains a little."""
    kept: dict[Decimal, Option] = {}
    for option in sorted(found, key=lambda o: -o.weight):
        known = kept.get(option.value)
        if known is None:
            kept[option.value] = option
        else:
            gained = min(1.0, known.weight + 0.04)
            kept[option.value] = replace(known, weight=gained, entry=known.entry or option.entry)
    return sorted(kept.values(), key=lambda o: -o.weight)


def first(options: dict[str, list[Option]], role: str) -> Option | None:
    """The best option of a role that is not nought."""
    return next((o for o in options.get(role, []) if o.value), None)


def taxed(options: dict[str, list[Option]]) -> bool:
    """Whether any amount is called a tax."""
    return any(o.weight >= 0.3 and o.value for o in options.get("tax", []))
