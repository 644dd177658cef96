"""A run that has lost its job to a later one writes nothing more; what it spent is kept."""

import asyncio
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agentflow import EffectKey, Pack, Price, Record, workflow
from agentflow.connectors import sql
from agentflow.connectors.prepared import one_trip
from agentflow.connectors.sql import open_database
from agentflow.engine.checkpoints import forget, open_checkpoints
from agentflow.engine.fencing import Fence
from agentflow.errors import LeaseLost, StoreError
from agentflow.flow.journal import AttemptLine, Begun, CostLine
from agentflow.jobs.opening import open_runner
from agentflow.jobs.store import open_store
from tests.jobs.ledger.books import open_books, verification


class Letter(Record):
    text: str


class Read(Record):
    words: int


class Filed(Record):
    words: int


class Stops:
    """Holds the first run of each step named in `at` until it is let go; counts all runs."""

    def __init__(self, *at: str) -> None:
        self.ran: list[str] = []
        self.reached = {step: asyncio.Event() for step in at}
        self.go = asyncio.Event()

    async def __call__(self, step: str) -> None:
        self.ran.append(step)
        if step in self.reached and self.ran.count(step) == 1:
            self.reached[step].set()
            await self.go.wait()


def pack(stops: Stops) -> Pack:
    async def read(letter: Letter) -> Read:
        await stops("read")
        return Read(words=len(letter.text.split()))

    async def file(read: Read, *, key: EffectKey) -> Filed:
        await stops("file")
        return Filed(words=read.words)

    flow = workflow("letters", takes=Letter, gives=Filed).step(read).step(file, effect=True).build()
    return Pack(name="letters", workflow=flow, prices={Filed: Price("0.40")})


@asynccontextmanager
async def two_workers(stops: Stops, home: Path, database: str):
    """Two runners on one database, as two processes have them, and a job."""
    async with (
        open_runner(pack(stops), home=home, database=database) as one,
        open_runner(pack(stops), home=home, database=database) as other,
    ):
        job = await one.submit(Letter(text="a b"), "letter-1", "sha")
        yield one, other, job.id


@asynccontextmanager
async def a_lost_run(database: str):
    """A store, a job, and the fence of a run of it that a later one has taken over."""
    async with open_books(database) as books:
        job = await books.accepted()
        since = ["queued", "running"]
        lost = await books.store.begin(job.id, since=since, terms=books.terms.id)
        await books.store.begin(job.id, since=since, terms=books.terms.id)
        yield books.store, job, lost


@pytest.mark.parametrize("step", ["read", "file"])
async def test_a_paused_run_wakes_up_and_changes_nothing(step: str, tmp_path: Path, database: str):
    stops = Stops(step)
    async with two_workers(stops, tmp_path, database) as (one, other, job):
        paused = asyncio.create_task(one.run(job))
        await stops.reached[step].wait()
        done = await other.run(job)
        stops.go.set()
        woken = await paused
    assert (done.status, done.price_minor, done.fence) == ("finished", 40, 2)
    assert (woken.status, woken.fence, woken.finished_at) == ("finished", 2, done.finished_at)
    assert stops.ran == (["read", "read", "file"] if step == "read" else ["read", "file", "file"])


async def test_a_woken_run_stops_before_its_next_step(tmp_path: Path, database: str):
    stops = Stops("read", "file")
    async with two_workers(stops, tmp_path, database) as (one, other, job):
        paused = asyncio.create_task(one.run(job))
        await stops.reached["read"].wait()
        taken = asyncio.create_task(other.run(job))
        await stops.reached["file"].wait()
        stops.go.set()
        await asyncio.gather(paused, taken)
    assert stops.ran == ["read", "read", "file"]


async def test_a_job_run_many_times_at_once_ends_once(tmp_path: Path, database: str):
    stops = Stops()
    async with two_workers(stops, tmp_path, database) as (one, other, job):
        await asyncio.gather(*(runner.run(job) for runner in (one, other) * 4))
        row = await one.store.get(job)
    assert row is not None
    assert (row.status, row.price_minor) == ("finished", 40)


