"""Whole invoices read from words and boxes."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.invoices.extraction import read_invoice
from domains.invoices.extraction.extract import Found, borne_out, report
from domains.invoices.records import Invoice, Layout

from .synthetic import COUNTRIES, Canvas, Case, as_layout, make

SEEDS = range(84)
PROVEN = 0.95


@pytest.fixture(scope="module")
def read() -> list[tuple[Case, Invoice]]:
    return [(case, read_invoice(case.layout)) for case in map(make, SEEDS)]


def plain(value: object) -> object:
    return "".join(c for c in value.upper() if c.isalnum()) if isinstance(value, str) else value


def right(case: Case, invoice: Invoice, field: str) -> bool:
    """VAT ids are printed with or without the country they are given for."""
    said, meant = plain(getattr(invoice, field)), plain(case.gold[field])
    if field == "supplier_vat_id" and isinstance(said, str) and isinstance(meant, str):
        return meant.endswith(said) and len(said) >= 8
    return said == meant


def fields(case: Case) -> list[str]:
    return [name for name, value in case.gold.items() if name != "lines" and value is not None]


def test_the_fields_of_invoices_of_many_countries_are_read(read: list[tuple[Case, Invoice]]):
    hits = Counter(right(case, invoice, field) for case, invoice in read for field in fields(case))
    assert hits[True] / hits.total() > 0.98


@pytest.mark.parametrize("country", COUNTRIES)
def test_no_country_falls_behind(read: list[tuple[Case, Invoice]], country: str):
    mine = [(case, invoice) for case, invoice in read if case.country == country]
    hits = Counter(right(case, invoice, field) for case, invoice in mine for field in fields(case))
    assert hits[True] / hits.total() > 0.93


def test_what_is_trusted_most_is_hardly_ever_wrong(read: list[tuple[Case, Invoice]]):
    trusted = [
        right(case, invoice, field)
        for case, invoice in read
        for field in fields(case)
        if field in invoice.evidence and invoice.evidence[field].trust >= PROVEN
    ]
    assert len(trusted) > 300
    assert sum(trusted) / len(trusted) > 0.995


def test_line_totals_are_read(read: list[tuple[Case, Invoice]]):
    found = wanted = both = 0
    for case, invoice in read:
        gold = case.gold["lines"]
        assert isinstance(gold, list)
        said = Counter(line.line_total for line in invoice.lines)
        both += sum((Counter(gold) & said).values())
        found, wanted = found + said.total(), wanted + len(gold)
    assert both / wanted > 0.97
    assert both / found > 0.97


def test_every_value_has_evidence_on_its_page():
    invoice = read_invoice(make(3).layout)
    evidence = invoice.evidence["gross_total"]
    assert evidence.source == "device"
    assert evidence.page == 1
    assert evidence.box is not None
    assert evidence.quote
    assert all(0 <= e.trust <= 1 for e in invoice.evidence.values())
    assert {"lines.0.line_total"} <= invoice.evidence.keys()


def test_reading_is_a_pure_function():
    layout = make(5).layout
    assert read_invoice(layout) == read_invoice(layout)


def test_the_identities_that_hold_are_named():
    assert "net+tax=gross" in report(make(0).layout).identities


def test_an_empty_page_gives_no_value():
    invoice = read_invoice(as_layout(Canvas()))
    assert invoice.gross_total is None
    assert invoice.supplier_name is None
    assert invoice.lines == []


def test_a_document_without_pages_gives_no_value():
    assert read_invoice(Layout(pages=[])).invoice_number is None


def totals(rows: list[tuple[str, str]]) -> Invoice:
    page = Canvas()
    page.put(60, 40, "Invoice No. 4711", 14)
    for number, (label, amount) in enumerate(rows):
        page.put(300, 300 + 14 * number, label)
        page.put(545, 300 + 14 * number, amount, right=True)
    return read_invoice(as_layout(page))


def test_totals_that_do_not_add_up_are_not_trusted():
    sound = totals([("Net total", "100.00"), ("VAT 20%", "20.00"), ("Total", "120.00")])
    broken = totals([("Net total", "100.00"), ("VAT 20%", "20.00"), ("Total", "140.00")])
    assert sound.evidence["gross_total"].trust >= PROVEN
    assert all(broken.evidence[f].trust < PROVEN for f in ("net_total", "gross_total") if f in broken.evidence)


def test_what_was_paid_before_is_taken_off_the_amount_due():
    invoice = totals(
        [("Net", "100.00"), ("VAT", "20.00"), ("Total", "120.00"), ("Deposit paid", "50.00"), ("Amount due", "70.00")]
    )
    assert (invoice.gross_total, invoice.prepaid, invoice.amount_due) == (
        Decimal("120.00"),
        Decimal("50.00"),
        Decimal("70.00"),
    )


def test_rounding_leads_from_the_gross_total_to_the_amount_due():
    invoice = totals(
        [
            ("Net", "100.00"),
            ("VAT 8.1%", "8.10"),
            ("Total incl. VAT", "108.10"),
            ("Rounding", "-0.10"),
            ("Amount due", "108.00"),
        ]
    )
    assert (invoice.gross_total, invoice.rounding, invoice.amount_due) == (
        Decimal("108.10"),
        Decimal("-0.10"),
        Decimal("108.00"),
    )


def test_a_document_free_of_tax_has_a_tax_of_nought():
    invoice = totals([("Subtotal", "80.00"), ("Total", "80.00"), ("Reverse charge, no VAT", "")])
    assert (invoice.net_total, invoice.tax_total, invoice.gross_total) == (
        Decimal("80.00"),
        Decimal(0),
        Decimal("80.00"),
    )


def test_the_due_date_is_the_one_without_discount():
    page = Canvas()
    page.put(60, 40, "Rechnung Nr. 4711 vom 05.06.2018", 14)
    page.put(60, 300, "Zahlbar innerhalb 30 Tagen netto bis 04.07.2018, 3% Skonto innerhalb 10 Tagen bis 15.06.2018")
    invoice = read_invoice(as_layout(page))
    assert invoice.issue_date == date(2018, 6, 5)
    assert invoice.due_date == date(2018, 7, 4)
    assert invoice.invoice_number == "4711"


def test_american_dates_are_read_month_first():
    page = Canvas()
    page.put(60, 40, "Redwood Printing Inc.", 12)
    page.put(60, 54, "Austin, TX 78701")
    page.put(60, 100, "Invoice Date: 03/04/2020")
    assert read_invoice(as_layout(page)).issue_date == date(2020, 3, 4)


def test_words_set_at_right_angles_are_not_read():
    page = Canvas()
    page.put(60, 40, "Invoice No. 4711", 14)
    layout = as_layout(page)
    word = layout.pages[0].words[0].model_copy(update={"text": "CONFIDENTIAL-99", "box": (20.0, 100.0, 30.0, 300.0)})
    turned = layout.pages[0].model_copy(update={"words": [*layout.pages[0].words, word]})
    assert read_invoice(Layout(pages=[turned])) == read_invoice(layout)


WORDS = st.sampled_from(
    [
        "Rechnung",
        "Nr.",
        "4711",
        "Total",
        "12,50",
        "1.234,00",
        "vom",
        "12.03.2020",
        "19%",
        "MwSt",
        "GmbH",
        "12345",
        "Berlin",
        "IBAN",
        "DE89",
        "€",
        "#",
        ":",
        "-",
        "EUR",
        "Menge",
    ]
)


@given(st.lists(st.tuples(WORDS, st.integers(0, 500), st.integers(0, 800)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_scatter_of_words_breaks_the_reading(scatter: list[tuple[str, int, int]]):
    page = Canvas()
    for text, x, y in scatter:
        page.put(x, y, text)
    invoice = read_invoice(as_layout(page))
    assert all(0 <= e.trust <= 1 for e in invoice.evidence.values())


@pytest.mark.parametrize(
    ("trust", "days", "borne"), [(0.8, 30, 0.96), (0.8, 10, 0.8), (0.8, 31, 0.8), (0.5, 30, 0.5), (0.99, 21, 0.998)]
)
def test_a_due_date_on_usual_net_terms_is_trusted_more_unless_it_has_a_rival(trust: float, days: int, borne: float):
    issued = Found(date(2024, 5, 1), 0.99)
    due = Found(date(2024, 5, 1) + timedelta(days=days), trust)
    assert borne_out(due, issued).trust == pytest.approx(borne)
