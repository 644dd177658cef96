"""What a run has in hand is written with its next checkpoint, and nothing that was paid is lost without one."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from agentflow import Model, Pack, Policy, Price, Record, workflow
from agentflow.engine.checkpoints import open_checkpoints
from agentflow.engine.fencing import Fence
from agentflow.errors import LeaseLost
from agentflow.flow.journal import AttemptLine, CostLine
from agentflow.jobs.opening import open_runner
from tests.jobs.ledger.books import Books, open_books

CONFIG = {"configurable": {"thread_id": "", "checkpoint_ns": "", "checkpoint_id": "c"}}
TRIED = AttemptLine(attempt="a1", step="read", number=1, source="small")


def call(name: str) -> CostLine:
    return CostLine(call=name, step="read", role="small", model="m", cost=Decimal("0.5"))


@pytest.fixture
async def books(database: str):
    async with open_books(database) as opened:
        yield opened


async def held(books: Books) -> Fence:
    """The fence of a run that holds a job."""
    job = await books.accepted()
    number = await books.store.begin(job.id, since=["queued", "running"], terms=books.terms.id)
    assert number is not None
    return Fence(job.id, number)


async def written(books: Books, job: str) -> tuple[list[str], list[str]]:
    """Calls and attempts that the database has."""
    calls, attempts = await books.store.calls(job), await books.store.attempts(job)
    return sorted(line.call for line in calls), [line.attempt for line in attempts]


async def test_lines_are_written_with_the_checkpoint_behind_them(books: Books, database: str):
    fence = await held(books)
    journal = books.store.journal(fence.job, fence.number, later=True)
    saver = (await open_checkpoints(database, books.store))(fence, journal)
    await journal.spend(call("1"))
    await journal.attempt(TRIED)
    assert await written(books, fence.job) == ([], [])
    await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    assert await written(books, fence.job) == (["1"], ["a1"])
    async with journal.taken() as lines:
        assert lines == ()


async def test_what_was_paid_before_is_written_before_the_next_call_is(books: Books):
    fence = await held(books)
    journal = books.store.journal(fence.job, fence.number, later=True)
    await journal.spend(call("1"))
    await journal.attempt(TRIED)
    await journal.spend(call("2"))
    assert await written(books, fence.job) == (["1"], ["a1"])
    await journal.flush()
    assert await written(books, fence.job) == (["1", "2"], ["a1"])


async def test_a_refused_checkpoint_leaves_what_was_paid_in_hand_and_it_alone_is_kept(books: Books, database: str):
    fence = await held(books)
    journal = books.store.journal(fence.job, fence.number, later=True)
    saver = (await open_checkpoints(database, books.store))(fence, journal)
    await journal.spend(call("1"))
    await journal.attempt(TRIED)
    await books.store.begin(fence.job, since=["running"], terms=books.terms.id)
    with pytest.raises(LeaseLost):
        await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    assert await written(books, fence.job) == ([], [])
    with pytest.raises(LeaseLost):
        await journal.flush()
    assert await written(books, fence.job) == (["1"], [])


async def test_lines_written_twice_are_there_once(books: Books):
    fence = await held(books)
    journal = books.store.journal(fence.job, fence.number, later=True)
    await journal.begin_effect("key", "read")
    await journal.spend(call("1"))
    await journal.end_effect("key", {"type": "Read"}, TRIED)
    await asyncio.gather(journal.flush(), journal.flush())
    assert await written(books, fence.job) == (["1"], ["a1"])
    assert (await journal.begin_effect("key", "read")).made == {"type": "Read"}


class Letter(Record):
    text: str


class Read(Record):
    words: int


class Paid:
    """Binds every role to a model whose answer is paid for; then something happens."""

    def __init__(self, then: Any) -> None:
        self.then = then

    def bind(self, role: str, step: str, problems: Any, journal: Any, variant: int = 0) -> Any:
        self.journal = journal
        return self

    async def ask(self, answer: Any, instructions: str, text: str, *, images: Any = ()) -> Any:
        await self.journal.spend(call("1"))
        return await self.then()


def pack() -> Pack:
    async def read(letter: Letter, *, model: Model) -> Read:
        return await model.ask(Read, "Count.", letter.text)

    flow = workflow("letters", takes=Letter, gives=Read).step(read, policy=Policy(ladder=["small"])).build()
    return Pack(name="letters", workflow=flow, prices={Read: Price("0.40")})


async def test_a_call_is_paid_for_though_its_step_fails(tmp_path: Path, database: str):
    async def breaks() -> None:
        raise KeyError("pages")

    async with open_runner(pack(), home=tmp_path, database=database, models=Paid(breaks)) as runner:
        job = await runner.submit(Letter(text="a b"), "letter-1", "sha")
        done = await runner.run(job.id)
        assert (done.status, done.cost_micros) == ("failed", 500_000)
        assert [line.call for line in await runner.store.calls(job.id)] == ["1"]


async def test_a_call_is_paid_for_though_its_run_is_cancelled(tmp_path: Path, database: str):
    asked, never = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        asked.set()
        await never.wait()

    async with open_runner(pack(), home=tmp_path, database=database, models=Paid(waits)) as runner:
        job = await runner.submit(Letter(text="a b"), "letter-1", "sha")
        run = asyncio.create_task(runner.run(job.id))
        await asked.wait()
        run.cancel()
        await asyncio.wait([run])
        assert [line.call for line in await runner.store.calls(job.id)] == ["1"]


async def test_a_call_is_paid_for_though_its_run_has_lost_the_job(tmp_path: Path, database: str):
    asked, going = asyncio.Event(), asyncio.Event()

    async def waits() -> Read:
        asked.set()
        await going.wait()
        return Read(words=2)

    async with open_runner(pack(), home=tmp_path, database=database, models=Paid(waits)) as runner:
        job = await runner.submit(Letter(text="a b"), "letter-1", "sha")
        run = asyncio.create_task(runner.run(job.id))
        await asked.wait()
        await runner.store.begin(job.id, since=["running"], terms=job.price_list_id or "")
        going.set()
        await run
        assert [line.call for line in await runner.store.calls(job.id)] == ["1"]
        assert await runner.store.attempts(job.id) == []