async def test_steps_that_a_killed_run_left_of_a_finished_job_are_deleted(tmp_path: Path, database: str):
    from langgraph.checkpoint.base import empty_checkpoint

    async with two_workers(Stops(), tmp_path, database) as (one, _, job):
        savers = await open_checkpoints(database, one.store)
        done = await one.run(job)
        saver = savers(Fence(job, done.fence))
        config = {"configurable": {"thread_id": job, "checkpoint_ns": "", "checkpoint_id": "c"}}
        await saver.aput(config, empty_checkpoint(), {}, {})
        await one.run(job)
        assert await saver.aget_tuple({"configurable": {"thread_id": job}}) is None


async def test_checkpoints_of_a_lost_run_are_refused(database: str):
    from langgraph.checkpoint.base import empty_checkpoint

    async with a_lost_run(database) as (store, job, lost):
        savers = await open_checkpoints(database, store)
        config = {"configurable": {"thread_id": job.id, "checkpoint_ns": "", "checkpoint_id": "c"}}
        saver = savers(Fence(job.id, lost))
        with pytest.raises(LeaseLost):
            await saver.aput(config, empty_checkpoint(), {}, {})
        with pytest.raises(LeaseLost):
            await saver.aput_writes(config, [("a", 1)], "task")
        with pytest.raises(LeaseLost):
            await forget(Fence(job.id, lost), store)
        holder = savers(Fence(job.id, lost + 1))
        assert await holder.aget_tuple({"configurable": {"thread_id": job.id}}) is None
        await holder.aput(config, empty_checkpoint(), {}, {})
        assert await holder.aget_tuple({"configurable": {"thread_id": job.id}}) is not None


async def test_checkpoints_are_read_and_written_at_once_while_others_write_to_the_database(
    tmp_path: Path, database: str
):
    from langgraph.checkpoint.base import empty_checkpoint

    async with open_runner(pack(Stops()), home=tmp_path, database=database) as runner:
        job = await runner.submit(Letter(text="a b"), "letter-1", "sha")
        fence = await runner.store.begin(job.id, since=("queued",), terms=job.price_list_id or "")
        assert fence is not None
        savers = await open_checkpoints(database, runner.store)
        held, thread = Fence(job.id, fence), {"thread_id": job.id, "checkpoint_ns": ""}
        stored = await savers(held).aput({"configurable": thread}, empty_checkpoint(), {}, {})

        async def read() -> None:
            for _ in range(400):
                await savers(held).aget_tuple({"configurable": thread})

        async def write() -> None:
            for number in range(100):
                await savers(held).aput_writes(stored, [("channel", number)], "task")

        async def elsewhere() -> None:
            for _ in range(50):
                await runner.store.change(job.id, seconds=1.0)

        await asyncio.gather(read(), read(), read(), write(), write(), elsewhere(), elsewhere())


async def test_effects_and_attempts_of_a_lost_run_are_refused_and_its_costs_are_kept(database: str):
    async with a_lost_run(database) as (store, job, lost):
        journal = store.journal(job.id, lost)
        with pytest.raises(LeaseLost):
            await journal.begin_effect("key", "file")
        with pytest.raises(LeaseLost):
            await journal.end_effect("key", {})
        with pytest.raises(LeaseLost):
            await journal.end_effect("key", {}, AttemptLine(attempt="a0", step="file", number=1, source="code"))
        with pytest.raises(LeaseLost):
            await journal.attempt(AttemptLine(attempt="a1", step="read", number=1, source="small"))
        await journal.spend(CostLine(call="1", step="read", role="small", model="m", cost=Decimal("0.5")))
        assert await store.attempts(job.id) == []
        assert await store.cost(job.id) == (500_000, {"small": ["m"]})
        assert await store.journal(job.id, lost + 1).begin_effect("key", "file") == Begun()


async def test_a_run_that_is_late_takes_no_job_from_one_that_has_begun(database: str):
    async with open_books(database) as books:
        job = await books.accepted()
        since = ["queued", "running"]
        assert await books.store.begin(job.id, since=since, terms=books.terms.id, fence=job.fence) == 1
        assert await books.store.begin(job.id, since=since, terms=books.terms.id, fence=job.fence) is None


