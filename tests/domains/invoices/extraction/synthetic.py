"""Synthetic invoices as words and boxes: many layouts, languages and notations, with gold, from a seed."""

import random
import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from domains.invoices.records import Layout, Page, Word

WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8")
)
COUNTRIES = tuple(WORDS)
CENT = Decimal("0.01")
STYLE = {  # decimal, group, currency, sign, IBAN form (letters then digits), VAT form, rate, date formats
    "de": (",", ".", "EUR", "€", ("DE", 0, 18), "DE#########", "19", ["{d:02}.{m:02}.{y}", "{d}. {M} {y}"]),
    "en": (".", ",", "GBP", "£", ("GB", 4, 14), "GB#########", "20", ["{d:02}/{m:02}/{y}", "{d} {M} {y}"]),
    "fr": (",", " ", "EUR", "€", ("FR", 0, 23), "FR###########", "20", ["{d:02}/{m:02}/{y}", "{d} {M} {y}"]),
    "nl": (",", ".", "EUR", "€", ("NL", 4, 10), "NL#########B01", "21", ["{d:02}-{m:02}-{y}", "{d} {M} {y}"]),
    "it": (",", ".", "EUR", "€", ("IT", -1, 22), "IT###########", "22", ["{d:02}/{m:02}/{y}", "{d} {M} {y}"]),
    "es": (",", ".", "EUR", "€", ("ES", 0, 20), "ESB########", "21", ["{d:02}/{m:02}/{y}", "{d} de {M} de {y}"]),
    "pt": (",", ".", "EUR", "€", ("PT", 0, 21), "PT#########", "23", ["{d:02}/{m:02}/{y}", "{y}-{m:02}-{d:02}"]),
    "sv": (",", " ", "SEK", "kr", ("SE", 0, 20), "SE##########01", "25", ["{y}-{m:02}-{d:02}", "{d} {M} {y}"]),
    "da": (",", ".", "DKK", "kr.", ("DK", 0, 14), "DK########", "25", ["{d:02}-{m:02}-{y}", "{d}. {M} {y}"]),
    "no": (",", " ", "NOK", "kr", ("NO", 0, 11), "NO#########MVA", "25", ["{d:02}.{m:02}.{y}", "{d}. {M} {y}"]),
    "fi": (",", " ", "EUR", "€", ("FI", 0, 14), "FI########", "24", ["{d}.{m}.{y}"]),
    "pl": (",", " ", "PLN", "zł", ("PL", 0, 24), "PL##########", "23", ["{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}"]),
    "cs": (",", " ", "CZK", "Kč", ("CZ", 0, 20), "CZ########", "21", ["{d}. {m}. {y}", "{d:02}.{m:02}.{y}"]),
    "us": (".", ",", "USD", "$", ("", 0, 0), "##-#######", "8.25", ["{m:02}/{d:02}/{y}", "{M} {d}, {y}"]),
}  # fmt: skip
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
}
MONTHS |= {"us": MONTHS["en"], "no": MONTHS["da"].replace("marts", "mars").replace("maj", "mai")}
GOODS = (
    "Widget A4",
    "Holzschraube 5x40",
    "Consulting",
    "Transport box",
    "Paper 80 g",
    "Cable CAT6",
    "Service hour",
    "Paint, white",
    "Olive oil",
    "Filter XL",
)
UNITS = ("Stk", "pcs", "h", "kg", "m")


@dataclass
class Canvas:
    """A page that text is put on; widths follow from the number of characters."""

    width: float = 595
    height: float = 842
    words: list[Word] = field(default_factory=list[Word])

    def put(self, x: float, y: float, text: str, size: float = 9, right: bool = False) -> float:
        """Puts a line of text at x (its right end where `right`) and top y; gives its width in points."""
        step, blank = 0.5 * size, 0.28 * size
        parts = text.replace("\N{NO-BREAK SPACE}", "\0").split(" ")
        total = sum(len(p) for p in parts) * step + blank * (len(parts) - 1)
        at = x - total if right else x
        for part in parts:
            if part:
                self.words.append(Word(text=part.replace("\0", " "), box=(at, y, at + len(part) * step, y + size)))
            at += len(part) * step + blank
        return total


