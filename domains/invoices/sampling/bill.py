"""A bill: the one value that the page, every e-invoice syntax and the gold are made from."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

DIGITS = {"JPY": 0}
"""Decimal places of a currency where they are not two."""


@dataclass(frozen=True)
class Account:
    """Where money goes to; `rows` are further lines for countries without IBAN (label, value)."""

    bank: str
    iban: str | None = None
    bic: str | None = None
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Party:
    """A supplier or buyer; everything about it is invented."""

    name: str
    street: str
    postcode: str
    town: str
    country: str
    """ISO 3166."""
    vat_id: str | None = None
    email: str = ""
    phone: str = ""
    contact: str = ""
    register: str = ""
    tagline: str = ""
    account: Account | None = None

    @property
    def vat_code(self) -> str:
        """The VAT id as e-invoices carry it, without spaces, stops and the Swiss ending."""
        return "".join(c for c in self.vat_id or "" if c.isalnum()).removesuffix("MWST")

    @property
    def city(self) -> str:
        """Postal code and town in the country's order."""
        behind = self.country in ("GB", "US", "JP")
        return f"{self.town} {self.postcode}" if behind else f"{self.postcode} {self.town}"


@dataclass(frozen=True)
class Item:
    """A line; `unit` is a UN/ECE code, `rate` per cent."""

    text: str
    quantity: Decimal
    unit: str
    price: Decimal
    rate: Decimal
    article: str = ""


def lines(table: str) -> tuple[Item, ...]:
    """Items from a text table, one a row: `text | quantity unit | price | rate | article`, the article optional."""
    return tuple(_item([cell.strip() for cell in row.split("|")]) for row in table.strip().splitlines())


def _item(cells: list[str]) -> Item:
    text, amount, price, rate, *article = cells
    quantity, unit = amount.split()
    return Item(text, Decimal(quantity), unit, Decimal(price), Decimal(rate), *article)


@dataclass(frozen=True)
class Tax:
    """A row of the tax breakdown; `category` is UNTDID 5305."""

    rate: Decimal
    base: Decimal
    amount: Decimal
    category: str


@dataclass(frozen=True)
class Allowance:
    """A discount on the whole document, taxed at `rate` per cent."""

    reason: str
    amount: Decimal
    rate: Decimal


@dataclass(frozen=True)
class Bill:
    """An invoice (type code 380) or credit note (381) with positive amounts, as EN 16931 has it."""

    number: str
    issued: date
    supplier: Party
    buyer: Party
    items: tuple[Item, ...]
    currency: str = "EUR"
    language: str = "de"
    type_code: str = "380"
    due: date | None = None
    delivered: date | None = None
    po: str | None = None
    customer: str = ""
    """The buyer's number at the supplier."""
    allowance: Allowance | None = None
    prepaid: Decimal = Decimal(0)
    note: str = ""
    corrects: str = ""
    """Number of the invoice a credit note corrects."""
    exempt: tuple[str, str] | None = None
    """Tax category and reason where no tax is charged: ("AE", "Reverse charge")."""

    @property
    def pays(self) -> bool:
        """Whether money goes to the supplier, so that the account matters."""
        return self.type_code != "381"

    def rounded(self, value: Decimal) -> Decimal:
        """The value at the currency's precision, halves away from zero."""
        return value.quantize(Decimal(1).scaleb(-DIGITS.get(self.currency, 2)), ROUND_HALF_UP)

    def line_total(self, item: Item) -> Decimal:
        """BT-131."""
        return self.rounded(item.quantity * item.price)

    @property
    def line_sum(self) -> Decimal:
        """BT-106."""
        return sum((self.line_total(item) for item in self.items), self.rounded(Decimal(0)))

    @property
    def net(self) -> Decimal:
        """BT-109."""
        return self.line_sum - (self.allowance.amount if self.allowance else 0)

    @property
    def taxes(self) -> tuple[Tax, ...]:
        """BG-23, a row a rate, highest first."""
        return tuple(self._tax(rate) for rate in sorted({item.rate for item in self.items}, reverse=True))

    def _tax(self, rate: Decimal) -> Tax:
        base = sum((self.line_total(item) for item in self.items if item.rate == rate), self.rounded(Decimal(0)))
        if self.allowance and self.allowance.rate == rate:
            base -= self.allowance.amount
        return Tax(rate, base, self.rounded(base * rate / 100), self.exempt[0] if self.exempt else "S")

    @property
    def tax(self) -> Decimal:
        """BT-110."""
        return sum((tax.amount for tax in self.taxes), self.rounded(Decimal(0)))

    @property
    def gross(self) -> Decimal:
        """BT-112."""
        return self.net + self.tax

    @property
    def payable(self) -> Decimal:
        """BT-115."""
        return self.gross - self.prepaid
