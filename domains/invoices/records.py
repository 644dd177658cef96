"""The nouns of accounts payable: what an invoice says, and what may become of it."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentflow import Box, Document, Evidence, Problem, Record


class Value(BaseModel):
    """A part of a larger record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Word(Value):
    """A word as it stands on a page."""

    text: str
    box: Box
    confidence: float = 1.0
    """1 for a text layer; what the OCR engine says of itself otherwise."""


class Page(Value):
    """One page: its visible words in reading order; sizes in PDF points after rotation."""

    number: int
    width: float
    height: float
    words: list[Word]
    source: Literal["text", "ocr"] = "text"
    turned: float = 0.0
    """Degrees clockwise, about its middle, by which the page as shown was turned so that its words stand level."""


class Layout(Value):
    """The pages of a document with words and boxes; kept in the blob store, never in a record."""

    pages: list[Page]


class Pages(Record):
    """A document that has to be read from its pages."""

    document: Document
    layout: str
    """sha256 of the `Layout` (JSON) in the blob store."""
    count: int
    source: Literal["text", "ocr", "mixed"]
    hidden: list[str] = []
    """Text that is in the file but that no reader of the page can see."""
    notes: list[Problem] = []
    """What the opening of the file found worth telling."""


class EInvoice(Record):
    """A structured invoice: an XML file, or the XML that a PDF carries."""

    document: Document
    xml: str
    """sha256 of the XML in the blob store."""
    syntax: Literal["ubl", "cii", "zugferd1"]
    layout: str | None = None
    """sha256 of the page's `Layout`, where a page carries the XML."""
    hidden: list[str] = []
    notes: list[Problem] = []


class Line(Value):
    """One line of an invoice."""

    description: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    """UN/ECE code where the source is XML, the printed word otherwise."""
    unit_price: Decimal | None = None
    line_total: Decimal | None = None
    tax_rate: Decimal | None = None
    """Per cent."""


class Tax(Value):
    """One row of the tax breakdown."""

    rate: Decimal | None = None
    """Per cent."""
    base: Decimal | None = None
    amount: Decimal | None = None
    category: str | None = None


class Invoice(Record):
    """What an invoice says. A field is null where it is absent or where the source abstains."""

    supplier_name: str | None = None
    supplier_vat_id: str | None = None
    supplier_address: str | None = None
    invoice_number: str | None = None
    type_code: str | None = None
    """UNTDID 1001: 380 invoice, 381 credit note, 384 correction ..."""
    issue_date: date | None = None
    due_date: date | None = None
    delivery_date: date | None = None
    currency: str | None = None
    """ISO 4217."""
    net_total: Decimal | None = None
    """BT-109, without tax."""
    tax_total: Decimal | None = None
    """BT-110."""
    gross_total: Decimal | None = None
    """BT-112, with tax."""
    prepaid: Decimal | None = None
    """BT-113."""
    rounding: Decimal | None = None
    """BT-114."""
    amount_due: Decimal | None = None
    """BT-115."""
    iban: str | None = None
    accounts: list[str] = []
    """Every account that payment is asked to, letters and digits alone, IBAN or not; where the source is XML."""
    bic: str | None = None
    payment_terms: str | None = None
    buyer_name: str | None = None
    buyer_vat_id: str | None = None
    buyer_address: str | None = None
    po_number: str | None = None
    lines: list[Line] = []
    taxes: list[Tax] = []
    evidence: dict[str, Evidence] = {}
    """By field name; `lines.0.line_total` for what stands in a line."""


class Matched(Record):
    """A trusted invoice with what the buyer's own books know of it."""

    invoice: Invoice
    vendor_id: str | None = None
    account: str | None = None
    """Where the vendor's invoices are booked."""


class Question(Record):
    """A trusted invoice that does not fit what the buyer's books say by now; a person decides."""

    matched: Matched
    problems: list[Problem]


class Posted(Record):
    """Outcome: the invoice stands in the books."""

    entry: int
    """The books' own number for the entry."""
    vendor_id: str | None = None
    account: str | None = None


class Duplicate(Record):
    """Outcome: the same invoice came before, in whatever form; nothing is booked."""

    of: str
    """The job that has it."""
    problems: list[Problem] = []


class Declined(Record):
    """A person's no to a trusted invoice; what was claimed for it is given back."""

    problems: list[Problem] = []


class Rejected(Record):
    """Outcome: not an invoice, or a file that cannot be read; the problems say which and what to do."""

    problems: list[Problem]
