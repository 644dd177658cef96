"""The tax breakdown: rows in which a rate, a base and an amount of tax agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from domains.invoices.extraction.geometry import Sheet
from domains.invoices.extraction.lexicon import places_table
from domains.invoices.extraction.money import Money, column_words, traits


@cache
def usual_rates() -> frozenset[Decimal]:
    """The rates of value added or sales tax, in per cent, that count without a per cent sign too."""
    return frozenset(Decimal(rate) for rate in places_table()["tax"]["rates"])


@dataclass(frozen=True, slots=True)
class TaxRow:
    """One row of a tax breakdown."""

    rate: Decimal
    base: Decimal
    amount: Decimal
    row: int
    money: tuple[Money, ...]


def tax_row(amounts: Sequence[Money], text: str, sheet: Sheet) -> TaxRow | None:
    """The tax row that the numbers of one row form: amount = base x rate, to the cent."""
    if traits(text) & {"allowance", "charge"} and "tax" not in traits(text):
        return None
    rates = [m for m in amounts if m.percent or is_rate(m, text, sheet)]
    sums = [m for m in amounts if not m.percent and m.decimals in (0, 2)]
    for rate in sorted(rates, key=lambda m: not m.percent):
        for base, amount in pairs([m for m in sums if m is not rate]):
            if rate.value and base.value and matches(rate.value, base.value, amount.value):
                signed = abs(amount.value) if base.value > 0 else -abs(amount.value)
                return TaxRow(rate.value, base.value, signed, base.row, (base, amount))
    return free_row(rates, sums, text, sheet)


def is_rate(money: Money, text: str, sheet: Sheet) -> bool:
    """Whether a number without its per cent sign is a tax rate: a usual one, where row or column speaks of tax."""
    if money.currency or money.value not in usual_rates() or money.decimals > 2:
        return False
    above = column_words(sheet, money)
    return "%" in above or bool({"tax"} & (traits(above) | traits(text)))


def pairs(sums: Sequence[Money]) -> Iterator[tuple[Money, Money]]:
    """Every two amounts, the larger first, both printed with cents."""
    for base in sums:
        for amount in sums:
            if base is not amount and abs(base.value) > abs(amount.value) and base.decimals == amount.decimals == 2:
                yield base, amount


def matches(rate: Decimal, base: Decimal, amount: Decimal) -> bool:
    """Whether base x rate = amount; sums of rounded line taxes may be a cent off."""
    return amount != 0 and abs(abs(base) * rate / 100 - abs(amount)) <= Decimal("0.011")


def free_row(rates: Sequence[Money], sums: Sequence[Money], text: str, sheet: Sheet) -> TaxRow | None:
    """A row of goods free of tax: rate 0, tax 0.00, in a row that speaks of tax."""
    nought = [m for m in rates if m.percent and m.value == 0]
    priced = [m for m in sums if m.decimals == 2]
    tax = next((m for m in priced if not m.value), None)
    base = next((m for m in priced if m.value), None)
    if not nought or tax is None or base is None:
        return None
    if "tax" not in traits(text) | traits(column_words(sheet, tax)) | traits(column_words(sheet, nought[0])):
        return None
    return TaxRow(Decimal(0), base.value, Decimal(0), base.row, (base, tax))
