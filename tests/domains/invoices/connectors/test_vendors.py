"""The vendor book: suppliers are found by what agrees, and what differs from the book is told."""

import sqlite3
from contextlib import closing

import pytest

from agentflow.errors import ConnectorError
from domains.invoices.connectors.vendor_book import Vendor
from domains.invoices.connectors.vendors import Vendors
from domains.invoices.records import Invoice

OLD, NEW, THIRD = "DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"


def book(*vendors: Vendor) -> Vendors:
    return Vendors(vendors)


def vendor(number: str, name: str, vat: str = "", iban: str = "", currency: str = "EUR") -> Vendor:
    return Vendor(number, name, frozenset(filter(None, [vat])), frozenset(filter(None, [iban])), frozenset([currency]))


BOOK = book(
    vendor("1", "Nordlicht Energie GmbH", "DE123456789", OLD),
    vendor("2", "Südwind Handel AG", "DE987654321"),
    vendor("3", "Gruppe Nord Logistik", "ATU12345678", THIRD),
    vendor("4", "Gruppe Nord Technik", "ATU12345678", THIRD),
    vendor("5", "Zwilling Ltd", currency="GBP"),
    vendor("6", "Zwilling Ltd", currency="USD"),
)


def found(**values: str) -> str | None:
    match = BOOK.match(Invoice(**values))
    return match and match.vendor.vendor_id


def codes(problems):
    return [(problem.code, problem.severity) for problem in problems]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"supplier_name": "NORDLICHT ENERGIE"}, "1"),
        ({"supplier_name": "Nordlioht Energle GmbH"}, "1"),
        ({"supplier_name": "Suedwind Handel"}, "2"),
        ({"supplier_vat_id": "DE 123 456 789"}, "1"),
        ({"iban": "DE89 3704 0044 0532 0130 00"}, "1"),
        ({"supplier_name": "Nordlicht", "supplier_vat_id": "DE123456789"}, "1"),
        ({"supplier_name": "Nordlicht Service", "iban": OLD}, "1"),
        ({"supplier_name": "Nordlicht Handel GmbH"}, None),
        ({"supplier_name": "Another"}, None),
        ({}, None),
    ],
)
def test_a_vendor_is_found_by_name_vat_id_or_bank_account(values, expected):
    assert found(**values) == expected


def test_a_match_says_what_agrees_and_how_well():
    match = BOOK.match(Invoice(supplier_name="Nordlicht Energie GmbH", supplier_vat_id="DE123456789", iban=OLD))
    assert match is not None
    assert match.by == ("vat_id", "iban", "name")
    assert match.score == 1


def test_vendors_that_share_a_vat_id_are_told_apart_by_name():
    assert found(supplier_name="Gruppe Nord Logistik", supplier_vat_id="ATU12345678") == "3"
    assert found(supplier_name="GRUPPE NORD TECHNIK", supplier_vat_id="ATU12345678", iban=THIRD) == "4"


@pytest.mark.parametrize(
    "values",
    [
        {"supplier_vat_id": "ATU12345678"},
        {"supplier_name": "Zwilling Ltd"},
        {"supplier_name": "Südwind Handel AG", "supplier_vat_id": "DE123456789"},
    ],
    ids=["a shared VAT id alone", "one name twice", "the name of one, the VAT id of another"],
)
def test_what_could_be_several_is_nobody_and_told_as_ambiguous(values):
    assert found(**values) is None
    problem = BOOK.problems(Invoice(**values))[0]
    assert (problem.code, problem.severity) == ("vendor_ambiguous", "error")
    assert problem.message.count("(") > 1


def test_vendors_of_one_name_are_told_apart_by_currency():
    assert found(supplier_name="Zwilling Ltd", currency="USD") == "6"


def test_an_invoice_as_the_book_has_it_is_no_problem():
    invoice = Invoice(supplier_name="Nordlicht Energie GmbH", supplier_vat_id="DE123456789", iban=OLD, currency="EUR")
    assert BOOK.problems(invoice) == []
    assert BOOK.problems(invoice.model_copy(update={"iban": None, "supplier_vat_id": None})) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"supplier_name": "Another"}, [("new_vendor", "error")]),
        ({}, [("new_vendor", "error")]),
        ({"supplier_name": "Nordlicht Energie", "iban": NEW}, [("bank_details_changed", "error")]),
        ({"supplier_vat_id": "DE123456789", "iban": NEW}, [("bank_details_changed", "error")]),
        ({"supplier_name": "Südwind Handel", "iban": NEW}, [("bank_details_new", "note")]),
        ({"supplier_name": "Südwind Handel", "iban": OLD}, [("bank_details_changed", "error")]),
        ({"supplier_name": "Südwind Handel", "supplier_vat_id": "DE111111111"}, [("vat_id_differs", "error")]),
        ({"supplier_name": "Südwind Handel", "currency": "USD"}, [("currency_unusual", "error")]),
        ({"supplier_name": "Nordlicht", "supplier_vat_id": "DE123456789"}, [("vendor_name_differs", "note")]),
    ],
)
def test_what_differs_from_the_book_is_told(values, expected):
    assert codes(BOOK.problems(Invoice(**values))) == expected


async def test_a_book_is_read_from_csv_under_usual_headers(tmp_path):
    (tmp_path / "v.csv").write_text(
        f"Kreditor;Firma;USt-IdNr.;IBAN;Währung;Sachkonto\n70001;Südwind;DE 1;{OLD} | {NEW};EUR|USD;4001\n"
    )
    async with Vendors.open(str(tmp_path / "v.csv"), tmp_path) as vendors:
        expected = Vendor(
            "70001", "Südwind", frozenset(["DE1"]), frozenset([OLD, NEW]), frozenset(["EUR", "USD"]), account="4001"
        )
        assert vendors.vendors == [expected]


async def test_a_book_is_read_from_a_database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as theirs:
        theirs.execute("CREATE TABLE vendors (id INTEGER, supplier TEXT)")
        theirs.execute("INSERT INTO vendors VALUES (7, 'Acme'), (8, NULL)")
        theirs.commit()
    async with Vendors.open(f"sqlite:///{tmp_path / 'x.db'}?table=vendors", tmp_path) as vendors:
        assert vendors.vendors == [Vendor("7", "Acme")]


async def test_a_book_without_names_is_refused(tmp_path):
    (tmp_path / "v.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConnectorError, match="name"):
        async with Vendors.open(str(tmp_path / "v.csv"), tmp_path):
            pass


async def test_with_no_book_connected_nobody_is_found_and_nothing_objected_to(tmp_path):
    async with Vendors.open(None, tmp_path) as vendors:
        assert not vendors.connected
        assert vendors.match(Invoice(supplier_name="Acme")) is None
        assert vendors.problems(Invoice(supplier_name="Acme")) == []
