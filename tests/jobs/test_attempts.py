"""The store keeps every attempt of a job, with the calls that were made for it, and never changes one."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agentflow import EffectKey, Evidence, Model, Pack, Policy, Price, Problem, Record, workflow
from agentflow.connectors.sql import open_database
from agentflow.errors import AnswerError, RunError
from agentflow.flow.journal import AttemptLine, CostLine
from agentflow.jobs import migrate
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.journal import LONGEST_OUTPUT
from agentflow.jobs.opening import open_runner
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Job
from agentflow.testing import FakeModel, FakeModels
from tests.jobs.ledger import books

LINE = AttemptLine(
    attempt="a1",
    step="read",
    number=1,
    source="small",
    model="openai/small",
    prompt="0" * 64,
    problems=(Problem(code="bad", message="too small"),),
    trust_before=0.0,
    trust_after=0.5,
    made="Total",
    output={"value": 1},
    tokens_in=7,
    tokens_out=3,
    cost=Decimal("0.25"),
)
CALL = CostLine(call="c1", step="read", role="small", model="openai/small", attempt="a1", prompt="0" * 64)


@asynccontextmanager
async def a_job(url: str) -> AsyncGenerator[tuple[Store, str]]:
    async with open_database(url) as engine:
        await migrate.upgrade(engine)
        store = Store(engine)
        fields = {"pack": "p", "pack_version": "1", "input_name": "a", "input_sha256": "0", "input": {}}
        terms = await store.accept(books.pack())
        job = await store.submit(Job(id=new_id("job"), created_at=now(), price_list_id=terms.id, **fields))
        yield store, job.id


async def test_an_attempt_is_kept_with_what_was_said_of_it(database: str):
    async with a_job(database) as (store, job):
        await store.journal(job).attempt(LINE)
        [row] = await store.attempts(job)
    assert (row.source, row.model, row.prompt) == ("small", "openai/small", "0" * 64)
    assert (row.trust_before, row.trust_after, row.accepted) == (0.0, 0.5, False)
    assert (row.made, row.output, row.cost_micros, row.tokens_in, row.tokens_out) == (
        "Total", {"value": 1}, 250_000, 7, 3,
    )  # fmt: skip
    assert row.problems[0]["code"] == "bad"


async def test_a_call_names_the_attempt_it_was_made_for(database: str):
    async with a_job(database) as (store, job):
        journal = store.journal(job)
        await journal.spend(CALL)
        await journal.spend(replace(CALL, call="c2", fault="Timeout"))
        await journal.attempt(LINE)
        calls = await store.calls(job)
    assert [(call.call, call.fault, call.attempt, call.prompt) for call in calls] == [
        ("c1", None, "a1", "0" * 64),
        ("c2", "Timeout", "a1", "0" * 64),
    ]


async def test_a_call_is_kept_whose_attempt_never_ended(database: str):
    async with a_job(database) as (store, job):
        await store.journal(job).spend(CALL)
        assert await store.attempts(job) == []
        assert [call.attempt for call in await store.calls(job)] == ["a1"]


async def test_attempts_of_an_earlier_run_stay_and_can_be_told_apart(database: str):
    async with a_job(database) as (store, job):
        await store.journal(job).attempt(LINE)
        again = store.journal(job)
        await again.attempt(replace(LINE, attempt="a2"))
        await again.attempt(replace(LINE, attempt="a3", number=2))
        rows = await store.attempts(job)
    assert [row.attempt for row in rows] == ["a1", "a2", "a3"]
    first, second, third = (row.run for row in rows)
    assert first < second == third


async def test_a_long_answer_leaves_its_hash(database: str):
    async with a_job(database) as (store, job):
        await store.journal(job).attempt(replace(LINE, output={"text": "x" * LONGEST_OUTPUT}))
        [row] = await store.attempts(job)
    assert set(row.output) == {"sha256", "characters"}


async def test_a_job_is_found_by_the_start_of_its_id_or_by_the_name_of_its_file(database: str):
    async with a_job(database) as (store, job):
        of = await store.get(job)
        assert of is not None
        fields = {"pack": "p", "pack_version": "1", "input_sha256": "0", "input": {}, "price_list_id": of.price_list_id}
        names = ("in/10%.pdf", "in/100.pdf", "in/rows.jsonl#1", "rows.jsonl#2")
        others = [await store.submit(Job(id=new_id("job"), input_name=n, created_at=now(), **fields)) for n in names]
        assert [found.id for found in await store.find(job)] == [job]
        assert [found.id for found in await store.find(job.removeprefix("job_")[:-3])] == [job]
        assert len(await store.find("job_")) == 5
        assert [found.input_name for found in await store.find("10%.pdf")] == ["in/10%.pdf"]
        assert [found.id for found in await store.find("rows.jsonl")] == [one.id for one in others[2:]]
        assert await store.find("0.pdf") == await store.find("") == []


class Letter(Record):
    text: str


class Total(Record):
    value: int
    evidence: dict[str, Evidence] = {}


class Counted(Record):
    value: int


class Filed(Record):
    value: int


async def read(letter: Letter, *, model: Model) -> Total:
    return await model.ask(Total, "Read the total.", letter.text)


async def count(total: Total) -> Counted:
    if total.value == 13:
        raise OSError("the disk is full")
    return Counted(value=total.value)


async def file(counted: Counted, *, key: EffectKey) -> Filed:
    return Filed(value=counted.value)


def not_negative(total: Total) -> list[Problem]:
    return [Problem(code="negative", message="It is negative.", path="value")] if total.value < 0 else []


def pack() -> Pack:
    steps = (
        workflow("letters", takes=Letter, gives=Filed)
        .step(read, policy=Policy(ladder=("small",), max_attempts=2), checks=[not_negative])
        .step(count)
        .step(file, effect=True)
        .build()
    )
    return Pack(name="letters", workflow=steps, prices={Filed: Price("0.40")})


async def traced(home: Path, *answers: object) -> tuple[Job, list[tuple[object, ...]]]:
    models = FakeModels(small=FakeModel(*answers))
    async with open_runner(pack(), home=home, models=models) as runner:
        job = await runner.submit(Letter(text="a"), "a.txt", "sha")
        done = await runner.run(job.id)
        rows = await runner.store.attempts(job.id)
    return done, [(row.step, row.number, row.source, row.fault, row.accepted, row.output) for row in rows]


QUOTED = {"value": Evidence(trust=0.5, source="model", quote="the words of the letter")}


async def test_every_step_leaves_a_line_and_code_a_light_one(tmp_path: Path):
    done, rows = await traced(tmp_path, Total(value=-1), Total(value=2, evidence=QUOTED))
    assert done.status == "finished"
    assert rows == [
        ("read", 1, "small", None, False, {"value": -1}),
        ("read", 2, "small", None, True, {"value": 2}),
        ("count", 1, "code", None, True, None),
        ("file", 1, "code", None, True, None),
    ]


async def test_an_attempt_that_the_packs_code_broke_off_is_kept_and_so_is_the_next(tmp_path: Path):
    failed, _ = await traced(tmp_path, Total(value=13))
    assert failed.status == "failed"
    _, rows = await traced(tmp_path, Total(value=13))
    assert [row[:5] for row in rows] == [
        ("read", 1, "small", None, True),
        ("count", 1, "code", "raised", False),
        ("count", 1, "code", "raised", False),
    ]


async def test_what_a_person_was_asked_and_said_is_kept(tmp_path: Path):
    models = FakeModels(small=FakeModel(AnswerError("no", code="refused")))
    async with open_runner(pack(), home=tmp_path, models=models) as runner:
        job = await runner.submit(Letter(text="a"), "a.txt", "sha")
        assert (await runner.run(job.id)).status == "awaiting_review"
        with pytest.raises(RunError):
            await runner.answer(job.id, "Total", {"value": "many"})
        await runner.answer(job.id, "Total", {"value": 3})
        rows = await runner.store.attempts(job.id)
    told = [(row.step, row.source, row.fault, [problem["code"] for problem in row.problems]) for row in rows]
    assert told[:3] == [
        ("read", "small", "refused", ["no_valid_answer"]),
        ("read", "person", "asked", ["no_valid_answer"]),
        ("read", "person", None, []),
    ]
    assert (rows[2].output["value"], rows[2].made, rows[2].accepted) == (3, "Total", True)
