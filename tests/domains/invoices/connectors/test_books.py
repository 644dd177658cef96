"""The books: an effect writes once, whole, and comes out as a file that no spreadsheet runs."""

import asyncio
import csv
import sqlite3
from contextlib import closing
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.exc import SQLAlchemyError

from domains.invoices.connectors.books import Books
from domains.invoices.records import Invoice, Line

INVOICE = Invoice(
    supplier_name="=HYPERLINK(1)",
    invoice_number="-1",
    type_code="380",
    issue_date=date(2024, 5, 1),
    currency="EUR",
    net_total=Decimal("-10.50"),
    gross_total=Decimal("-12.50"),
    lines=[
        Line(description="a", quantity=Decimal("1.125"), line_total=Decimal("-10.50")),
        Line(description="b", tax_rate=Decimal(19)),
    ],
)


@pytest.fixture
async def books(tmp_path):
    async with Books.open(None, tmp_path) as books:
        yield books


def rows(tmp_path, query):
    with closing(sqlite3.connect(tmp_path / "books.db")) as database:
        return database.execute(query).fetchall()


async def test_a_posting_holds_the_invoice_its_vendor_and_its_lines(books, tmp_path):
    posting = await books.post(INVOICE, "k", vendor_id="V1", account="4001")
    assert (posting.key, posting.vendor_id, posting.account) == ("k", "V1", "4001")
    assert (posting.invoice_number, posting.issue_date, posting.gross_total) == (
        "-1",
        date(2024, 5, 1),
        Decimal("-12.50"),
    )
    assert await books.find("k") == posting
    query = "SELECT position, description, quantity, line_total, tax_rate FROM posting_line ORDER BY id"
    assert rows(tmp_path, query) == [(1, "a", "1.125", "-10.50", None), (2, "b", None, None, "19")]


async def test_a_key_writes_once(books, tmp_path):
    first = await books.post(INVOICE, "k")
    assert await books.post(INVOICE.model_copy(update={"gross_total": Decimal(1)}), "k") == first
    assert rows(tmp_path, "SELECT count(*), (SELECT count(*) FROM posting_line) FROM posting") == [(1, 2)]


async def test_a_key_used_by_many_at_once_writes_once(database, tmp_path):
    async with Books.open(database, tmp_path) as books:
        postings = await asyncio.gather(*(books.post(INVOICE, "k") for _ in range(10)))
        assert len({posting.id for posting in postings}) == 1
        assert await books.export_csv(tmp_path / "books.csv") == 1


async def test_a_posting_that_fails_on_its_way_leaves_nothing(books, tmp_path):
    with closing(sqlite3.connect(tmp_path / "books.db")) as database:
        database.execute("CREATE TRIGGER no BEFORE INSERT ON posting_line BEGIN SELECT RAISE(ABORT, 'no'); END")
        database.commit()
    with pytest.raises(SQLAlchemyError):
        await books.post(INVOICE, "k")
    assert await books.find("k") is None


@pytest.mark.parametrize(
    ("code", "gross", "booked"),
    [("380", "5", "5"), ("381", "5", "-5"), ("381", "-5", "-5"), ("380", "-5", "-5"), (None, "5", "5")],
)
async def test_a_credit_is_booked_as_less_than_nothing(books, code, gross, booked):
    posting = await books.post(Invoice(type_code=code, gross_total=Decimal(gross)), "k")
    assert posting.booked == Decimal(booked)


async def test_the_export_keeps_text_from_running_and_numbers_as_numbers(books, tmp_path):
    await books.post(INVOICE, "k")
    await books.post(Invoice(supplier_name="Plain, Ltd", iban="@SUM(1)", po_number="\t=1", currency=" +1"), "l")
    assert await books.export_csv(tmp_path / "out" / "books.csv") == 2
    with (tmp_path / "out" / "books.csv").open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["supplier_name"], first["invoice_number"]) == ("'=HYPERLINK(1)", "'-1")
    assert (first["net_total"], first["gross_total"], first["issue_date"]) == ("-10.50", "-12.50", "2024-05-01")
    assert (second["supplier_name"], second["iban"]) == ("Plain, Ltd", "'@SUM(1)")
    assert (second["po_number"], second["currency"], second["gross_total"]) == ("'\t=1", "' +1", "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["books.csv"]


async def test_books_outlive_the_run(tmp_path):
    async with Books.open(None, tmp_path) as books:
        first = await books.post(INVOICE, "k")
    async with Books.open(f"sqlite:///{tmp_path / 'books.db'}", tmp_path / "elsewhere") as books:
        assert await books.post(INVOICE, "k") == first
        assert await books.find("other") is None
