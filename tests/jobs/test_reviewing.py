"""A review is held by one person at a time, for a while, and only they decide it meanwhile."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from agentflow.errors import RequestError, RunError
from agentflow.jobs import reviewing
from agentflow.jobs.ids import now
from agentflow.jobs.opening import open_runner
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.events import events_of
from tests.engine.toy import Order
from tests.jobs.ledger.books import Books, open_books, pack

ASKED = {"q": {"answers": ["Booked"]}}


async def waiting(books: Books, *names: str) -> list[str]:
    jobs = [await books.accepted(name) for name in names]
    for job in jobs:
        await books.store.change(job.id, status="awaiting_review", questions=ASKED)
    return [job.id for job in jobs]


async def claim(books: Books, by: str = "ann") -> Job | None:
    async with books.store.writing() as session:
        return await reviewing.claim_next(session, "local", ["toy"], by)


async def decide(books: Books, job: str, lease: int | None) -> None:
    async with books.store.writing() as session:
        row = await session.get_one(Job, job)
        await reviewing.decide(session, row, {"q": {}}, "ann", lease)


async def run_out(books: Books, job: str) -> None:
    async with books.sessions.begin() as session:
        await session.execute(update(Job).where(Job.id == job).values(lease_until=now() - timedelta(seconds=1)))


async def lost(doing) -> bool:
    try:
        await doing
    except RequestError as error:
        return error.code == "lease-lost"
    return False


async def test_each_claim_gets_another_review_the_one_due_first_and_then_none(database: str):
    async with open_books(database) as books:
        first, second, third = await waiting(books, "a", "b", "c")
        async with books.sessions.begin() as session:
            soon = now() + timedelta(minutes=5)
            await session.execute(update(Job).where(Job.id == third).values(deadline_at=soon))
        claims = [await claim(books) for _ in range(4)]
        assert [one and one.id for one in claims] == [third, first, second, None]
        assert [one.lease_number for one in claims if one] == [1, 1, 1]


async def test_claims_at_the_same_time_never_get_the_same(database: str):
    async with open_books(database) as books:
        jobs = await waiting(books, *(f"in{n}" for n in range(6)))
        claims = await asyncio.gather(*(claim(books, f"p{n}") for n in range(8)))
        assert sorted(one.id for one in claims if one) == sorted(jobs)


async def test_another_tenants_reviews_and_packs_are_not_claimed(database: str):
    async with open_books(database) as books:
        await waiting(books, "a")
        async with books.store.writing() as session:
            assert await reviewing.claim_next(session, "acme", ["toy"], "eve") is None
            assert await reviewing.claim_next(session, "local", ["other"], "eve") is None
            assert await reviewing.claim_next(session, "local", ["toy"], "eve", "other") is None


async def test_a_claim_that_runs_out_is_back_in_the_queue_and_may_not_decide(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        old = await claim(books)
        await run_out(books, job)
        assert await lost(decide(books, job, old.lease_number))
        new = await claim(books, "bob")
        assert (new.id, new.lease_by, new.lease_number) == (job, "bob", old.lease_number + 1)
        assert await lost(decide(books, job, old.lease_number))
        await decide(books, job, new.lease_number)
        row = await books.store.get(job)
        assert (row.status, row.lease_by, row.lease_until, row.answers) == ("queued", None, None, {"q": {}})


async def test_a_sign_of_life_holds_a_claim_and_comes_too_late_once_it_has_run_out(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        held = await claim(books)
        async with books.sessions.begin() as session:
            soon = now() + timedelta(seconds=30)
            await session.execute(update(Job).where(Job.id == job).values(lease_until=soon))
        async with books.store.writing() as session:
            row = await reviewing.heartbeat(session, "local", job, held.lease_number)
        assert row.lease_until > now() + timedelta(minutes=9)
        await run_out(books, job)
        async with books.store.writing() as session:
            assert await lost(reviewing.heartbeat(session, "local", job, held.lease_number))


async def test_what_is_given_back_is_the_next_ones(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        held = await claim(books)
        async with books.store.writing() as session:
            await reviewing.release(session, "local", job, held.lease_number)
        async with books.store.writing() as session:
            assert await lost(reviewing.release(session, "local", job, held.lease_number))
        assert (await claim(books, "bob")).id == job


async def test_without_a_claim_only_what_nobody_holds_is_decided(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        await claim(books)
        assert await lost(decide(books, job, None))
        await run_out(books, job)
        await decide(books, job, None)
        assert (await books.store.get(job)).status == "queued"


async def test_an_unknown_job_is_not_told_from_another_tenants(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        held = await claim(books)
        async with books.store.writing() as session:
            for tenant, name in (("acme", job), ("local", "job_0")):
                with pytest.raises(RequestError) as none:
                    await reviewing.heartbeat(session, tenant, name, held.lease_number)
                assert none.value.code == "not-found"


async def test_a_runner_in_this_process_does_not_overwrite_a_held_claim(tmp_path):
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["?"]), "a", "1")
        await runner.run(job.id)
        async with runner.store.writing() as session:
            held = await reviewing.claim_next(session, "local", ["toy"], "ann")
        with pytest.raises(RunError, match="looked at by ann"):
            await runner.answer(job.id, "Booked", {"accounts": ["9"]})
        async with runner.store.writing() as session:
            await reviewing.release(session, "local", job.id, held.lease_number)
        assert (await runner.answer(job.id, "Booked", {"accounts": ["9"]})).outcome == "Posted"


async def test_a_new_question_is_told_once(database: str):
    async with open_books(database) as books:
        [job] = await waiting(books, "a")
        async with books.store.looking() as session:
            topics = [one.topic for one in await events_of(session, job)]
        assert topics == ["job.queued", "job.awaiting_review", "review.created"]
