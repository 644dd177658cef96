"""Invoices told from other papers."""

import pytest

from domains.invoices.extraction import is_invoice, read_invoice

from .synthetic import Canvas, as_layout, make


def paper(*lines: str) -> Canvas:
    page = Canvas()
    for number, line in enumerate(lines):
        page.put(60, 60 + 20 * number, line, 12)
    return page


@pytest.mark.parametrize("seed", range(14))
def test_an_invoice_of_any_country_is_one(seed: int):
    assert is_invoice(make(seed).layout).invoice


@pytest.mark.parametrize("title", ["Lieferschein", "Purchase Order", "Angebot Nr. 17", "Bon de livraison", "Mahnung"])
def test_a_paper_that_calls_itself_otherwise_is_none(title: str):
    kind = is_invoice(as_layout(paper(title, "Nordlicht GmbH", "10 Stk Schrauben 12,50")))
    assert not kind.invoice
    assert kind.reason


def test_a_letter_is_no_invoice():
    assert not is_invoice(
        as_layout(paper("Dear Ms Smith,", "thank you for your visit to our fair last week.", "Yours sincerely"))
    ).invoice


def test_a_page_without_text_is_no_invoice():
    assert not is_invoice(as_layout(Canvas())).invoice


@pytest.mark.parametrize(
    ("title", "code"), [("Rechnung", "380"), ("Gutschrift", "381"), ("Credit Note", "381"), ("Rechnung (384)", "384")]
)
def test_the_title_tells_the_type(title: str, code: str):
    assert read_invoice(as_layout(paper(title, "Nr. 4711", "Summe 12,50 EUR"))).type_code == code