@dataclass
class Case:
    """One synthetic invoice: its layout and what it says."""

    country: str
    layout: Layout
    gold: dict[str, object]


def make(seed: int, country: str | None = None) -> Case:
    """The synthetic invoice of a seed."""
    rng = random.Random(seed)
    country = country or COUNTRIES[seed % len(COUNTRIES)]
    draft = Draft(rng, country)
    draft.head()
    draft.table()
    draft.totals()
    draft.foot()
    return Case(country, as_layout(draft.page), draft.gold)


def as_layout(canvas: Canvas) -> Layout:
    """A canvas as a document of one page."""
    return Layout(pages=[Page(number=1, width=canvas.width, height=canvas.height, words=canvas.words)])


class Draft:
    """An invoice while it is being laid out."""

    def __init__(self, rng: random.Random, country: str) -> None:
        self.rng, self.country, self.page = rng, country, Canvas()
        self.decimal, self.group, self.code, self.sign, self.bank, vat, self.rate, formats = STYLE[country]
        self.format = rng.choice(formats)
        self.marked = rng.choice([True, False])
        self.colon = rng.choice([":", "", " :"]) if country == "fr" else rng.choice([":", ""])
        day = date(2019, 1, 1) + timedelta(days=rng.randrange(2000))
        self.vat = "".join(str(rng.randrange(10)) if c == "#" else c for c in vat)
        self.iban = iban(rng, *self.bank) if self.bank[0] and rng.random() < 0.8 else None
        number = rng.choice(["{0}", "RE-{0}", "2023/{0}", "INV{0}", "F-{0}-7", "{0}/23"])
        order = rng.choice(["PO-{0}", "45000{0}", "B{0}"])
        self.gold: dict[str, object] = {
            "supplier_name": self.word("firms"),
            "buyer_name": self.word("clients"),
            "issue_date": day,
            "due_date": day + timedelta(days=30),
            "invoice_number": number.format(rng.randrange(1000, 999999)),
            "po_number": order.format(rng.randrange(100, 9999)) if rng.random() < 0.5 else None,
            "currency": self.code,
            "iban": self.iban,
            "supplier_vat_id": self.vat.replace("-", ""),
        }
        self.y = 60.0

    def word(self, name: str) -> str:
        return self.rng.choice(WORDS[self.country][name])

    def day(self, value: object) -> str:
        assert isinstance(value, date)
        names = MONTHS.get(self.country, MONTHS["en"]).split()
        return self.format.format(d=value.day, m=value.month, y=value.year, M=names[value.month - 1])

    def amount(self, value: Decimal, plain: bool = False) -> str:
        whole, cents = f"{abs(value):,.2f}".split(".")
        text = ("-" if value < 0 else "") + whole.replace(",", self.group) + self.decimal + cents
        if plain or not self.marked:
            return text
        return f"{self.sign}{text}" if self.country in ("en", "us") else f"{text} {self.sign}"

    def head(self) -> None:
        self.rng.choice([self.window, self.two_columns, self.letterhead_left, self.client_right, self.logo_only])()
        pairs = [
            (self.word("number"), str(self.gold["invoice_number"])),
            (self.word("date"), self.day(self.gold["issue_date"])),
        ]
        others = [
            (self.word("customer_no"), str(self.rng.randrange(10000, 99999))),
            (self.word("due"), self.day(self.gold["due_date"])),
        ]
        if self.gold["po_number"]:
            others.append((self.word("order"), str(self.gold["po_number"])))
        self.rng.shuffle(others)
        self.rng.choice([self.block, self.grid, self.stacked, self.lines, self.city_date])(pairs + others)

    def address(self, x: float, y: float, name: str, size: float = 9) -> float:
        for line in (name, self.word("street"), self.word("town")):
            self.page.put(x, y, line, size)
            y += 1.35 * size
        return y

    def window(self) -> None:
        name = str(self.gold["supplier_name"])
        sep = self.rng.choice([" - ", " · ", ", ", " | "])
        self.page.put(330, 40, name, 14)
        self.page.put(60, 120, sep.join([name, self.word("street"), self.word("town")]), 6.5)
        self.address(60, 135, str(self.gold["buyer_name"]), 10)
        self.page.put(60, 220, self.word("title"), 15)
        self.y = 250

    def two_columns(self) -> None:
        self.page.put(400, 40, self.word("title"), 18)
        self.page.put(60, 90, self.word("seller") + self.colon, 8)
        self.page.put(320, 90, self.word("bill_to") + self.colon, 8)
        self.address(60, 104, str(self.gold["supplier_name"]))
        self.address(320, 104, str(self.gold["buyer_name"]))
        self.y = 175

    def letterhead_left(self) -> None:
        bottom = self.address(60, 40, str(self.gold["supplier_name"]), 10)
        self.page.put(60, bottom, "Tel. +49 40 123456", 8)
        self.page.put(60, bottom + 12, "info@example.com", 8)
        self.page.put(430, 40, self.word("title"), 18)
        self.page.put(60, 130, self.word("bill_to") + self.colon, 9)
        self.address(60, 145, str(self.gold["buyer_name"]))
        self.y = 205

    def client_right(self) -> None:
        bottom = self.address(60, 40, str(self.gold["supplier_name"]), 11)
        self.page.put(60, bottom, "www.example.org", 8)
        self.address(340, 120, str(self.gold["buyer_name"]), 10)
        self.page.put(60, 190, self.word("title"), 14)
        self.y = 215

    def logo_only(self) -> None:
        self.page.put(60, 60, self.word("title"), 16)
        self.address(60, 110, str(self.gold["buyer_name"]), 10)
        self.y = 190

    def city_date(self, pairs: list[tuple[str, str]]) -> None:
        town = self.word("town").translate({ord(c): None for c in "0123456789-"}).strip().split(",")[0]
        self.page.put(545, self.y, f"{town}, {pairs[1][1]}", right=True)
        self.page.put(60, self.y + 20, f"{pairs[0][0]} {pairs[0][1]}", 12)
        self.y += 45
        for label, value in pairs[2:]:
            self.page.put(60, self.y, f"{label}: {value}")
            self.y += 13
        self.y += 15

    def block(self, pairs: list[tuple[str, str]]) -> None:
        y = self.y - 40 if self.y < 260 else self.y
        flush = self.rng.choice([True, False])
        for label, value in pairs:
            self.page.put(330, self.y, label + self.colon)
            self.page.put(545 if flush else 455, self.y, value, right=flush)
            self.y += 13
        self.y = max(self.y, y) + 20

    def grid(self, pairs: list[tuple[str, str]]) -> None:
        step = 490 / len(pairs)
        for column, (label, value) in enumerate(pairs):
            self.page.put(50 + column * step, self.y, label, 7)
            self.page.put(50 + column * step, self.y + 12, value, 8)
        self.y += 40

    def stacked(self, pairs: list[tuple[str, str]]) -> None:
        for label, value in pairs:
            self.page.put(400, self.y, label, 7)
            self.page.put(400, self.y + 9, value, 9)
            self.y += 24
        self.y += 15

    def lines(self, pairs: list[tuple[str, str]]) -> None:
        for label, value in pairs:
            self.page.put(60, self.y, f"{label}: {value}")
            self.y += 13
        self.y += 15

    def table(self) -> None:
        rng = self.rng
        columns = (50, 85, 350, 400, 470, 545)
        heads = rng.choice(WORDS[self.country]["head"])
        for column, (x, text) in enumerate(zip(columns, heads, strict=True)):
            self.page.put(x, self.y, text, 7, right=column in (2, 4, 5))
        self.y += 16
        self.items: list[tuple[str, Decimal, Decimal, Decimal]] = []
        for number in range(1, rng.randrange(2, 6)):
            price = Decimal(rng.randrange(100, 60000 if self.group else 6000)) / 100
            count = Decimal(rng.randrange(1, 20))
            item = (rng.choice(GOODS), count, price, count * price)
            self.items.append(item)
            texts = (str(number), item[0], str(count), rng.choice(UNITS), self.amount(price), self.amount(item[3]))
            for column, (x, text) in enumerate(zip(columns, texts, strict=True)):
                self.page.put(x, self.y, text, 8, right=column in (2, 4, 5))
            if rng.random() < 0.3:
                self.y += 10
                self.page.put(85, self.y, "colour blue, packed in boxes of ten", 7)
            self.y += 14
        self.gold["lines"] = [item[3] for item in self.items]

    def totals(self) -> None:
        net = sum((item[3] for item in self.items), Decimal(0))
        rates = [Decimal(self.rate)]
        bases = [net]
        if len(self.items) > 1 and self.rng.random() < 0.3:
            rates, bases = [Decimal(self.rate), Decimal(7)], [net - self.items[0][3], self.items[0][3]]
        if self.rng.random() < 0.12:
            rates, bases = [Decimal(0)], [net]
        taxes = [(b * r / 100).quantize(CENT, ROUND_HALF_UP) for b, r in zip(bases, rates, strict=True)]
        tax = sum(taxes, Decimal(0))
        head = self.word("tax").translate({ord(c): None for c in "0123456789%@()."}).strip()
        rows = [(self.word("net"), net), (self.word("gross"), net + tax)]
        if len(rates) == 1 and rates[0]:
            rows.insert(1, (self.word("tax"), tax))
        elif rates[0]:
            for base, rate, part in zip(bases, rates, taxes, strict=True):
                self.page.put(60, self.y, f"{head} {rate}% {self.amount(base)}", 8)
                self.page.put(300, self.y, self.amount(part), 8, right=True)
                self.y += 11
            rows.insert(1, (head, tax))
        else:
            self.page.put(60, self.y + 60, "Reverse charge: VAT to be paid by the customer", 8)
        self.gold |= {"net_total": net, "tax_total": tax, "gross_total": net + tax, "amount_due": net + tax}
        if self.rng.random() < 0.25:
            paid = (net / 3).quantize(CENT)
            rows += [(self.word("paid"), paid), (self.word("due_amount"), net + tax - paid)]
            self.gold["amount_due"] = net + tax - paid
        self.y += 12
        if self.rng.random() < 0.2:
            for column, (text, value) in enumerate(rows):
                self.page.put(130 + 103 * column, self.y, text, 7, right=True)
                self.page.put(130 + 103 * column, self.y + 12, self.amount(value), 8, right=True)
            self.y += 40
            return
        far = self.rng.choice([300, 380])
        for text, value in rows:
            self.page.put(far, self.y, text + self.colon, 8)
            self.page.put(545, self.y, self.amount(value), 8, right=True)
            self.y += 14

    def foot(self) -> None:
        name = str(self.gold["supplier_name"])
        if not self.marked:
            self.page.put(60, self.y + 10, f"Currency: {self.code}", 8)
        columns = [
            [name, self.word("street"), self.word("town")],
            [f"{self.word('vat')}{self.colon or ':'} {self.vat}", "info@example.com"],
        ]
        if self.iban:
            columns.append(["IBAN " + " ".join(self.iban[i : i + 4] for i in range(0, len(self.iban), 4))])
        for column, lines in enumerate(columns):
            for row, text in enumerate(lines):
                self.page.put(60 + 165 * column, 780 + 10 * row, text, 7)


def iban(rng: random.Random, country: str, letters: int, digits: int) -> str:
    """A valid IBAN (mod 97)."""
    head = "X" if letters < 0 else "".join(rng.choice("ABCDEFGH") for _ in range(letters))
    body = head + "".join(str(rng.randrange(10)) for _ in range(digits))
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    return f"{country}{98 - number % 97:02}{body}"
