"""A source that live jobs show to have become worse is asked last, by every runner, until it is taken back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentflow import Model, Pack, Policy, Price, Promises, Record, workflow
from agentflow.engine.trace import PERSON
from agentflow.errors import RunError
from agentflow.exams.slo import is_sampled
from agentflow.jobs import runner as running
from agentflow.jobs.opening import open_runner
from agentflow.jobs.promises import AUDIT, WRONG, Kept, audit, demote, demotions, drifting, lowered, read, reinstate
from agentflow.jobs.tables import Attempt, Job
from agentflow.jobs.trace import trace_of
from agentflow.testing import FakeModel, FakeModels


class Ask(Record):
    text: str


class Told(Record):
    value: int


async def tell(ask: Ask, *, model: Model) -> Told:
    return await model.ask(Told, "Say it.", ask.text)


PACK = Pack(
    name="promising",
    workflow=workflow("promising", takes=Ask, gives=Told).step(tell, policy=Policy(ladder=("small", "large"))).build(),
    prices={Told: Price("1.00")},
    promises=Promises(silent=0.02, audits=1.0),
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch):
    """Demotions are looked for before every job."""
    monkeypatch.setattr(running, "DEMOTIONS_EVERY", 0.0)


def opened(database: str, home: Path):
    models = FakeModels(small=FakeModel(lambda _: Told(value=1)), large=FakeModel(lambda _: Told(value=2)))
    return open_runner(PACK, home=home, database=database, models=models)


async def done(runner, name: str):
    job = await runner.submit(Ask(text=name), name=name, sha256=name)
    return await runner.run(job.id)


async def test_a_source_whose_accepted_work_audits_find_wrong_is_demoted_and_taken_back(database: str, tmp_path: Path):
    async with opened(database, tmp_path) as runner:
        jobs = [await done(runner, f"a{n}") for n in range(12)]
        assert jobs[0].output == {"value": 1}
        assert len((await read(runner.store, "promising")).due(1.0)) == 12
        for job in jobs:
            await audit(runner.store, PACK, job.id, ["tell"])
        [drifted] = [each for each in drifting(await read(runner.store, "promising"), PACK) if each.drifted]
        assert (drifted.step, drifted.source, drifted.why) == ("tell", "small", "12 of 12 audited were wrong")
        await demote(runner.store, jobs[-1].id, drifted)
        assert await demotions(runner.store, "promising") == {"tell": ("small",)}
        assert (await done(runner, "b")).output == {"value": 2}
        await reinstate(runner.store, "promising", "tell", "small")
        assert (await done(runner, "c")).output == {"value": 1}
        assert not any(each.drifted for each in drifting(await read(runner.store, "promising"), PACK))
        with pytest.raises(RunError, match="is not demoted"):
            await reinstate(runner.store, "promising", "tell", "small")


async def test_an_audit_is_kept_beside_the_jobs_attempts_and_is_none_of_them(database: str, tmp_path: Path):
    async with opened(database, tmp_path) as runner:
        job = await done(runner, "a")
        before = await trace_of(runner.store, job)
        await audit(runner.store, PACK, job.id, [])
        kept = await read(runner.store, "promising")
        assert kept.wrong_steps(job.id) == {"tell": False}
        assert [live.wrong for live in kept.live()] == [False]
        assert kept.due(1.0) == []
        assert await trace_of(runner.store, job) == before


async def test_only_a_finished_job_and_its_steps_can_be_audited(database: str, tmp_path: Path):
    async with opened(database, tmp_path) as runner:
        job = await done(runner, "a")
        with pytest.raises(RunError, match="no finished job"):
            await audit(runner.store, PACK, "job_none", [])
        with pytest.raises(RunError, match="has no step spell"):
            await audit(runner.store, PACK, job.id, ["spell"])


def test_a_step_without_demoted_sources_stays_as_it_is():
    [step] = PACK.workflow.steps
    assert lowered(step, {"other": ("small",)}) is step
    assert lowered(step, {"tell": ("small",)}).policy.ladder == ("large", "small")


def attempt(number: int, job: str, *, item: int | None = None, wrong: str | None = None, **more: Any) -> Attempt:
    """A row of the store; `wrong` is the code that a check found."""
    found = [{"code": wrong, "severity": "error"}] if wrong else []
    given = {"source": "small", "fault": None, "accepted": False, "weighed": None, "made": "Told", **more}
    row = Attempt(
        job_id=job, attempt=f"a{number}", run="", step="tell", item=item, number=number, model=None, prompt=None,
        problems=found, trust_before=None, trust_after=None, output=None, tokens_in=0, tokens_out=0, seconds=0.0,
        cost_micros=0, created_at=datetime(2026, 1, 1, tzinfo=UTC), **given,
    )  # fmt: skip
    row.id = number
    return row


def kept(*rows: Attempt) -> Kept:
    """Finished jobs with these rows."""
    by_job: dict[str, list[Attempt]] = {}
    for row in rows:
        by_job.setdefault(row.job_id, []).append(row)
    given = {"pack": "promising", "pack_version": "1", "input": {}, "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    jobs = [Job(id=name, input_name=name, input_sha256=name, status="finished", **given) for name in by_job]
    return Kept(jobs, by_job)


def test_a_job_tells_once_of_a_source_however_often_it_is_asked_and_of_how_many_lines():
    tried = [attempt(n, "a", wrong="adds_up") for n in (1, 2, 3)]
    lines = [attempt(10 + n, "b", item=n, wrong="adds_up", accepted=True) for n in range(20)]
    audited = [attempt(40, "b", source=AUDIT, made=WRONG)]
    seen = list(kept(*tried, *lines, *audited).seen("tell", "small", 1.0))
    assert [(each.wrong, each.objected) for each in seen] == [(None, True), (True, True)]


def test_an_audit_that_chance_did_not_choose_speaks_against_no_source():
    rows = [row for n in range(2, 202, 2) for row in complaint(n)]
    told = [each.wrong for each in kept(*rows).seen("tell", "small", 0.2)]
    drawn = [is_sampled(f"job_{n}", 0.2) for n in range(2, 202, 2)]
    assert [each is not None for each in told] == drawn
    assert 0 < sum(drawn) < 100


def complaint(number: int) -> list[Attempt]:
    job = f"job_{number}"
    return [attempt(number, job, accepted=True), attempt(number + 1, job, source=AUDIT, made=WRONG)]


def test_an_audit_speaks_against_the_source_whose_answer_left_the_step_and_not_against_the_last_one_asked():
    rows = [attempt(1, "a", accepted=True, weighed={"left": {"source": "large", "found": {}}})]
    rows += [attempt(2, "a", source="large")]
    audited = attempt(3, "a", source=AUDIT, made=WRONG)
    assert [each.wrong for each in kept(*rows, audited).seen("tell", "small", 1.0)] == [None]
    assert [each.wrong for each in kept(*rows, audited).seen("tell", "large", 1.0)] == [True]


def test_what_a_person_had_a_part_in_is_no_silent_error_of_a_source():
    rows = [attempt(1, "a", accepted=True), attempt(2, "a", source=PERSON), attempt(3, "a", source=AUDIT, made=WRONG)]
    assert [each.wrong for each in kept(*rows).seen("tell", "small", 1.0)] == [None]


def test_a_demotion_is_kept_with_a_job_that_has_ended_and_not_with_one_that_goes_on():
    found = kept(attempt(1, "a"), attempt(2, "b"), attempt(3, "c"))
    found.jobs[-1].status = "awaiting_review"
    assert found.newest == "b"
