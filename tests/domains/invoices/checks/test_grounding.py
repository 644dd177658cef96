"""Grounding: what the page says passes in any notation, what it does not say is told."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Evidence
from domains.invoices.checks import grounded
from domains.invoices.records import Invoice, Layout, Line, Page, Tax, Word


def page(number: int, *rows: str) -> Page:
    words = [Word(text=word, box=(0, n, 1, n)) for n, row in enumerate(rows) for word in row.split()]
    return Page(number=number, width=600, height=800, words=words)


def quoted(path: str, value: object, quote: str, *, on: int = 1, source: str = "device") -> Invoice:
    seen = {path: Evidence(trust=0.9, source=source, page=on, quote=quote)}
    if path.startswith("lines."):
        return Invoice(lines=[Line(**{path.split(".")[2]: value})], evidence=seen)
    if path.startswith("taxes."):
        return Invoice(taxes=[Tax(**{path.split(".")[2]: value})], evidence=seen)
    return Invoice(**{path: value}, evidence=seen)


def told(invoice: Invoice, *rows: str) -> list[str]:
    problems = grounded(Layout(pages=[page(1, *rows)]))(invoice)
    assert all((p.code, p.severity) == ("not_on_page", "error") for p in problems)
    return [problem.path for problem in problems]


NUMBER = Decimal("1234.50")
DAY = date(2014, 5, 7)
SAID = [
    ("gross_total", NUMBER, "1.234,50 EUR"),
    ("gross_total", NUMBER, "$1,234.50"),
    ("gross_total", NUMBER, "1'234.50"),
    ("gross_total", NUMBER, "CHF 1’234.50"),  # noqa: RUF001 as printed in Switzerland
    ("gross_total", NUMBER, "1 234,50"),
    ("gross_total", NUMBER, "1234.5"),
    ("gross_total", -NUMBER, "1.234,50-"),
    ("gross_total", Decimal(1200), "1.200,-"),
    ("gross_total", Decimal("100.10"), "l0O,1O"),
    ("lines.0.line_total", NUMBER, "2 1.234,50"),
    ("lines.0.quantity", Decimal(20), "20,0000"),
    ("taxes.0.rate", Decimal(19), "19 %"),
    ("issue_date", DAY, "7. Mai 2014"),
    ("issue_date", DAY, "07.05.14"),
    ("issue_date", DAY, "05/07/2014"),
    ("issue_date", DAY, "May 7, 2014"),
    ("issue_date", DAY, "20140507"),
    ("currency", "EUR", "€"),
    ("currency", "EUR", "12,00 EUR"),
    ("currency", "CAD", "$ 12.00"),
    ("invoice_number", "RE-2024/0815", "Nr. RE 2024/0815"),
    ("supplier_vat_id", "DE123456789", "USt-IdNr. DE 123 456 789"),
    ("supplier_vat_id", "DE123456789", "123 456 789"),
    ("iban", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
    ("supplier_name", "Nordlicht Energie GmbH", "NORDLICHT ENERGIE GMBH"),
    ("supplier_name", "Nordlicht Energie GmbH", "Nordlioht Energle GmbH"),
    ("type_code", "381", "Gutschrift"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "quote"), SAID)
def test_a_value_that_its_quote_says_in_some_notation_is_grounded(path, value, quote):
    assert told(quoted(path, value, quote), "Something", quote, "else") == []


@pytest.mark.parametrize(
    ("path", "value", "quote"),
    [
        ("gross_total", Decimal("1234.60"), "1.234,50 EUR"),
        ("gross_total", Decimal("34.50"), "1.234,50 EUR"),
        ("gross_total", NUMBER, "Total"),
        ("issue_date", date(2014, 5, 8), "7. Mai 2014"),
        ("due_date", date(2014, 5, 8), "30 Tage netto"),
        ("currency", "USD", "12,00 EUR"),
        ("invoice_number", "RE-2024/0816", "RE-2024/0815"),
        ("iban", "DE89370400440532013001", "DE89 3704 0044 0532 0130 00"),
        ("supplier_name", "Südwind AG", "Nordlicht Energie GmbH"),
    ],
)
def test_a_value_that_its_quote_does_not_say_is_told(path, value, quote):
    assert told(quoted(path, value, quote), quote) == [path]


def test_a_quote_that_the_page_does_not_say_is_told():
    assert told(quoted("gross_total", Decimal(10), "Total 10,00"), "Total 12,00") == ["gross_total"]


def test_a_quote_may_be_parted_by_columns():
    assert told(quoted("gross_total", Decimal(10), "Total 10,00"), "Total Menge", "Seite 10,00") == []


def test_a_quote_stands_on_the_page_it_names():
    layout = Layout(pages=[page(1, "Total 10,00"), page(2, "Total 12,00")])
    assert grounded(layout)(quoted("gross_total", Decimal(12), "Total 12,00", on=2)) == []
    assert len(grounded(layout)(quoted("gross_total", Decimal(12), "Total 12,00", on=1))) == 1


def test_a_due_date_may_follow_from_the_terms():
    invoice = quoted("due_date", date(2014, 6, 6), "Zahlbar in 30 Tagen").model_copy(update={"issue_date": DAY})
    assert told(invoice, "Zahlbar in 30 Tagen") == []


@pytest.mark.parametrize("source", ["xml", "person"])
def test_what_was_not_read_from_a_page_need_not_stand_on_it(source):
    assert told(quoted("gross_total", Decimal(10), "10", source=source), "nothing") == []


def test_evidence_of_what_is_not_there_is_no_problem():
    seen = {
        path: Evidence(trust=1, source="device", quote="x") for path in ("iban", "lines.3.unit", "lines.x.unit", "odd")
    }
    assert told(Invoice(evidence=seen), "nothing") == []


@given(value=st.decimals(0, 10**7, places=2), group=st.sampled_from([",.", ".,", " ,", "' .", "’."]))  # noqa: RUF001 as above
def test_every_number_is_said_by_its_own_notation(value, group):
    printed = f"{value:,.2f}".translate(str.maketrans({",": group[0], ".": group[-1]}))
    assert told(quoted("gross_total", value, printed), printed) == []
