"""The page of a hybrid invoice is held against its XML: silence agrees, another value does not."""

from datetime import date
from decimal import Decimal

import pytest

from domains.invoices.einvoice import disagreements
from domains.invoices.records import Invoice, Layout, Page, Tax, Word

INVOICE = Invoice(
    invoice_number="RG-2025/0417",
    issue_date=date(2025, 5, 7),
    due_date=date(2025, 6, 6),
    currency="EUR",
    net_total=Decimal("1210.00"),
    tax_total=Decimal("229.90"),
    gross_total=Decimal("1439.90"),
    amount_due=Decimal("1439.90"),
    taxes=[Tax(rate=Decimal(19), base=Decimal("1210.00"), amount=Decimal("229.90"), category="S")],
    iban="DE02120300000000202051",
    supplier_name="Hafenlogistik Nordkap GmbH",
    supplier_vat_id="DE136695976",
    buyer_name="Teehaus Seeger KG",
    buyer_vat_id="DE811907980",
)
TEXT = """
Hafenlogistik Nordkap GmbH
Kai 7, 20457 Hamburg
Teehaus Seeger KG
Elbchaussee 9, 22763 Hamburg
Rechnungsnummer: RG-2025/0417
Rechnungsdatum: 7. Mai 2025
Ihre USt-IdNr.: DE811907980
Pos Bezeichnung Menge Einzelpreis Betrag
1 Lagerung Container 11 110,00 1.210,00
Nettobetrag 1.210,00 EUR
zzgl. 19 % USt. 229,90 EUR
Rechnungsbetrag 1.439,90 EUR
Zahlbar ohne Abzug bis 06.06.2025
IBAN DE02 1203 0000 0000 2020 51
USt-IdNr.: DE136695976
Vielen Dank für Ihren Auftrag und auf gute Zusammenarbeit
"""
CHANGED = {
    "invoice_number": "RG-2025/0418",
    "issue_date": date(2025, 5, 8),
    "due_date": date(2025, 6, 16),
    "currency": "USD",
    "net_total": Decimal("1200.00"),
    "gross_total": Decimal("1539.90"),
    "amount_due": Decimal("1339.90"),
    "iban": "DE75512108001245126199",
    "supplier_name": "Spedition Wattwurm AG",
    "supplier_vat_id": "DE123456788",
    "buyer_name": "Kontor Möwe OHG",
    "buyer_vat_id": "DE129273398",
}


def page_of(text: str) -> Layout:
    """A page with the rows of a text, ten points a row and five a character."""
    words: list[Word] = []
    for row, line in enumerate(text.strip().splitlines()):
        at = 0
        for word in line.split():
            start = line.index(word, at)
            at = start + len(word)
            words.append(Word(text=word, box=(40 + 5.0 * start, 40 + 14.0 * row, 40 + 5.0 * at, 50 + 14.0 * row)))
    return Layout(pages=[Page(number=1, width=595, height=842, words=words)])


def fields(invoice: Invoice, text: str) -> list[str]:
    return [problem.path for problem in disagreements(invoice, page_of(text))]


def test_a_page_that_says_the_same_raises_nothing():
    assert fields(INVOICE, TEXT) == []


@pytest.mark.parametrize("field", CHANGED)
def test_another_value_in_the_xml_is_found_and_names_its_field(field):
    assert fields(INVOICE.model_copy(update={field: CHANGED[field]}), TEXT) == [field]


def test_another_tax_in_the_xml_is_found():
    other = Decimal("84.70")
    invoice = INVOICE.model_copy(update={"tax_total": other, "taxes": [Tax(rate=Decimal(7), amount=other)]})
    assert fields(invoice, TEXT) == ["tax_total"]


def test_the_message_names_both_values():
    [problem] = disagreements(INVOICE.model_copy(update={"iban": CHANGED["iban"]}), page_of(TEXT))
    assert problem.code == "page_disagrees"
    assert "DE75512108001245126199" in problem.message
    assert "DE02120300000000202051" in problem.message


