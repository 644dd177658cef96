"""Parsing copies what the XML says and leaves out what it does not say."""

from datetime import date
from decimal import Decimal

import pytest

from domains.invoices.einvoice import parse
from domains.invoices.records import Line, Tax

from .documents import CII, CREDIT_NOTE, UBL, ZUGFERD1


def test_every_field_of_a_ubl_invoice_is_read():
    invoice = parse(UBL.encode())
    assert invoice.model_dump(exclude={"lines", "taxes", "evidence", "accounts"}) == {
        "supplier_name": "Lumière NV",
        "supplier_vat_id": "BE0123456749",
        "supplier_address": "Quay 4, 9000 Gent, BE",
        "invoice_number": "LM-88",
        "type_code": "380",
        "issue_date": date(2025, 2, 3),
        "due_date": date(2025, 3, 5),
        "delivery_date": None,
        "currency": "EUR",
        "net_total": Decimal(200),
        "tax_total": Decimal(42),
        "gross_total": Decimal(242),
        "prepaid": Decimal(42),
        "rounding": None,
        "amount_due": Decimal(200),
        "iban": "BE71096123456769",
        "bic": "GKCCBEBB",
        "payment_terms": "30 days net",
        "buyer_name": "Atelier Sud",
        "buyer_vat_id": None,
        "buyer_address": "Lyon, FR",
        "po_number": "PO-7",
    }
    assert invoice.taxes == [Tax(rate=Decimal(21), base=Decimal(200), amount=Decimal(42), category="S")]


def test_a_ubl_line_is_read_with_its_unit_and_rate():
    assert parse(UBL.encode()).lines == [
        Line(
            description="Desk lamp",
            quantity=Decimal(4),
            unit="C62",
            unit_price=Decimal(50),
            line_total=Decimal(200),
            tax_rate=Decimal(21),
        )
    ]


def test_a_credit_note_says_the_same_in_its_own_element_names():
    credit, invoice = parse(CREDIT_NOTE.encode()), parse(UBL.encode())
    assert credit.type_code == "381"
    assert credit.model_copy(update={"type_code": "380", "evidence": invoice.evidence}) == invoice


def test_every_field_of_a_cii_invoice_is_read():
    invoice = parse(CII.encode())
    assert invoice.model_dump(exclude={"lines", "taxes", "evidence", "accounts"}, exclude_none=True) == {
        "supplier_name": "Gerüstbau Ilm KG",
        "supplier_vat_id": "DE136695976",
        "supplier_address": "Am Kegeltor 1, 99423 Weimar, DE",
        "invoice_number": "TX/2025/19",
        "type_code": "380",
        "issue_date": date(2025, 4, 17),
        "due_date": date(2025, 5, 1),
        "delivery_date": date(2025, 4, 10),
        "currency": "EUR",
        "net_total": Decimal(621),
        "tax_total": Decimal("124.20"),
        "gross_total": Decimal("745.20"),
        "amount_due": Decimal("745.20"),
        "iban": "DE02120300000000202051",
        "buyer_name": "Dachwerk AG",
        "buyer_address": "AT",
        "po_number": "B-4711",
    }
    assert [line.unit for line in invoice.lines] == ["WEE"]
    assert invoice.taxes == [Tax(rate=Decimal(20), base=Decimal(621), amount=Decimal("124.20"), category="S")]


def test_zugferd_1_says_the_same_in_its_older_element_names():
    assert parse(ZUGFERD1.encode()) == parse(CII.encode())


def test_each_value_has_evidence_that_quotes_the_xml():
    evidence = parse(CII.encode()).evidence
    assert (evidence["gross_total"].source, evidence["gross_total"].trust) == ("xml", 1.0)
    assert evidence["lines.0.line_total"].quote == "621.00"
    assert "rounding" not in evidence


@pytest.mark.parametrize("written", ["242,00", "1e3", "two hundred", "NaN", ""])
def test_a_number_against_its_type_is_left_out_and_not_guessed(written):
    assert parse(UBL.replace(">242.00<", f">{written}<").encode()).gross_total is None


@pytest.mark.parametrize("written", ["03.02.2025", "2025-02-30", "tomorrow"])
def test_a_date_against_its_type_is_left_out_and_not_guessed(written):
    assert parse(UBL.replace("2025-02-03", written).encode()).issue_date is None


def test_a_date_with_a_zone_is_read():
    assert parse(UBL.replace("2025-02-03", "2025-02-03+01:00").encode()).issue_date == date(2025, 2, 3)


def test_an_account_number_of_another_kind_is_no_iban():
    assert parse(UBL.replace("BE71 0961 2345 6769", "IBAN-4711").encode()).iban is None


def test_the_tax_total_is_the_one_in_the_currency_of_the_invoice():
    other = '<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">480.00</cbc:TaxAmount></cac:TaxTotal>'
    text = UBL.replace("<cac:TaxTotal>", other + "<cac:TaxTotal>", 1)
    assert parse(text.encode()).tax_total == Decimal(42)


def test_text_and_numbers_without_end_are_bounded():
    invoice = parse(UBL.replace("LM-88", "9" * 100_000).replace(">242.00<", f">{'9' * 100_000}<").encode())
    assert len(invoice.invoice_number or "") == 4_000
    assert invoice.gross_total is None


def test_a_line_of_nothing_is_a_heading_and_left_out():
    text = UBL.replace('unitCode="C62">4<', 'unitCode="C62">0<').replace(">200.00<", ">0.00<")
    assert parse(text.encode()).lines == []


@pytest.mark.parametrize(
    "written", ["DE89-3704-0044-0532-0130-00", "IBAN: DE89 3704 0044 0532 0130 00", "021000021-123456789"]
)
def test_every_account_that_payment_is_asked_to_is_told_however_it_is_written(written):
    invoice = parse(UBL.replace("BE71 0961 2345 6769", written).encode())
    plain = "".join(c for c in written if c.isalnum()).removeprefix("IBAN")
    assert invoice.accounts == [plain]
    assert invoice.iban == (plain if plain.startswith("DE") else None)
