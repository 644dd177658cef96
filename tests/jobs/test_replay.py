"""A verification that is gone through again says the same, and finds what was tampered with."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from agentflow import Pack, Problem
from agentflow.errors import RunError
from agentflow.jobs.findings import Replay
from agentflow.jobs.ledger.tables import Verification
from agentflow.jobs.opening import open_runner
from agentflow.jobs.replay import replay
from agentflow.jobs.runner import Runner
from agentflow.jobs.tables import Attempt, Job, Kept
from agentflow.jobs.transitions import passed
from tests.jobs import replayed
from tests.jobs.replayed import BILL, Sums, finished, pack, running, texts

ONE_WRONG_EACH = ({"net": 9, "tax": 2, "total": 3}, {"net": 1, "tax": 9, "total": 3}, {"net": 1, "tax": 2, "total": 9})


async def again(runner: Runner, job: str, of: Pack | None = None) -> Replay:
    return await replay(runner.store, job, of or pack(), runner.documents)


@asynccontextmanager
async def a_finished_job(home: Path, database: str | None, *said: dict[str, int]) -> AsyncGenerator[tuple[Runner, Job]]:
    async with running(home, database, *said) as runner:
        job = await finished(runner)
        assert job.status == "finished", job.questions
        yield runner, job


async def tamper(runner: Runner, statement: Any) -> None:
    async with runner.store.writing() as session:
        await session.execute(statement)


async def test_what_was_verified_is_the_same_when_it_is_gone_through_again(tmp_path: Path, database: str):
    async with a_finished_job(tmp_path, database) as (runner, job):
        found = await again(runner, job.id)
    assert (found.differs, found.again, found.verdict) == ([], "pass", "pass")
    assert (found.checks, found.weighed) == (4, 1)
    assert "plausible asks a model" in texts(found.notes)
    assert "known asks a model or a connector" in texts(found.notes)


async def test_the_record_names_every_check_with_what_it_found(tmp_path: Path):
    async with a_finished_job(tmp_path, None) as (runner, job), runner.store.looking() as session:
        row = await session.scalar(select(Verification).where(Verification.job_id == job.id))
    assert row is not None
    read, extract, filed = row.checks
    assert read["checks"] == [{"check": "long", "passed": True, "found": ["few_words"]}]
    names = [each["check"] for each in extract["checks"]]
    assert names == ["adds_up", "small_enough", "printed", "plausible", "known"]
    assert (extract["source"], extract["trust"] > 0.995) == ("small", True)
    assert filed["checks"] == []


async def test_a_record_put_together_of_several_answers_is_weighed_again_as_it_was(tmp_path: Path, database: str):
    async with a_finished_job(tmp_path, database, *ONE_WRONG_EACH, *ONE_WRONG_EACH) as (runner, job):
        found = await again(runner, job.id)
        rows = await runner.store.seen(lambda session: passed(session.connection(), job.id)())
    assert (found.differs, found.weighed) == ([], 1)
    assert [row.weighed["left"]["source"] for row in rows if row.weighed and "left" in row.weighed] == ["merged"]


def result(value: Any) -> Callable[[str], Any]:
    return lambda job: update(Job).where(Job.id == job).values(result=value)


def output(value: Any) -> Callable[[str], Any]:
    return lambda job: update(Job).where(Job.id == job).values(output=value)


def evidence(job: str) -> Any:
    return update(Job).where(Job.id == job).values(evidence={"total": {"trust": 1.0, "source": "small"}})


def given(job: str) -> Any:
    return update(Job).where(Job.id == job).values(input={"name": "other", "sha256": "0" * 64, "size": 1})


def records(job: str) -> Any:
    words = {"document": {"name": "bill", "sha256": "0" * 64, "size": 1}, "count": 6}
    sums = {"net": 1, "tax": 2, "total": 4, "evidence": {}}
    return update(Kept).where(Kept.job_id == job).values(records={"Words": words, "Sums": sums})


def answer(job: str) -> Any:
    wrong = {"net": 1, "tax": 1, "total": 2}
    return update(Attempt).where(Attempt.job_id == job, Attempt.step == "extract").values(output=wrong)


def doubted(job: str) -> Any:
    """One of the two answers that it took says something else."""
    mine = (Attempt.job_id == job, Attempt.step == "extract", Attempt.number == 1)
    return update(Attempt).where(*mine).values(output={"net": 2, "tax": 1, "total": 3})


def sure(job: str) -> Any:
    return update(Attempt).where(Attempt.job_id == job, Attempt.step == "extract").values(trust_after=0.9999999)


def no_attempts(job: str) -> Any:
    return update(Attempt).where(Attempt.job_id == job).values(attempt="x" + Attempt.attempt)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (result({"total": 4}), "the result is not the one"),
        (output({"net": 1, "tax": 2, "total": 4}), "the output is not what the records hold: total"),
        (evidence, "the evidence is not what the records hold"),
        (given, "the records on the way"),
        (records, "extract: adds_up objects now: sum"),
        (answer, "what left it is not what its answers give"),
        (doubted, "not trusted as its policy promises"),
        (sure, "its least trusted value was trusted 1.000000"),
        (no_attempts, "its attempts are not there any more"),
    ],
)
async def test_what_was_tampered_with_is_found(tmp_path: Path, database: str, change: Any, says: str):
    async with a_finished_job(tmp_path, database) as (runner, job):
        await tamper(runner, change(job.id))
        assert says in texts((await again(runner, job.id)).differs)


async def test_a_document_that_has_changed_or_is_gone_is_found(tmp_path: Path):
    async with a_finished_job(tmp_path, None) as (runner, job):
        path = tmp_path / "documents" / job.input_sha256[:2] / job.input_sha256
        path.write_bytes(BILL + b" ")
        assert f"the document {job.input_sha256[:12]} has changed" in texts((await again(runner, job.id)).differs)
        path.unlink()
        found = await again(runner, job.id)
    assert "is not there any more" in texts(found.differs)
    assert "printed objects now: check_failed" in texts(found.differs)


async def test_a_check_that_judges_otherwise_today_changes_the_verdict(tmp_path: Path, monkeypatch: Any):
    async with a_finished_job(tmp_path, None) as (runner, job):
        monkeypatch.setattr(replayed, "limit", [2])
        found = await again(runner, job.id)
    assert (found.verdict, found.again) == ("pass", "fail")
    assert "small_enough objects now: too_much" in texts(found.differs)
    assert "the verdict was pass and is fail" in texts(found.differs)


async def test_a_pack_that_has_changed_is_told_and_gives_the_same_where_nothing_objects(tmp_path: Path):
    def harmless(sums: Sums) -> list[Problem]:
        return []

    async with a_finished_job(tmp_path, None) as (runner, job):
        found = await again(runner, job.id, pack(harmless, version="2"))
    assert found.differs == []
    assert "it was version 1 and is version 2" in texts(found.notes)
    assert "harmless is new" in texts(found.notes)


async def test_other_figures_are_another_trust(tmp_path: Path):
    async with a_finished_job(tmp_path, None) as (runner, job):
        found = await again(runner, job.id, replace(pack(), calibration={}))
    assert "its least trusted value was trusted" in texts(found.differs)


async def test_a_persons_answer_is_held_against_no_check_and_kept_as_it_was(tmp_path: Path, database: str):
    async with running(tmp_path, database) as runner:
        waiting = await finished(runner, b"")
        words = {"document": waiting.input, "count": 6}
        done = await runner.answer(waiting.id, "Words", words)
        assert done.status == "awaiting_review"  # the total is printed nowhere
        done = await runner.answer(waiting.id, "Sums", {"net": 5, "tax": 5, "total": 5})
        found = await again(runner, done.id)
    assert (done.status, found.differs) == ("finished", [])
    assert "extract: a person answered" in texts(found.notes)


async def test_what_was_never_verified_cannot_be_gone_through(tmp_path: Path):
    async with running(tmp_path, None) as runner:
        waiting = await finished(runner, b"")
        with pytest.raises(RunError, match="is awaiting_review: nothing of it was verified"):
            await again(runner, waiting.id)


async def test_without_its_documents_nothing_is_said_of_a_job_that_read_some(tmp_path: Path):
    async with a_finished_job(tmp_path, None) as (runner, job):
        with pytest.raises(RunError, match="name their folder"):
            await replay(runner.store, job.id, pack(), None)


def climbing(*bars: float | None, bar: float = 0.3) -> Pack:
    """The pack with a ladder that an exam has chosen: its bars are below what the policy asks for without one."""
    often = {"systematic": {"hits": 10, "misses": 90}, "slip": {"hits": 10, "misses": 90}}
    seldom = {"systematic": {"hits": 30, "misses": 70}, "slip": {"hits": 30, "misses": 70}}
    rungs = [
        {"source": name} | ({} if at is None else {"bar": at})
        for name, at in zip(("small", "frontier"), bars, strict=False)
    ]
    steps = {
        "extract": {"every": {"sources": {"small": often, "frontier": seldom}}, "ladder": {"rungs": rungs, "bar": bar}}
    }
    return replace(pack(), calibration={"steps": steps})


@pytest.mark.parametrize("alpha", [0.005, None])
@pytest.mark.parametrize("said", [[], [replayed.RIGHT, {"net": 2, "tax": 1, "total": 3}]])
async def test_what_a_tuned_ladder_let_pass_is_held_against_its_own_bars(
    tmp_path: Path, said: list[dict[str, int]], alpha: float | None
):
    """With the second answers another record leaves the step than the last one that was given."""
    of = climbing(None, 0.3) if said else climbing(0.3)
    steps = [replace(s, policy=replace(s.policy, alpha=alpha if s.policy.ladder else None)) for s in of.workflow.steps]
    of = replace(of, workflow=replace(of.workflow, steps=tuple(steps)))
    async with open_runner(of, home=tmp_path, models=replayed.answering(*said)) as runner:
        job = await finished(runner)
        assert (job.status, job.output) == ("finished", replayed.RIGHT)
        found = await again(runner, job.id, of)
        last = [row for row in await runner.store.attempts(job.id) if row.step == "extract"][-1]
    assert (found.differs, found.again) == ([], "pass"), found.findings
    assert ((last.weighed or {}).get("left") is not None) == bool(said)


async def test_what_lies_below_a_tuned_ladders_bar_does_not_hold(tmp_path: Path):
    async with open_runner(climbing(0.3), home=tmp_path, models=replayed.answering()) as runner:
        job = await finished(runner)
        found = await again(runner, job.id, climbing(0.3, bar=0.9999))
    assert "not trusted as its policy promises" in texts(found.differs)