@pytest.mark.parametrize(
    ("printed", "otherwise"),
    [
        ("1.439,90 EUR", "1'439.90 EUR"),
        ("1.439,90 EUR", "EUR 1 439,90"),
        ("1.439,90 EUR", "€1,439.90"),
        ("1.439,90 EUR", "-1439.90 €"),
        ("7. Mai 2025", "2025-05-07"),
        ("7. Mai 2025", "05/07/2025"),
        ("7. Mai 2025", "7.5.25"),
        ("7. Mai 2025", "May 7, 2025"),
        ("RG-2025/0417", "RG 2025 0417"),
        ("RG-2025/0417", "rg-2025/0417"),
        ("Rechnungsnummer: RG-2025/0417", "Rechnung Nr.RG-2025/0417vom"),
        ("DE02 1203 0000 0000 2020 51", "DE02120300000000202051"),
        ("USt-IdNr.: DE136695976", "VAT DE 136 695 976"),
        ("Hafenlogistik Nordkap GmbH", "HAFENLOGISTIK NORDKAP"),
    ],
)
def test_notation_is_no_disagreement(printed, otherwise):
    assert fields(INVOICE, TEXT.replace(printed, otherwise)) == []


@pytest.mark.parametrize(
    "row",
    [
        "Zahlbar ohne Abzug bis 06.06.2025",
        "IBAN DE02 1203 0000 0000 2020 51",
        "USt-IdNr.: DE136695976",
        "Ihre USt-IdNr.: DE811907980",
        "Nettobetrag 1.210,00 EUR",
        "zzgl. 19 % USt. 229,90 EUR",
        "Hafenlogistik Nordkap GmbH",
    ],
)
def test_a_value_that_is_not_printed_is_no_disagreement_where_an_invoice_may_do_without(row):
    kept = "Hafenlogistik" if row.startswith("Hafen") else ""
    assert fields(INVOICE, TEXT.replace(row, kept)) == []


@pytest.mark.parametrize(
    ("row", "field"),
    [("Rechnungsnummer: RG-2025/0417", "invoice_number"), ("Teehaus Seeger KG", "buyer_name")],
)
def test_what_every_invoice_prints_must_be_there(row, field):
    assert fields(INVOICE, TEXT.replace(row, "")) == [field]


def test_a_total_that_is_not_printed_is_a_disagreement():
    assert fields(INVOICE, TEXT.replace("Rechnungsbetrag 1.439,90 EUR", "")) == ["gross_total", "amount_due"]


def test_a_number_inside_a_longer_one_is_another_number():
    assert fields(INVOICE.model_copy(update={"invoice_number": "0417"}), TEXT) == ["invoice_number"]


def test_a_short_number_counts_only_by_its_label():
    short = TEXT.replace("RG-2025/0417", "12")
    assert fields(INVOICE.model_copy(update={"invoice_number": "12"}), short) == []
    assert fields(INVOICE.model_copy(update={"invoice_number": "11"}), short) == ["invoice_number"]


def test_an_issue_date_that_is_printed_as_another_date_is_found():
    text = TEXT.replace("Kai 7,", "Lieferdatum: 30.04.2025 Kai 7,")
    assert fields(INVOICE.model_copy(update={"issue_date": date(2025, 4, 30)}), text) == ["issue_date"]


def test_a_discount_date_is_no_due_date():
    text = TEXT.replace("Zahlbar ohne Abzug bis 06.06.2025", "Zahlbar in 30 Tagen, 2 % Skonto bis 14.05.2025")
    assert fields(INVOICE, text) == []


def test_what_is_paid_already_need_not_be_printed_as_due():
    assert fields(INVOICE.model_copy(update={"amount_due": Decimal("0.00")}), TEXT) == []


def test_a_further_account_on_the_page_is_no_disagreement():
    assert fields(INVOICE, TEXT + "IBAN DE75 5121 0800 1245 1261 99\n") == []


def test_a_page_without_text_agrees():
    assert fields(INVOICE, "Rechnung") == []
