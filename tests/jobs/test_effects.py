"""The store remembers what an effect has made, and that one has begun; a job that crashed in it looks it up."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from agentflow import EffectKey, Pack, Price, Record, open_runner, workflow
from agentflow.flow.journal import AttemptLine, Begun
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.store import open_store
from agentflow.jobs.tables import Job
from tests.jobs.ledger import books


async def test_an_effect_is_known_from_its_beginning_to_its_end(database: str):
    async with open_store(database) as store:
        told = {"pack": "p", "pack_version": "1", "input_name": "a", "input_sha256": "0", "input": {}}
        terms = await store.accept(books.pack())
        job = await store.submit(Job(id=new_id("job"), created_at=now(), price_list_id=terms.id, **told))
        journal = store.journal(job.id)
        assert await journal.begin_effect("key", "post") == Begun()
        assert await journal.begin_effect("key", "post") == Begun(again=True)
        line = AttemptLine(attempt="a1", step="post", number=1, source="code", accepted=True)
        await journal.end_effect("key", {"value": 1}, line)
        await journal.end_effect("key", {"value": 2})
        assert await journal.begin_effect("key", "post") == Begun({"value": 1}, again=True)
        assert await journal.begin_effect("other", "post") == Begun()
        assert [attempt.attempt for attempt in await store.attempts(job.id)] == ["a1"]


class Order(Record):
    item: str


class Parcel(Record):
    number: int


class Depot:
    """A system that sends again whatever it is told to send again."""

    name: ClassVar[str] = "depot"
    sent: ClassVar[list[str]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> "AsyncGenerator[Depot]":
        yield cls()


async def send(order: Order, *, depot: Depot, key: EffectKey) -> Parcel:
    depot.sent.append(str(key))
    raise ConnectionError("the answer was lost on the way")


async def sent(*, depot: Depot, key: EffectKey) -> Parcel | None:
    return Parcel(number=1 + depot.sent.index(str(key))) if str(key) in depot.sent else None


async def test_a_job_that_crashed_in_an_effect_finds_it_when_it_is_run_again(tmp_path: Path):
    table: Any = workflow("ship", takes=Order, gives=Parcel).step(send, effect=True, lookup=sent).build()
    pack = Pack(name="ship", workflow=table, connectors=[Depot], prices={Parcel: Price("0.10")})
    Depot.sent.clear()
    for again in range(3):
        async with open_runner(pack, home=tmp_path) as runner:
            job = await runner.submit(Order(item="lamp"), "order 7", "7")
            done = await runner.run(job.id)
        assert done.status == ("finished" if again else "failed")
    assert done.output == {"number": 1}
    assert len(Depot.sent) == 1
