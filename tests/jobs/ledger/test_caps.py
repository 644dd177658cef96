"""A tenant is told when four fifths of the cap are used, once a crossing, and the cap holds."""

import asyncio

import pytest
from sqlalchemy import select

from agentflow.errors import CapError, LedgerError
from agentflow.jobs.ledger.settling import set_cap
from agentflow.jobs.telling.tables import Outbox
from tests.jobs.ledger.books import PRICE, Books, open_books, verification


async def cap(books: Books, minor: int | None) -> None:
    async with books.sessions.begin() as session:
        await session.run_sync(set_cap, "local", "USD", minor)


async def told(books: Books) -> list[tuple[str, int]]:
    async with books.sessions() as session:
        rows = await session.scalars(select(Outbox).where(Outbox.topic == "spend.threshold").order_by(Outbox.source_id))
        return [(row.source_id, row.payload["reserved_minor"] + row.payload["charged_minor"]) for row in rows]


async def test_the_job_that_comes_up_to_the_line_is_told_and_those_behind_it_are_not(database: str):
    async with open_books(database) as books:
        await cap(books, 5 * PRICE)
        for number in range(3):
            await books.accepted(f"in{number}")
        assert await told(books) == []
        for number in range(3, 5):
            await books.accepted(f"in{number}")
        assert await told(books) == [("local:USD#1", 4 * PRICE)]


async def test_what_is_charged_of_what_was_set_aside_is_no_news(database: str):
    async with open_books(database) as books:
        await cap(books, 5 * PRICE)
        for number in range(4):
            await books.finished(f"in{number}")
        assert await told(books) == [("local:USD#1", 4 * PRICE)]


async def test_each_crossing_is_told_for_itself(database: str):
    async with open_books(database) as books:
        await cap(books, PRICE)
        for number in range(2):
            job = await books.accepted(f"in{number}")
            await books.store.fail(job.id)
        assert [source for source, _ in await told(books)] == ["local:USD#1", "local:USD#2"]


async def test_jobs_at_the_same_time_cross_the_line_once(database: str):
    async with open_books(database) as books:
        await cap(books, 10 * PRICE)
        await asyncio.gather(*(books.accepted(f"in{n}") for n in range(10)))
        assert await told(books) == [("local:USD#1", 8 * PRICE)]


async def test_a_cap_that_is_lowered_to_the_line_is_told_and_without_one_nothing_is(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        assert await told(books) == []
        await cap(books, PRICE)
        await cap(books, PRICE + 1)
        assert await told(books) == [("local:USD#1", PRICE)]
        await cap(books, None)
        await books.store.finish(job.id, verification(job), result={}, output={})
        await books.accepted("b")
        assert len(await told(books)) == 1


async def test_a_cap_is_not_set_below_what_is_used_nor_for_who_has_no_account(database: str):
    async with open_books(database) as books:
        await books.accepted()
        with pytest.raises(CapError):
            await cap(books, PRICE - 1)
        with pytest.raises(LedgerError, match="no account"):
            async with books.sessions.begin() as session:
                await session.run_sync(set_cap, "nobody", "USD", 1)
