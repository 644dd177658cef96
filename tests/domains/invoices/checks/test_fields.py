"""Fields of invoices: what is required, and whether codes and dates can be real."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Evidence
from domains.invoices.checks import (
    bic_valid,
    complete,
    currency_known,
    dates_in_order,
    iban_valid,
    vat_ids_valid,
)
from domains.invoices.codes import IBAN_LENGTH, iban_fault
from domains.invoices.records import Invoice

TODAY = date(2024, 6, 1)
FULL = Invoice(
    supplier_name="Acme",
    invoice_number="1",
    issue_date=date(2024, 5, 1),
    currency="EUR",
    gross_total=Decimal(10),
)


def said(problems):
    return [(problem.code, problem.path, problem.severity) for problem in problems]


def test_an_invoice_with_all_required_fields_is_complete():
    assert complete(FULL) == []


@pytest.mark.parametrize("name", ["supplier_name", "invoice_number", "issue_date", "currency", "gross_total"])
def test_every_required_field_is_missed(name):
    assert said(complete(FULL.model_copy(update={name: None}))) == [("field_missing", name, "error")]


def test_a_total_of_nothing_is_a_total():
    assert complete(FULL.model_copy(update={"gross_total": Decimal(0)})) == []


@pytest.mark.parametrize(
    ("issued", "due", "found"),
    [
        (date(2024, 5, 1), date(2024, 5, 1), []),
        (date(2024, 5, 1), date(2024, 5, 31), []),
        (date(2024, 6, 30), None, []),
        (date(2006, 1, 1), None, []),
        (None, date(2024, 5, 1), []),
        (date(2024, 5, 1), date(2024, 4, 30), [("due_before_issue", "due_date", "error")]),
        (date(2024, 5, 1), date(2042, 5, 1), [("due_far_off", "due_date", "note")]),
        (date(2042, 5, 1), None, [("date_in_future", "issue_date", "error")]),
        (date(1924, 5, 1), None, [("date_too_old", "issue_date", "error")]),
    ],
)
def test_dates_stand_in_order_and_can_be_meant(issued, due, found):
    assert said(dates_in_order(Invoice(issue_date=issued, due_date=due), today=TODAY)) == found


@pytest.mark.parametrize(
    "iban",
    ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NO9386011117947", None],
)
def test_a_real_iban_passes_however_it_is_spaced(iban):
    assert iban_valid(Invoice(iban=iban)) == []


@pytest.mark.parametrize(
    ("iban", "words"),
    [
        ("DE88370400440532013000", "check digits"),
        ("DE8937040044053201300", "has 21 characters"),
        ("37040044", "form"),
        ("DE٨٩370400440532013000", "form"),
    ],
)
def test_an_iban_that_cannot_be_is_an_error_that_says_why(iban, words):
    problems = iban_valid(Invoice(iban=iban))
    assert said(problems) == [("iban_invalid", "iban", "error")]
    assert words in problems[0].message


@given(country=st.sampled_from(sorted(IBAN_LENGTH)), data=st.data())
def test_any_single_changed_digit_breaks_an_iban(country, data):
    size = IBAN_LENGTH[country] - 4
    account = data.draw(st.text(alphabet="0123456789", min_size=size, max_size=size))
    rest = int("".join(str(int(c, 36)) for c in f"{account}{country}00")) % 97
    iban = f"{country}{98 - rest:02}{account}"
    assert iban_fault(iban) is None
    at = data.draw(st.integers(4, len(iban) - 1))
    other = data.draw(st.sampled_from("0123456789".replace(iban[at], "")))
    assert iban_fault(iban[:at] + other + iban[at + 1 :]) == "its check digits are wrong"


def from_page(**values: str) -> Invoice:
    return Invoice(**values, evidence={name: Evidence(trust=0.9, source="device", page=1) for name in values})


@pytest.mark.parametrize(
    ("invoice", "found"),
    [
        (Invoice(bic="DEUTDEFF"), []),
        (Invoice(bic="DEUT DE FF 500"), []),
        (Invoice(bic="DEUT"), [("bic_malformed", "bic", "note")]),
        (from_page(bic="DEUT"), [("bic_malformed", "bic", "error")]),
        (from_page(bic="DEUT", iban="DE89370400440532013000"), [("bic_malformed", "bic", "note")]),
    ],
)
def test_a_bic_has_the_form_of_one(invoice, found):
    assert said(bic_valid(invoice)) == found


@pytest.mark.parametrize(
    "code",
    ["DE123456789", "DE 123 456 789", "ATU12345678", "NL123456789B01", "GR123456789", "NO123456789MVA",
     "CHE-123.456.789 MWST", "GB999999973", "FRXX123456789", "ESX1234567X", "IE1234567WA", "12/345/67890", "US-99"],
)  # fmt: skip
def test_vat_ids_of_their_countrys_form_and_numbers_of_no_known_form_pass(code):
    assert vat_ids_valid(from_page(supplier_vat_id=code)) == []


@pytest.mark.parametrize("code", ["DE12345678", "ATU1234567", "NL123456789", "GB1234567"])
def test_a_malformed_vat_id_is_an_error_on_a_page_and_a_note_in_xml(code):
    assert said(vat_ids_valid(from_page(buyer_vat_id=code))) == [("vat_id_malformed", "buyer_vat_id", "error")]
    assert said(vat_ids_valid(Invoice(buyer_vat_id=code))) == [("vat_id_malformed", "buyer_vat_id", "note")]


def test_supplier_and_buyer_with_one_vat_id_are_a_misreading():
    invoice = from_page(supplier_vat_id="DE 123456789", buyer_vat_id="DE123456789")
    assert said(vat_ids_valid(invoice)) == [("vat_id_shared", "supplier_vat_id", "error")]


def test_a_currency_is_an_iso_code():
    assert currency_known(Invoice(currency="EUR")) == []
    assert said(currency_known(Invoice(currency="EURO"))) == [("currency_unknown", "currency", "error")]
