"""Books: where approved invoices are written, once each."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Self

from sqlalchemy import Column, Date, ForeignKey, Integer, MetaData, Row, String, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from agentflow import Money, create_tables, one_at_a_time, open_database, reading, write_csv
from domains.invoices.checks.identities import CREDIT_NOTES
from domains.invoices.records import Invoice, Line

TABLES = MetaData()
POSTINGS = Table(
    "posting",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column(
        "key", String(200), nullable=False, unique=True, comment="the effect's key: one posting each, whatever happens"
    ),
    Column("posted_at", String(40), nullable=False, comment="UTC"),
    Column("vendor_id", Text),
    Column("account", Text),
    Column("supplier_name", Text),
    Column("supplier_vat_id", Text),
    Column("invoice_number", Text),
    Column("type_code", Text),
    Column("issue_date", Date),
    Column("due_date", Date),
    Column("currency", Text),
    Column("net_total", Money),
    Column("tax_total", Money),
    Column("gross_total", Money),
    Column("amount_due", Money),
    Column("booked", Money, comment="the gross total as it is owed: less than nothing for a credit"),
    Column("iban", Text),
    Column("po_number", Text),
)
LINES = Table(
    "posting_line",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("posting", Integer, ForeignKey("posting.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("description", Text),
    Column("quantity", Money),
    Column("unit", Text),
    Column("unit_price", Money),
    Column("line_total", Money),
    Column("tax_rate", Money),
)


@dataclass(frozen=True, slots=True)
class Posting:
    """An invoice as it stands in the books."""

    id: int
    key: str
    posted_at: datetime
    vendor_id: str | None
    account: str | None
    supplier_name: str | None
    invoice_number: str | None
    issue_date: date | None
    currency: str | None
    gross_total: Decimal | None
    booked: Decimal | None
    """The gross total as it is owed: less than nothing for a credit."""


class Books:
    """The books, in a SQLite file beside the run or in any database."""

    name: ClassVar[str] = "books"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator[Self]:
        """The books at `url`, their tables made where missing.

        Where nothing is configured they are `home/books.db`, and `home/books.csv` shows all of them when they close.
        """
        async with open_database(url or f"sqlite:///{home / 'books.db'}") as engine:
            await create_tables(engine, TABLES)
            books = cls(engine)
            yield books
            if url is None:
                await books.export_csv(home / "books.csv")

    async def post(
        self, invoice: Invoice, key: str, *, vendor_id: str | None = None, account: str | None = None
    ) -> Posting:
        """Writes an invoice and its lines in one transaction; a key that wrote before only gets what it wrote."""
        async with one_at_a_time(self._engine, "books") as connection:
            row = await _row(connection, key)
            if row is None:
                await _write(connection, invoice, key, vendor_id, account)
                row = await _row(connection, key)
        if row is None:
            raise AssertionError("a posting was written in this transaction")
        return _posting(row)

    async def find(self, key: str) -> Posting | None:
        """The posting that a key wrote, if it did."""
        async with reading(self._engine).connect() as connection:
            row = await _row(connection, key)
        return _posting(row) if row is not None else None

    async def export_csv(self, path: Path) -> int:
        """Writes all postings to a CSV file, in place of an earlier one; the number of rows.

        Text that a spreadsheet would run as a formula starts with an apostrophe; numbers stay numbers.
        """
        async with reading(self._engine).connect() as connection:
            result = await connection.execute(select(POSTINGS).order_by(POSTINGS.c.id))
            rows = [tuple(row) for row in result]
        await asyncio.to_thread(write_csv, path, [column.name for column in POSTINGS.c], rows)
        return len(rows)


def booked(invoice: Invoice) -> Decimal | None:
    """The gross total as it is owed: a credit note's is less than nothing, whichever sign it is printed with."""
    if invoice.gross_total is None:
        return None
    return -abs(invoice.gross_total) if invoice.type_code in CREDIT_NOTES else invoice.gross_total


async def _row(connection: AsyncConnection, key: str) -> Row[Any] | None:
    return (await connection.execute(select(POSTINGS).where(POSTINGS.c.key == key))).one_or_none()


async def _write(
    connection: AsyncConnection, invoice: Invoice, key: str, vendor_id: str | None, account: str | None
) -> None:
    copied = {
        column.name: getattr(invoice, column.name) for column in POSTINGS.c if column.name in Invoice.model_fields
    }
    made = {"key": key, "posted_at": datetime.now(UTC).isoformat(timespec="seconds"), "booked": booked(invoice)}
    result = await connection.execute(POSTINGS.insert().values(**copied, **made, vendor_id=vendor_id, account=account))
    (posting,) = result.inserted_primary_key or (None,)
    lines = [_line(line, posting, number) for number, line in enumerate(invoice.lines, 1)]
    if lines:
        await connection.execute(LINES.insert(), lines)


def _line(line: Line, posting: int | None, position: int) -> dict[str, Any]:
    return {"posting": posting, "position": position, **line.model_dump()}


def _posting(row: Row[Any]) -> Posting:
    values: dict[str, Any] = {name: getattr(row, name) for name in Posting.__slots__}
    values["posted_at"] = datetime.fromisoformat(row.posted_at)
    return Posting(**values)
