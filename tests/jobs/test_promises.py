"""A source that live jobs show to have become worse is asked last, by every runner, until it is taken back."""

from pathlib import Path

import pytest

from agentflow import Model, Pack, Policy, Price, Promises, Record, workflow
from agentflow.errors import RunError
from agentflow.jobs import runner as running
from agentflow.jobs.promises import audit, demote, demotions, drifting, lowered, read, reinstate
from agentflow.jobs.runner import open_runner
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