async def test_a_lost_run_neither_ends_nor_changes_its_job(database: str):
    async with a_lost_run(database) as (store, job, lost):
        with pytest.raises(LeaseLost):
            await store.finish(job.id, verification(job), lost, result={}, output={})
        with pytest.raises(LeaseLost):
            await store.fail(job.id, lost)
        with pytest.raises(LeaseLost):
            await store.change(job.id, lost, status="awaiting_review")
        row = await store.get(job.id)
    assert row is not None
    assert (row.status, row.outcome) == ("running", None)


async def test_a_transaction_that_stands_still_loses_its_locks(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "IDLE", 1)
    async with open_database(postgres, brief=True) as engine, engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        await asyncio.sleep(1.5)
        with pytest.raises(DBAPIError, match="idle-in-transaction timeout"):
            await connection.execute(text("SELECT 1"))


async def test_a_trip_that_is_never_ended_loses_its_locks(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "IDLE", 1)

    def paused(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        if raw.info.server_version < sql.TIMED:
            pytest.skip("this server ends no transaction by its length: it takes PostgreSQL 17")
        with one_trip(connection):
            raw.execute("SELECT 1")
            time.sleep(3)

    async with open_store(postgres) as store:
        with pytest.raises(StoreError, match="closed the connection"):
            await store.single(paused)


async def test_checkpoint_connections_are_brief_too(postgres: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sql, "IDLE", 1)
    async with open_store(postgres) as store:
        row = await store.at_once(lambda s: s.execute(text("SHOW idle_in_transaction_session_timeout")).one())
    assert row == ("1s",)


async def test_a_job_is_taken_over_with_what_its_last_run_left_and_only_for_packs_that_are_served(database: str):
    async with open_books(database) as books:
        job, since = await books.accepted(), ("queued", "running")
        assert await books.store.take(job.id, since=since, packs=["another"]) is None
        taken = await books.store.take(job.id, since=since, packs=[job.pack])
        assert taken is not None
        assert (taken.status, taken.fence, taken.version) == ("running", 1, job.version + 1)
        asked = {"q": {"step": "read"}}
        await books.store.change(job.id, 1, questions=asked)
        again = await books.store.take(job.id, since=since, packs=[job.pack])
        assert again is not None
        assert (again.fence, again.questions) == (2, asked)
        stored = await books.store.get(job.id)
        assert stored is not None
        assert stored.questions == {}
        assert await books.store.take("job_of_nobody", since=since, packs=[job.pack]) is None


async def test_after_a_database_broke_off_its_connections_are_made_anew(postgres: str):
    from langgraph.checkpoint.base import empty_checkpoint

    async with open_books(postgres) as books:
        job = await books.accepted()
        fence = await books.store.begin(job.id, since=("queued",), terms=books.terms.id)
        saver = (await open_checkpoints(postgres, books.store))(Fence(job.id, fence or 0))
        journal = books.store.journal(job.id, fence)
        thread = {"configurable": {"thread_id": job.id, "checkpoint_ns": ""}}

        async def act(number: int) -> None:
            await saver.aput(thread, empty_checkpoint(), {}, {})
            await journal.begin_effect(f"key{number}", "file")

        await asyncio.gather(*map(act, range(4)))  # every thread has a connection
        cut_off(postgres)
        with pytest.raises(StoreError):
            await act(4)
        for number in range(5, 15):
            await act(number)


async def test_a_job_whose_end_is_cut_off_has_not_failed(postgres: str):
    async with open_books(postgres) as books:
        job = await books.accepted()
        fence = await books.store.begin(job.id, since=("queued",), terms=books.terms.id)
        with pytest.raises(StoreError):
            await books.store.finish(
                job.id, verification(job), fence, kept={}, also=lambda _: cut_off(postgres), result={}, output={}
            )
    async with open_books(postgres) as books:
        ended = await books.store.finish(job.id, verification(job), fence, kept={}, result={}, output={})
        assert ended.status == "finished"
        assert await books.faults() == []


def cut_off(database: str) -> None:
    """Ends all connections to a PostgreSQL database."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database()"
        )
