"""A job past its deadline ends free of charge, whoever carries it and where nobody does."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from agentflow import EffectKey, Pack, Price, Record, workflow
from agentflow.engine.models import Models
from agentflow.errors import RequestError, RunError
from agentflow.jobs import limits
from agentflow.jobs.accepting import LONGEST
from agentflow.jobs.deadlines import AT_ONCE, sweep
from agentflow.jobs.engines.inline import InlineEngine
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.tables import Reservation
from agentflow.jobs.opening import open_runner
from agentflow.jobs.service import Agentflow
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox
from tests.engine.toy import Order
from tests.jobs.ledger.books import Books, open_books, pack, verification

PAST = timedelta(seconds=-1)


async def due(store: Store, job: str, within: timedelta = PAST) -> None:
    async with store.writing() as session:
        await session.execute(update(Job).where(Job.id == job).values(deadline_at=now() + within))


async def expired(books: Books, job: str) -> bool:
    async with books.sessions() as session:
        row = await session.get_one(Job, job)
        held = await session.get_one(Reservation, job)
        told = await session.scalar(select(func.count()).where(Outbox.topic == "job.expired", Outbox.job_id == job))
        return (row.status, row.price_minor, held.ended_as, told) == ("expired", 0, "released", 1)


async def test_the_sweeper_ends_what_nobody_carries_and_lets_go_of_what_was_set_aside(database: str):
    async with open_books(database) as books:
        late, early = await books.accepted("a"), await books.accepted("b")
        await due(books.store, late.id)
        await due(books.store, early.id, timedelta(hours=1))
        assert await sweep(books.store, InlineEngine()) == 1
        assert await sweep(books.store, InlineEngine()) == 0
        assert await expired(books, late.id)
        assert not await expired(books, early.id)
        assert await books.faults() == []


async def test_a_run_that_the_sweeper_was_faster_than_writes_nothing_more(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        fence = await books.store.begin(job.id, since=["queued"], terms=books.terms.id)
        await due(books.store, job.id)
        assert await sweep(books.store, InlineEngine()) == 1
        assert (await books.store.get(job.id)).fence > fence
        assert await expired(books, job.id)


async def test_an_outcome_that_comes_after_the_deadline_is_free(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        await due(books.store, job.id)
        ended = await books.store.finish(job.id, verification(job), result={}, output={})
        assert (ended.status, ended.result) == ("expired", None)
        assert await expired(books, job.id)
        assert await books.faults() == []


async def test_a_failure_and_a_question_after_the_deadline_are_an_expiry(database: str):
    async with open_books(database) as books:
        failing, asking = await books.accepted("a"), await books.accepted("b")
        for job in (failing, asking):
            await due(books.store, job.id)
        await books.store.fail(failing.id, problems=[])
        await books.store.change(asking.id, status="awaiting_review", questions={"q": {}})
        assert await expired(books, failing.id)
        assert await expired(books, asking.id)


async def test_an_overdue_job_is_not_begun(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        await due(books.store, job.id)
        assert await books.store.begin(job.id, since=["queued"], terms=books.terms.id) is None
        assert await expired(books, job.id)


async def test_a_sweep_goes_on_until_nothing_is_overdue(tmp_path: Path):
    async with open_books(f"sqlite:///{tmp_path / 'jobs.db'}") as books:
        for number in range(AT_ONCE + 2):
            await books.accepted(f"in{number}")
        async with books.sessions.begin() as session:
            await session.execute(update(Job).values(deadline_at=now() + PAST))
        assert [await sweep(books.store, InlineEngine()) for _ in range(3)] == [AT_ONCE, 2, 0]


async def test_a_review_that_nobody_answers_in_time_is_free_and_its_checkpoints_are_deleted(
    tmp_path: Path, database: str
):
    async with Agentflow([pack()], home=tmp_path, database=database) as af:
        job = await af.submit("toy", Order(lines=["?"]), deadline=timedelta(hours=1))
        assert (await job.outcome(20)).status == "awaiting_review"
        assert await checkpoints(af.store) > 0
        await due(af.store, job.id)
        while (await af.job(job.id)).status == "awaiting_review":
            await job.outcome(0.05)
        while await checkpoints(af.store):
            await job.outcome(0.05)
        assert (await af.job(job.id)).status == "expired"
        async with af.store.looking() as session:
            assert await audit(session) == []


async def test_a_review_that_is_canceled_leaves_no_checkpoints(tmp_path: Path):
    async with Agentflow([pack()], home=tmp_path) as af:
        job = await af.submit("toy", Order(lines=["?"]))
        await job.outcome(20)
        assert await checkpoints(af.store) > 0
        await job.cancel()
        assert await checkpoints(af.store) == 0


async def test_an_answer_after_the_deadline_is_refused(tmp_path: Path):
    async with Agentflow([pack()], home=tmp_path, tell=False) as af:
        job = await af.submit("toy", Order(lines=["?"]))
        await job.outcome(20)
    async with Agentflow([pack()], home=tmp_path, work=False) as af:
        await due(af.store, job.id)
        with pytest.raises(RequestError, match="past its deadline"):
            await af.answer(job.id, "Booked", {"accounts": []})


async def test_a_job_without_a_deadline_of_its_own_has_one_all_the_same(tmp_path: Path):
    async with Agentflow([pack()], home=tmp_path, work=False) as af:
        row = await af.job((await af.submit("toy", Order(lines=["a"]))).id)
        assert row.deadline_at == row.created_at + LONGEST


class Half(Record):
    value: int


class Whole(Record):
    value: int


async def test_no_step_is_begun_after_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    begun: list[str] = []

    async def first(order: Order) -> Half:
        begun.append("first")
        monkeypatch.setattr(limits, "now", lambda: now() + timedelta(hours=2))
        await due(runner.store, job.id)
        return Half(value=1)

    async def second(half: Half, *, key: EffectKey) -> Whole:
        begun.append("second")
        return Whole(value=half.value)

    built = workflow("halves", takes=Order, gives=Whole).step(first).step(second, effect=True).build()
    async with open_runner(Pack(name="halves", workflow=built, prices={Whole: Price("1")}), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=[]), "a", "1")
        await due(runner.store, job.id, timedelta(hours=1))
        done = await runner.run(job.id)
    assert (begun, done.status) == (["first"], "expired")


async def test_models_are_told_how_much_time_a_job_has_left(tmp_path: Path):
    async with open_books(f"sqlite:///{tmp_path / 'jobs.db'}") as books:
        job = await books.accepted()
        await due(books.store, job.id, timedelta(hours=1))
        row = await books.store.get(job.id)
        held = await limits.within(pack(), row, Models({}), books.store)
        assert 3590 < held.seconds_left <= 3600
        sooner = replace(pack(), deadline=60.0)
        assert (await limits.within(sooner, row, Models({}), books.store)).seconds_left <= 60


async def checkpoints(store: Store) -> int:
    async with store.looking() as session:
        return await session.scalar(text("SELECT COUNT(*) FROM checkpoints")) or 0


async def test_what_a_person_has_answered_too_late_is_not_booked(tmp_path: Path):
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["?"]), "a", "1")
        await runner.run(job.id)
        await due(runner.store, job.id)
        with pytest.raises(RunError, match="is expired"):
            await runner.answer(job.id, "Booked", {"accounts": ["9"]})
        assert (await runner.store.get(job.id)).status == "expired"
