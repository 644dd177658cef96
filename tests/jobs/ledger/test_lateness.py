"""What comes later than its price promises is partly given back by itself, once, when it is settled."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from agentflow import Pack, Price
from agentflow.errors import PackError
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.lateness import credit_late, waited
from agentflow.jobs.ledger.tables import Charge, Credit, ListedPrice, SpendAccount, Transfer
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox
from tests.engine.toy import Posted, Refused, toy
from tests.jobs.ledger.books import Books, open_books, verification

HOUR = timedelta(hours=1)


def promised(percent: int = 25) -> Pack:
    prices = {Posted: Price("0.41", within=HOUR, late_percent=percent), Refused: Price("0.05")}
    return Pack(name="toy", workflow=toy(), prices=prices)


async def accepted(books: Books, ago: timedelta) -> Job:
    books.terms = await books.store.accept(promised())
    job = await books.accepted()
    async with books.sessions.begin() as session:
        await session.execute(update(Job).where(Job.id == job.id).values(created_at=now() - ago))
    return job


async def given_back(books: Books) -> list[tuple[str, int]]:
    async with books.sessions() as session:
        return [(one.reason, one.amount_minor) for one in (await session.scalars(select(Credit))).all()]


async def finish(books: Books, job: Job, outcome: str = "Posted") -> Job:
    return await books.store.finish(job.id, verification(job, outcome=outcome), result={}, output={})


async def test_what_comes_in_time_is_charged_in_full(database: str):
    async with open_books(database) as books:
        await finish(books, await accepted(books, HOUR / 2))
        assert await given_back(books) == []


async def test_what_comes_late_is_credited_with_the_charge_and_told_once(database: str):
    async with open_books(database) as books:
        job = await accepted(books, 2 * HOUR)
        await finish(books, job)
        assert await given_back(books) == [("sla", 10)]  # a quarter of 41, halves to the even one
        async with books.sessions() as session:
            account = await session.get_one(SpendAccount, ("local", "USD"))
            assert (account.reserved_minor, account.charged_minor) == (0, 31)
            told = await session.scalars(select(Outbox.topic).where(Outbox.topic.startswith("charge.")))
            assert sorted(told) == ["charge.created", "charge.credited"]
            moved = await session.scalars(select(Transfer.debit_account).where(Transfer.kind == "credit"))
            assert moved.all() == ["credits_sla"]
        assert await books.faults() == []


async def test_an_outcome_that_promises_nothing_is_never_late(database: str):
    async with open_books(database) as books:
        await finish(books, await accepted(books, 2 * HOUR), "Refused")
        assert await given_back(books) == []


async def test_the_time_that_a_job_waits_for_a_person_is_not_ours(database: str):
    async with open_books(database) as books:
        job = await accepted(books, 3 * HOUR)
        await books.store.change(job.id, status="awaiting_review", questions={})
        async with books.sessions.begin() as session:
            asked = Outbox.topic.in_(("job.awaiting_review", "review.created"))
            await session.execute(update(Outbox).where(asked).values(created_at=now() - timedelta(hours=2.5)))
        await books.store.begin(job.id, since=["awaiting_review"], terms=books.terms.id)
        async with books.sessions() as session:
            assert timedelta(hours=2.4) < await session.run_sync(waited, job.id, now()) < timedelta(hours=2.6)
        await finish(books, job)
        assert await given_back(books) == []


async def test_a_late_charge_is_credited_once_however_often_it_is_looked_at(database: str):
    async with open_books(database) as books:
        job = await finish(books, await accepted(books, 2 * HOUR))
        async with books.sessions.begin() as session:
            charge = (await session.scalars(select(Charge))).one()
            price = await session.get_one(ListedPrice, (charge.price_list_id, charge.outcome))
            await session.run_sync(credit_late, job, charge, price, now())
        assert await given_back(books) == [("sla", 10)]


async def test_a_promise_is_part_of_the_terms_and_a_price_without_one_keeps_its_list(database: str):
    async with open_books(database) as books:
        plain = books.terms.id
        quarter, half = await books.store.accept(promised()), await books.store.accept(promised(50))
        assert len({plain, quarter.id, half.id}) == 3
        async with books.sessions() as session:
            row = await session.get_one(ListedPrice, (half.id, "Posted"))
            assert (row.within_seconds, row.late_minor) == (3600, 20)


@pytest.mark.parametrize(
    "wrong",
    [
        {"within": timedelta()},
        {"within": timedelta(seconds=1.5)},
        {"within": HOUR, "late_percent": 101},
        {"within": HOUR, "late_percent": 0},
        {"within": HOUR, "late_percent": 1},
    ],
    ids=str,
)
def test_a_promise_that_means_nothing_is_refused(wrong):
    with pytest.raises(PackError):
        Price("0.40", **wrong)


def test_all_of_the_price_is_given_back_where_nothing_is_said():
    assert (Price("0.40", within=HOUR).late_minor, Price("0.40", within=HOUR).within_seconds) == (40, 3600)
    assert Price("0.40") == Price("0.40")
    assert Price("0.40").amount == Decimal("0.40")
