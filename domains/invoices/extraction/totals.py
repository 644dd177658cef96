"""Totals as one problem: net, tax, gross and amount due are chosen together, so that they add up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from domains.invoices.extraction.breakdown import TaxRow, usual_rates
from domains.invoices.extraction.money import Entry, roles

CENT = Decimal("0.02")
"""Rounding that an identity may be off by."""
ZERO = Decimal(0)
KEPT = 7
"""Candidates a role that the search looks at."""


@dataclass(frozen=True, slots=True)
class Option:
    """An amount in a role, with the weight its words give it (0 to 1); without an entry it is computed."""

    value: Decimal
    weight: float
    entry: Entry | None


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


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to fill net, tax and gross, with its score and the identities it fulfils."""

    net: Option | None
    tax: Option | None
    gross: Option | None
    score: float
    holds: frozenset[str]


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
        score -= 1.2 if larger < 3 else 2.4
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
    for option in options.get("rounding", []) if gross else ():
        for value in (option.value, -option.value):
            if gross and value and abs(value) < 1 and gross.value + value in others:
                return replace(option, value=value)
    return None


def first(options: dict[str, list[Option]], role: str) -> Option | None:
    """The best option of a role that is not nought."""
    return next((o for o in options.get(role, []) if o.value), None)


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


def taxed(options: dict[str, list[Option]]) -> bool:
    """Whether any amount is called a tax."""
    return any(o.weight >= 0.3 and o.value for o in options.get("tax", []))


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
    return Sum(gross.value, min(certain, 0.93 if prepaid is None else 0.5), gross.entry)
