"""A sample: a file, what it holds, and what a run must make of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from domains.invoices.reading import pdfium
from domains.invoices.sampling.bill import Bill, Item
from domains.invoices.sampling.notation import NOTATIONS, SYMBOLS
from domains.invoices.sampling.paper import Form, grouped, typeset

Json = dict[str, object]


@dataclass(frozen=True)
class Expect:
    """`any`: a page may be posted where its reading is certain, else go to review; `outcome` holds if delivered."""

    status: Literal["delivered", "in_review", "any"]
    outcome: Literal["Posted", "Duplicate", "Rejected"] | None
    codes: tuple[str, ...] = ()
    """Reason codes that must be among the problems."""


POSTED = Expect("delivered", "Posted")
DUPLICATE = Expect("delivered", "Duplicate")
IF_CERTAIN = Expect("any", "Posted")


def review(*codes: str) -> Expect:
    """Must wait for a person, for these reasons at least."""
    return Expect("in_review", None, codes)


@dataclass(frozen=True)
class Sample:
    """A file of the set; `form` where a page has to be read, as there is no XML."""

    file: str
    kind: str
    make: Callable[[], bytes]
    expect: Expect
    bill: Bill | None = None
    form: Form | None = None
    extra: tuple[tuple[str, object], ...] = ()
    """Further entries of the gold line."""
    stated: tuple[tuple[str, str], ...] = ()
    """Fields that the document states otherwise than its bill adds up."""


def gold(sample: Sample) -> str:
    """The sample's line in gold.jsonl."""
    bill, expect = sample.bill, sample.expect
    line: Json = {
        "id": sample.file.split("-")[0],
        "task": "invoice",
        "kind": sample.kind,
        "file": f"documents/{sample.file}",
    }
    line |= (
        _content(bill, sample.form, dict(sample.stated)) if bill else {"fields": {}, "lines": [], "fields_known": []}
    )
    line |= dict(sample.extra)
    line["expect"] = {"status": expect.status, "outcome": expect.outcome, "codes": list(expect.codes)}
    return json.dumps(line, ensure_ascii=False)


def _content(bill: Bill, form: Form | None, stated: dict[str, str]) -> Json:
    """What the document says. On a page the party ids and accounts count that are printed, wherever they stand."""
    fields = facts(bill) | stated
    seen = visible(bill, form) if form else []
    if form:
        fields |= {name: None for name in ("iban", "buyer_vat_id") if name not in seen}
        fields["iban"] = _account(bill) if "iban" in seen else None
    known = [name for name, value in fields.items() if value is not None]
    content: Json = {"fields": fields, "lines": [_line(bill, item, form) for item in bill.items], "fields_known": known}
    return content | ({"visible_fields": seen} if form else {})


def facts(bill: Bill) -> dict[str, str | None]:
    """The header as an XML has it: dates ISO, amounts decimal strings, null where the bill says nothing."""
    return {
        "supplier_name": bill.supplier.name,
        "supplier_vat_id": bill.supplier.vat_code or None,
        "invoice_number": bill.number,
        "type_code": bill.type_code,
        "issue_date": str(bill.issued),
        "due_date": str(bill.due) if bill.due else None,
        "currency": bill.currency,
        "net_total": str(bill.net),
        "tax_total": str(bill.tax),
        "gross_total": str(bill.gross),
        "amount_due": str(bill.payable),
        "iban": _account(bill) if bill.pays else None,
        "buyer_name": bill.buyer.name,
        "buyer_vat_id": bill.buyer.vat_code or None,
        "po_number": bill.po,
    }


def _account(bill: Bill) -> str | None:
    return bill.supplier.account.iban if bill.supplier.account else None


def _line(bill: Bill, item: Item, form: Form | None) -> Json:
    """An XML carries every value; a page those that its form has a column for, units as printed."""
    shown = {column.key for column in form.columns} if form else {"quantity", "unit", "price", "rate", "total"}
    unit = NOTATIONS[form.notation].unit(item.unit) if form else item.unit
    return {
        "description": item.text,
        "quantity": str(item.quantity) if "quantity" in shown else None,
        "unit": unit if "unit" in shown else None,
        "unit_price": str(item.price) if "price" in shown else None,
        "line_total": str(bill.line_total(item)),
        "tax_rate": str(item.rate) if "rate" in shown else None,
    }


def visible(bill: Bill, form: Form) -> list[str]:
    """The fields whose printed form is found in the text of the page."""
    text = _squeezed(page_text(typeset(form, bill)))
    return [name for name, printed in _printed(bill, form).items() if printed and _squeezed(printed) in text]


def _printed(bill: Bill, form: Form) -> dict[str, str]:
    words = NOTATIONS[form.notation]
    return {
        "supplier_name": bill.supplier.name,
        "supplier_vat_id": bill.supplier.vat_id or "",
        "invoice_number": bill.number,
        "issue_date": words.date(bill.issued),
        "due_date": words.date(bill.due) if bill.due else "",
        "currency": SYMBOLS[bill.currency],
        "net_total": words.number(bill.net),
        "tax_total": words.number(bill.tax) if len(bill.taxes) == 1 or form.notation == "fr" else "",
        "gross_total": words.number(bill.gross),
        "amount_due": words.number(bill.payable),
        "iban": grouped(_account(bill) or ""),
        "buyer_name": bill.buyer.name,
        "buyer_vat_id": bill.buyer.vat_id or "",
        "po_number": bill.po or "",
    }


def page_text(pdf: bytes) -> str:
    """All text of a PDF's pages."""
    with pdfium.open_bytes(pdf) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def _squeezed(text: str) -> str:
    return "".join(text.split())
