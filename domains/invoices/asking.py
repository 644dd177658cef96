"""The language-model source: what it is told, the form it answers in, and how its quotes are held against the page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, create_model
from rapidfuzz import fuzz

from agentflow import Evidence, Model
from domains.invoices.records import Invoice, Layout, Line, Page, Tax, Word

INSTRUCTIONS = """\
You read supplier invoices. You are given the text of one invoice, page by page, and make one JSON object of it.
For every field give `value` and `quote`: the quote is copied from the text letter by letter, as short as it can be
while it still shows the value. A field that the invoice does not print is null: never guess, never compute.
Dates are YYYY-MM-DD; decide day and month from the language and country of the invoice. Amounts are plain decimals
with a point, negative where the invoice prints them so. The supplier is who is paid, the buyer who pays.
net_total is without tax, gross_total with tax, amount_due what is still to be paid. type_code is 380 for an invoice,
381 for a credit note. currency is the ISO 4217 code. po_number is the buyer's order number."""

QUOTED = 0.96
"""Trust in a value whose quote stands on the page; unmeasured, below what an exam would have to show."""
UNQUOTED = 0.3
PARTS = {"lines", "taxes", "evidence", "accounts"}
_NO_DIGIT = re.compile(r"\D")


class Quoted(BaseModel):
    """A value as it is printed."""

    model_config = ConfigDict(extra="ignore")

    value: str
    quote: str


class AnsweredLine(BaseModel):
    """A line of the invoice; amounts are plain decimals."""

    model_config = ConfigDict(extra="ignore")

    description: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    line_total: Decimal | None = None
    tax_rate: Decimal | None = Field(None, description="per cent")


class AnsweredTax(BaseModel):
    """A row of the tax breakdown."""

    model_config = ConfigDict(extra="ignore")

    rate: Decimal | None = Field(None, description="per cent")
    base: Decimal | None = None
    amount: Decimal | None = None


HEADS = [name for name in Invoice.model_fields if name not in PARTS]
_HEAD_FIELDS: dict[str, Any] = dict.fromkeys(HEADS, (Quoted | None, None))
Answer: type[BaseModel] = create_model(
    "InvoiceAnswer", lines=(list[AnsweredLine], []), taxes=(list[AnsweredTax], []), **_HEAD_FIELDS
)
"""One `Quoted` a field of the invoice's head, then lines and taxes."""


async def ask_for_invoice(model: Model, layout: Layout) -> Invoice:
    """What the model reads from the pages, each value with where its quote stands. Raises as `Model.ask` does."""
    return grounded(await model.ask(Answer, INSTRUCTIONS, page_text(layout)), layout, model.role)


def page_text(layout: Layout) -> str:
    """The pages as text: words that share a line stay on one line, wide gaps are kept as a column break."""
    return "\n\n".join(f"--- page {page.number} ---\n" + "\n".join(_lines(page.words)) for page in layout.pages)


def grounded(answer: Any, layout: Layout, source: str) -> Invoice:
    """The invoice that a model's answer gives, with evidence: page and box where the quote was found."""
    pages = [_Printed.of(page) for page in layout.pages]
    values: dict[str, Any] = {}
    evidence: dict[str, Evidence] = {}
    for name in HEADS:
        quoted: Quoted | None = getattr(answer, name)
        value = _typed(name, quoted.value) if quoted else None
        if quoted and value is not None:
            values[name] = value
            evidence[name] = _evidence(quoted.quote, pages, source)
    lines = [Line(**line.model_dump()) for line in answer.lines]
    taxes = [Tax(**tax.model_dump()) for tax in answer.taxes]
    return Invoice(**values, lines=lines, taxes=taxes, evidence=evidence)


def _typed(name: str, value: str) -> Any:
    kind = Invoice.model_fields[name].annotation
    try:
        if kind == date | None:
            return date.fromisoformat(value.strip())
        return Decimal(value.strip()) if kind == Decimal | None else value.strip() or None
    except (ValueError, ArithmeticError):
        return None


@dataclass(frozen=True)
class _Printed:
    """A page's words as quotes are compared with: without blanks and in one case, and the digits of each."""

    page: Page
    words: list[str]
    digits: list[str]

    @classmethod
    def of(cls, page: Page) -> Self:
        words = ["".join(word.text.split()).casefold() for word in page.words]
        return cls(page, words, [_NO_DIGIT.sub("", word) for word in words])

    def found(self, quote: str) -> Sequence[Word]:
        """The first neighbouring words that say the quote; a word more or fewer than it has: word splitting differs."""
        wanted, length = "".join(quote.split()).casefold(), len(quote.split())
        digits = _NO_DIGIT.sub("", wanted)
        for count in dict.fromkeys((length, length + 1, length - 1, length + 2)):
            for start in range(len(self.words) - count + 1 if count > 0 else 0):
                # A digit that differs is another value, however alike the rest.
                if "".join(self.digits[start : start + count]) == digits and _alike(
                    "".join(self.words[start : start + count]), wanted
                ):
                    return self.page.words[start : start + count]
        return ()


def _alike(printed: str, quote: str) -> bool:
    return printed == quote or (len(quote) > 6 and fuzz.ratio(printed, quote) > 90)


def _evidence(quote: str, pages: Sequence[_Printed], source: str) -> Evidence:
    for printed in pages:
        if boxes := [word.box for word in printed.found(quote)]:
            box = (
                min(b[0] for b in boxes),
                min(b[1] for b in boxes),
                max(b[2] for b in boxes),
                max(b[3] for b in boxes),
            )
            return Evidence(trust=QUOTED, source=source, page=printed.page.number, box=box, quote=quote)
    return Evidence(trust=UNQUOTED, source=source, quote=quote)


def _lines(words: Sequence[Word]) -> Iterator[str]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: ((w.box[1] + w.box[3]) / 2, w.box[0])):
        middle, tall = (word.box[1] + word.box[3]) / 2, max(word.box[3] - word.box[1], 1.0)
        before = rows[-1][0] if rows else None
        if before and abs((before.box[1] + before.box[3]) / 2 - middle) < tall * 0.5:
            rows[-1].append(word)
        else:
            rows.append([word])
    for row in rows:
        yield _row(sorted(row, key=lambda w: w.box[0]))


def _row(row: Sequence[Word]) -> str:
    text = row[0].text
    for before, word in pairwise(row):
        gap = word.box[0] - before.box[2]
        text += ("   " if gap > 1.5 * (word.box[3] - word.box[1]) else " ") + word.text
    return text
