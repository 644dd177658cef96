"""A posting that a crash cut off is found in the books and not written again."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.flow.policy import JobId
from agentflow.testing import FakeModels, MemoryJournal
from domains.invoices.connectors.books import Books
from domains.invoices.connectors.orders import Orders
from domains.invoices.pack import invoices
from domains.invoices.records import Invoice, Matched, Posted

POST = next(step for step in invoices.workflow.steps if step.name == "post")


class OrdersOf:
    """Orders that are drawn on by nobody else."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    async def draw(self, invoice: Invoice, job: str, *, approved: bool = False) -> list[Any]:
        self.drawn.append(job)
        return []


async def test_a_posting_that_a_crash_cut_off_is_found_in_the_books(tmp_path: Path):
    class Crashing(Books):
        async def post(self, *args: Any, **more: Any) -> Any:
            await super().post(*args, **more)
            raise ConnectionError("the answer was lost on the way")

    matched = Matched(invoice=Invoice(invoice_number="7", gross_total=Decimal(119)), vendor_id="V1", account="4711")
    journal, orders = MemoryJournal(), OrdersOf()
    async with Crashing.open(None, tmp_path) as books:
        services = Services("job", {Books: books, Orders: orders, JobId: JobId("job")}, FakeModels(), journal)
        with pytest.raises(ConnectionError):
            await perform(POST, [matched], services)
        verdict: Any = await perform(POST, [matched], services)
        assert verdict.made == Posted(entry=1, vendor_id="V1", account="4711")
        assert await books.export_csv(tmp_path / "all.csv") == 1
    assert orders.drawn == ["job"]
