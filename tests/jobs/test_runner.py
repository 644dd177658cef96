"""A job ends once, whatever happens on its way."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agentflow import Pack, Price
from agentflow.errors import RunError
from agentflow.jobs.opening import open_runner
from tests.engine.toy import Order, Posted, Refused, ran, toy


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


def pack() -> Pack:
    return Pack(name="toy", workflow=toy(), prices={Posted: Price("0.40"), Refused: Price("0.05")})


async def test_a_finished_job_has_its_outcome_and_its_price(tmp_path: Path, database: str):
    async with open_runner(pack(), home=tmp_path, database=database) as runner:
        job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
        done = await runner.run(job.id)
    assert (done.status, done.outcome, done.price_minor, done.currency) == ("finished", "Posted", 40, "USD")
    assert done.output is not None
    assert done.output["accounts"] == ["a/1"]


async def test_the_same_input_is_one_job_and_is_done_once(tmp_path: Path, database: str):
    for _ in range(2):
        async with open_runner(pack(), home=tmp_path, database=database) as runner:
            job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
            await runner.run(job.id)
    assert ran.count("post") == 1


async def test_a_waiting_job_costs_nothing_and_goes_on_with_its_answer(tmp_path: Path, database: str):
    async with open_runner(pack(), home=tmp_path, database=database) as runner:
        job = await runner.submit(Order(lines=["?"]), "order-1", "sha")
        waiting = await runner.run(job.id)
        assert (waiting.status, waiting.price_minor) == ("awaiting_review", 0)
    async with open_runner(pack(), home=tmp_path, database=database) as runner:
        done = await runner.answer(job.id, "Booked", {"accounts": ["9"]})
    assert done.outcome == "Posted"
    assert done.questions == {}
    assert ran == ["split", "post"]


async def test_an_answer_of_the_wrong_form_is_refused_and_loses_nothing(tmp_path: Path):
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["?"]), "order-1", "sha")
        await runner.run(job.id)
        with pytest.raises(RunError, match="no valid Booked: accounts: Field required"):
            await runner.answer(job.id, "Booked", {})
        with pytest.raises(RunError, match="takes Booked, Refused"):
            await runner.answer(job.id, "Posted", {})
        assert (await runner.answer(job.id, "Refused", {"why": "no"})).outcome == "Refused"


async def test_an_error_fails_its_own_job_free_of_charge_and_can_be_tried_again(tmp_path: Path):
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["a"]), "order-1", "sha")
        graph_do = runner._graph.start

        async def broken(*args, **kwargs):
            raise OSError("disk full")

        runner._graph.start = broken
        failed = await runner.run(job.id)
        assert (failed.status, failed.price_minor) == ("failed", 0)
        assert failed.problems[0]["message"] == "OSError: disk full"
        runner._graph.start = graph_do
        assert (await runner.run(job.id)).status == "finished"


async def test_of_two_answers_at_once_one_counts_and_the_other_is_told(tmp_path: Path, database: str):
    async with open_runner(pack(), home=tmp_path, database=database) as runner:
        job = await runner.submit(Order(lines=["?"]), "order-1", "sha")
        await runner.run(job.id)
        answers = [
            runner.answer(job.id, "Booked", {"accounts": ["9"]}),
            runner.answer(job.id, "Refused", {"why": "no"}),
        ]
        given = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(one) for one in given].count(RunError) == 1
    assert (ran.count("post") == 1) == any(getattr(one, "outcome", "") == "Posted" for one in given)


async def test_an_answer_where_the_steps_are_not_kept_is_refused_and_the_question_stays(tmp_path: Path):
    async with open_runner(pack(), home=tmp_path / "a") as runner:
        job = await runner.submit(Order(lines=["?"]), "order-1", "sha")
        await runner.run(job.id)
    with closing(sqlite3.connect(tmp_path / "a" / "agentflow.db", isolation_level=None)) as steps:
        steps.execute("DELETE FROM checkpoints")
    async with open_runner(pack(), home=tmp_path / "a") as runner:
        with pytest.raises(RunError, match="not kept here"):
            await runner.answer(job.id, "Refused", {"why": "no"})
        assert (await runner.run(job.id)).status == "awaiting_review"


async def test_an_item_of_a_list_that_is_doubted_is_answered_by_its_own_record(tmp_path: Path):
    async with open_runner(pack(), home=tmp_path) as runner:
        job = await runner.submit(Order(lines=["a", "bad"]), "order-1", "sha")
        assert (await runner.run(job.id)).status == "awaiting_review"
        done = await runner.answer(job.id, "Coded", {"account": "good"})
    assert (done.outcome, done.output and done.output["accounts"]) == ("Posted", ["a/2", "good"])
