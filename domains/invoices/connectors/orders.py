"""Orders: what was ordered, and whether an invoice keeps to it (two-way match)."""

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Column, MetaData, String, Table, Text, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from agentflow import Money, Problem, create_tables, one_at_a_time, open_database, reading
from domains.invoices.connectors.books import booked
from domains.invoices.connectors.likeness import name_likeness, number_key, same_number
from domains.invoices.connectors.order_table import Order, read_orders
from domains.invoices.records import Invoice

TABLES = MetaData()
DRAWN = Table(
    "drawn",
    TABLES,
    Column("job", Text, primary_key=True),
    Column("po_key", String(100), nullable=False, index=True),
    Column("amount", Money, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far invoices may go beyond their order: the larger of a share and an amount."""

    share: Decimal = Decimal("0.02")
    amount: Decimal = Decimal("1.00")

    def of(self, total: Decimal) -> Decimal:
        """The amount by which invoices may exceed an order of `total`."""
        return max(abs(total) * self.share, self.amount)


class Orders:
    """Purchase orders from a CSV file or a SQL table, and what invoices have drawn on them so far.

    With none configured nothing is objected to.
    """

    name: ClassVar[str] = "orders"

    def __init__(self, orders: Iterable[Order], engine: AsyncEngine | None, tolerance: Tolerance | None = None) -> None:
        self.tolerance = tolerance or Tolerance()
        self.connected = engine is not None
        self._engine = engine
        self._orders = {number_key(order.po_number): order for order in orders}

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator[Self]:
        """The orders at `url`, read whole; what is drawn on them stands in `home/orders.db`.

        Raises ConnectorError where they cannot be read, have no column of order numbers, or an amount is no number.
        """
        if url is None:
            yield cls([], None)
            return
        orders = await read_orders(url)
        async with open_database(f"sqlite:///{home / 'orders.db'}") as engine:
            await create_tables(engine, TABLES)
            yield cls(orders, engine)

    def find(self, invoice: Invoice) -> Order | None:
        """The order that an invoice names, however it writes the number; part deliveries may add `-1` to it."""
        number = invoice.po_number or ""
        for spelt in (number, re.sub(r"[-/._ ]\d{1,2}$", "", number.strip())):
            if found := self._orders.get(number_key(spelt)):
                return found
        return next((order for order in self._orders.values() if same_number(number, order.po_number)), None)

    async def problems(self, invoice: Invoice, job: str, vendor_id: str | None = None) -> list[Problem]:
        """`order_unknown`, `order_other_vendor`, `order_other_currency`, `order_amount_exceeded`.

        An invoice that names no order has none of them. Counts what other jobs have drawn; draws nothing.
        """
        if self._engine is None or not invoice.po_number:
            return []
        order = self.find(invoice)
        if order is None:
            return [_problem("order_unknown", f"There is no order {invoice.po_number}.", invoice.po_number)]
        async with reading(self._engine).connect() as connection:
            return _differing(invoice, order, vendor_id) + await self._exceeding(connection, invoice, order, job)

    async def draw(self, invoice: Invoice, job: str, *, approved: bool = False) -> list[Problem]:
        """Draws an invoice on its order, once a job; what does not fit is told, and drawn only where `approved`."""
        order = self.find(invoice)
        amount = None if order is None else _amount(invoice, order)
        if self._engine is None or order is None or amount is None:
            return []
        async with one_at_a_time(self._engine, "orders") as connection:
            problems = await self._exceeding(connection, invoice, order, job)
            await connection.execute(DRAWN.delete().where(DRAWN.c.job == job))
            if approved or not problems:
                row = {"job": job, "po_key": number_key(order.po_number), "amount": amount}
                await connection.execute(DRAWN.insert().values(row))
            return problems

    async def release(self, job: str) -> None:
        """Gives back what a job has drawn."""
        if self._engine is not None:
            async with one_at_a_time(self._engine, "orders") as connection:
                await connection.execute(DRAWN.delete().where(DRAWN.c.job == job))

    async def _exceeding(self, connection: AsyncConnection, invoice: Invoice, order: Order, job: str) -> list[Problem]:
        total, amount = _total(order), _amount(invoice, order)
        if total is None or amount is None:
            return []
        asked = select(DRAWN.c.amount).where(DRAWN.c.po_key == number_key(order.po_number), DRAWN.c.job != job)
        drawn = sum((await connection.execute(asked)).scalars(), Decimal(0))
        if drawn + amount <= total + self.tolerance.of(total):
            return []
        before = f", after {drawn} billed before" if drawn else ""
        message = f"The invoice bills {amount}{before}; order {order.po_number} is over {total}."
        return [_problem("order_amount_exceeded", message, order.po_number)]


def _total(order: Order) -> Decimal | None:
    return order.net_total if order.net_total is not None else order.gross_total


def _amount(invoice: Invoice, order: Order) -> Decimal | None:
    """What an invoice draws on its order, in the order's terms; a credit gives back."""
    gross = booked(invoice)
    if order.net_total is None:
        return gross
    if invoice.net_total is None:
        return None
    return -abs(invoice.net_total) if gross is not None and gross < 0 else invoice.net_total


def _differing(invoice: Invoice, order: Order, vendor_id: str | None) -> list[Problem]:
    found: list[Problem] = []
    if order.vendor_id and vendor_id and order.vendor_id != vendor_id:
        message = f"Order {order.po_number} is of vendor {order.vendor_id}; the invoice is from {vendor_id}."
        found.append(_problem("order_other_vendor", message, order.po_number))
    elif order.supplier and invoice.supplier_name and name_likeness(order.supplier, invoice.supplier_name) < 0.8:
        message = f"Order {order.po_number} is of {order.supplier}; the invoice is from {invoice.supplier_name}."
        found.append(_problem("order_other_vendor", message, order.po_number))
    if order.currency and invoice.currency and order.currency != invoice.currency:
        message = f"Order {order.po_number} is in {order.currency}; the invoice is in {invoice.currency}."
        found.append(_problem("order_other_currency", message, order.po_number))
    return found


def _problem(code: str, message: str, reference: str) -> Problem:
    return Problem(code=code, message=message, path="po_number", reference=reference)
