"""Margins: what jobs brought less what their calls cost, never over two currencies."""

from datetime import timedelta
from decimal import Decimal

import pytest

from agentflow import Pack, Price
from agentflow.flow.journal import CostLine
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.giving import charge_of, credit
from agentflow.jobs.ledger.margin import By, Margin, margins
from agentflow.jobs.tables import Job
from tests.engine.toy import Posted, Refused, toy
from tests.jobs.ledger.books import Books, open_books, verification


async def spend(
    books: Books, job: Job, usd: str, step: str = "read", model: str = "m1", fault: str | None = None
) -> None:
    line = CostLine(call=new_id("call"), step=step, role="small", model=model, cost=Decimal(usd), fault=fault)
    await books.store.journal(job.id).spend(line)


async def found(books: Books, by: By, **period: object) -> dict[str, Margin]:
    async with books.sessions() as session:
        return {one.by: one for one in await margins(session, by, **period)}  # pyright: ignore[reportArgumentType] - times


@pytest.fixture(name="one_of_each")
def _one_of_each():
    async def fill(books: Books) -> tuple[Job, Job]:
        """A job that was paid 0.40 and cost 0.05, and one that failed and cost 0.02."""
        paid, failed = await books.accepted("paid"), await books.accepted("failed", tenant="acme")
        await spend(books, paid, "0.03")
        await spend(books, paid, "0.02", step="judge", model="m2")
        await books.store.finish(paid.id, verification(paid), result={}, output={})
        await spend(books, failed, "0.02", fault="model_unreachable")
        await books.store.fail(failed.id)
        return paid, failed

    return fill


async def test_what_failed_jobs_cost_takes_from_the_margin(database: str, one_of_each):
    async with open_books(database) as books:
        await one_of_each(books)
        line = (await found(books, "pack"))["toy"]
        assert (line.jobs, line.calls, line.charged) == (2, 3, {"USD": 40})
        assert (line.cost_micros, line.free_micros, line.margin_micros) == (70_000, 20_000, 330_000)


async def test_credits_take_from_the_margin(database: str, one_of_each):
    async with open_books(database) as books:
        paid, failed = await one_of_each(books)
        async with books.sessions.begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", paid.id), 30, "goodwill", "r1")
        by_job = await found(books, "job")
        assert {job: line.margin_micros for job, line in by_job.items()} == {paid.id: 50_000, failed.id: -20_000}
        by_tenant = await found(books, "tenant")
        assert {tenant: line.margin_micros for tenant, line in by_tenant.items()} == {"local": 50_000, "acme": -20_000}


async def test_of_a_step_and_a_model_the_cost_alone_is_told(database: str, one_of_each):
    async with open_books(database) as books:
        await one_of_each(books)
        steps, models = await found(books, "step"), await found(books, "model")
        assert {step: (line.jobs, line.cost_micros) for step, line in steps.items()} == {
            "read": (2, 50_000),
            "judge": (1, 20_000),
        }
        assert (models["m1"].cost_micros, models["m2"].cost_micros) == (50_000, 20_000)
        assert models["m1"].margin_micros is None
        assert models["m1"].why_none == "a job is paid for as a whole"


async def test_two_currencies_are_never_added(database: str):
    async with open_books(database) as books:
        prices = {Posted: Price("1.00", "EUR"), Refused: Price("0.10", "EUR")}
        abroad = Pack(name="toy", workflow=toy(), prices=prices)
        await books.finished("home")
        books.terms = await books.store.accept(abroad)
        foreign = await books.finished("abroad")
        line = (await found(books, "pack"))["toy"]
        assert line.charged == {"USD": 40, "EUR": 100}
        assert (line.margin_micros, line.why_none) == (None, "charged in EUR, and no rate to USD is kept")
        assert (await found(books, "job"))[foreign.id].charged == {"EUR": 100}


async def test_a_period_is_that_in_which_jobs_were_accepted(database: str, one_of_each):
    async with open_books(database) as books:
        await one_of_each(books)
        assert await found(books, "pack", until=now() - timedelta(days=1)) == {}
        assert (await found(books, "pack", since=now() - timedelta(days=1)))["toy"].jobs == 2
