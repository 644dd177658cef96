"""How a country writes amounts and dates, and what it calls the parts of an invoice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domains.invoices.sampling import words

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CHF": "CHF"}
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}


@dataclass(frozen=True)
class Notation:
    """`money` and `day` are format strings: {n} number, {s} symbol; strftime codes and {month} for the month's name."""

    language: str
    group: str
    point: str
    money: str
    day: str
    words: Mapping[str, str]

    def number(self, value: Decimal, places: int | None = None) -> str:
        """The value with this country's separators; without `places` as many as the value carries."""
        text = f"{value:,f}" if places is None else f"{value:,.{places}f}"
        return text.replace(",", "\0").replace(".", self.point).replace("\0", self.group)

    def amount(self, value: Decimal, currency: str) -> str:
        """With the currency's symbol, the value's own precision."""
        return self.money.format(n=self.number(value), s=SYMBOLS[currency])

    def date(self, day: date) -> str:
        """Written the way this country does."""
        month = MONTHS.get(self.language, MONTHS["en"]).split()[day.month - 1]
        return day.strftime(self.day.replace("%-d", str(day.day))).format(month=month)

    def unit(self, code: str) -> str:
        """The printed word for a UN/ECE unit code."""
        return words.UNITS[self.language][code]

    def __getitem__(self, word: str) -> str:
        return self.words[word]


NOTATIONS = {
    "de": Notation("de", ".", ",", "{n} {s}", "%d.%m.%Y", words.GERMAN),
    "de-CH": Notation("de", "'", ".", "{s} {n}", "%-d. {month} %Y", words.SWISS),
    "en": Notation("en", ",", ".", "{s}{n}", "%-d {month} %Y", words.ENGLISH),
    "en-US": Notation("en", ",", ".", "{s}{n}", "%m/%d/%Y", words.AMERICAN),
    "en-JP": Notation("en", ",", ".", "{s}{n}", "{month} %-d, %Y", words.JAPANESE),
    "fr": Notation("fr", "\u00a0", ",", "{n}\u00a0{s}", "%-d {month} %Y", words.FRENCH),
    "nl": Notation("nl", ".", ",", "{s} {n}", "%d-%m-%Y", words.DUTCH),
    "it": Notation("it", ".", ",", "{s} {n}", "%d/%m/%Y", words.ITALIAN),
    "es": Notation("es", ".", ",", "{n} {s}", "%-d de {month} de %Y", words.SPANISH),
}
