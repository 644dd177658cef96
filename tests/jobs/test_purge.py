"""What jobs read and made is erased for good; what they were charged stays and adds up."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.engine.checkpoints import open_checkpoints
from agentflow.engine.fencing import Savers
from agentflow.errors import ConfigError, RunError
from agentflow.jobs.api_tables import Once
from agentflow.jobs.idempotency import Answer, Asked, once
from agentflow.jobs.ids import now
from agentflow.jobs.ledger import giving, statements
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.tables import Charge, Dispute, SpendAccount, Verification
from agentflow.jobs.leftovers import Swept, condemn, sweep
from agentflow.jobs.purge import Erased, Scope, purge, survey
from agentflow.jobs.replay import replay
from agentflow.jobs.service import Agentflow, Part
from agentflow.jobs.tables import Erasure, Job
from tests.jobs.replayed import BILL, answering, pack

SECRET = "confidential_letter"
ANY_AGE = timedelta(seconds=-1)


@asynccontextmanager
async def serving(home: Path, database: str | None = None) -> AsyncGenerator[tuple[Agentflow, Savers]]:
    async with Agentflow([Part(pack(), models=answering())], home=home, database=database) as af:
        yield af, await open_checkpoints(af.database, af.store)


async def ended(af: Agentflow, content: bytes = BILL, tenant: str = "acme", name: str = SECRET) -> Job:
    handle = await af.submit("sums", content, tenant=tenant, name=name, labels={"for": SECRET})
    return await handle.outcome(30)


async def erase(af: Agentflow, savers: Savers, tenant: str | None = "acme", age: timedelta | None = None) -> Any:
    scope = Scope(tenant, None if age is None else now() - age)
    return await purge(af.store, savers, scope), await sweep(af.store, savers, [af.documents])


async def everything(af: Agentflow) -> str:
    """All rows of all tables."""
    async with af.store.looking() as session:
        names = await session.run_sync(lambda s: inspect(s.connection()).get_table_names())
        rows = [[tuple(row) for row in await session.execute(text(f'SELECT * FROM "{name}"'))] for name in names]
    return repr(rows)


def holding(folder: Path, word: str) -> list[Path]:
    """The files below the folder that hold the word."""
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


async def faults(af: Agentflow) -> list[str]:
    async with af.store.looking() as session:
        return [fault.rule for fault in await audit(session)]


async def test_nothing_is_left_of_what_an_erased_job_read_and_made(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        job = await ended(af)
        assert job.status == "finished"
        async with af.store.writing() as session:
            opened = await session.run_sync(giving.dispute, "acme", job.id, SECRET, {"total": SECRET})
            await session.run_sync(giving.decide, opened.id, "rejected", "operator", SECRET)
        assert SECRET in await everything(af)
        assert await survey(af.store, Scope("acme")) == Erased(jobs=1)
        assert await erase(af, savers) == (Erased(jobs=1), Swept(deleted=2))
        await af.store.compact()
        assert SECRET not in await everything(af)
        assert not holding(tmp_path / "documents", "")
    assert not holding(tmp_path, SECRET)


async def test_answers_that_are_kept_for_repeated_requests_say_nothing_of_an_erased_job(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        job = await ended(af)
        about = {
            "id": job.id,
            "status": "finished",
            "reference": SECRET,
            "result": {"a": SECRET},
            "metadata": {"b": SECRET},
        }
        dispute = {"id": "dp_1", "job": job.id, "reason": SECRET, "fields": {"a": SECRET}, "decision": SECRET}
        asked = [Asked("acme", "POST", str(n), {}) for n in range(2)]
        for one, body in zip(asked, (about, dispute), strict=True):
            await once(af.store, one, answering_with(body))
        async with af.store.writing() as session:
            await session.execute(update(Once).values(created_at=now() + timedelta(days=1)))
        await erase(af, savers, None, ANY_AGE)  # the answers are younger than that
        assert SECRET not in await everything(af)
        again = [await once(af.store, one, answering_with({})) for one in asked]
        assert [(one.replayed, one.body["id"]) for one in again] == [(True, job.id), (True, "dp_1")]


def answering_with(body: dict[str, Any]) -> Callable[[AsyncSession], Awaitable[Answer]]:
    async def act(_: AsyncSession) -> Answer:
        return 200, body

    return act


async def test_what_was_charged_and_its_proof_stay_and_add_up(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        job = await ended(af)
        await erase(af, savers)
        async with af.store.looking() as session:
            charge = await session.scalar(select(Charge).where(Charge.job_id == job.id))
            proof = await session.scalar(select(Verification).where(Verification.job_id == job.id))
            moved = await session.run_sync(statements.unstated, "acme", "USD", now() + timedelta(seconds=1))
            [line] = await session.run_sync(statements.lines, moved)
        assert charge is not None
        assert proof is not None
        assert (charge.amount_minor, proof.verdict, len(proof.output_sha256)) == (40, "pass", 64)
        assert (line["input"], line["amount_minor"]) == (f"erased {job.id}", 40)
        assert await faults(af) == []
        with pytest.raises(RunError, match="was erased on"):
            await replay(af.store, job.id, pack(), af.documents)


async def test_the_same_content_is_a_new_job_once_the_earlier_one_was_erased(tmp_path: Path):
    async with serving(tmp_path) as (af, savers):
        first = await ended(af)
        await erase(af, savers)
        second = await ended(af)
        assert second.id != first.id
        assert second.output == {"net": 1, "tax": 2, "total": 3}


async def test_a_document_stays_while_anybody_elses_job_refers_to_it(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        job, other = await ended(af), await ended(af, tenant="other")
        assert (await erase(af, savers))[1] == Swept(wanted=2)
        assert await af.documents.get(job.input_sha256) == BILL
        assert (await replay(af.store, other.id, pack(), af.documents)).differs == []
        assert (await erase(af, savers, "other"))[1] == Swept(deleted=2)


async def test_a_document_stays_that_a_job_under_way_knows_of_in_its_checkpoint_alone(tmp_path: Path, database: str):
    content = b"net 1 tax 2 total 4"  # which is not what the models read: a person is asked
    copy = hashlib.sha256(content + b" (copy)").hexdigest()
    async with serving(tmp_path, database) as (af, savers):
        waiting = await ended(af, content, tenant="other")
        assert waiting.status == "awaiting_review"
        assert copy not in repr(vars(waiting))
        async with af.store.writing() as session:
            await condemn(session, {copy})
        assert await sweep(af.store, savers, [af.documents]) == Swept(wanted=1)
        assert await af.documents.intact(copy)


async def test_a_tenant_is_erased_with_what_is_under_way_and_in_dispute(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        done = await ended(af)
        waiting = await ended(af, b"nothing to see")
        assert waiting.status == "awaiting_review"
        async with af.store.writing() as session:
            opened = await session.run_sync(giving.dispute, "acme", done.id, "wrong", {})
        erased, _ = await erase(af, savers)
        assert erased == Erased(jobs=2, canceled=1, withdrawn=1)
        assert (await af.job(waiting.id, "acme")).status == "canceled"
        async with af.store.looking() as session:
            assert (await session.get_one(SpendAccount, ("acme", "USD"))).reserved_minor == 0
            assert (await session.get_one(Dispute, opened.id)).state == "withdrawn"
        assert await faults(af) == []


async def test_by_age_only_what_has_ended_and_is_not_disputed_is_erased(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        done = await ended(af)
        disputed = await ended(af, BILL + b" ")
        waiting = await ended(af, b"nothing to see")
        async with af.store.writing() as session:
            await session.run_sync(giving.dispute, "acme", disputed.id, "wrong", {})
        assert (await erase(af, savers, None, timedelta(days=1)))[0] == Erased()
        assert (await erase(af, savers, None, ANY_AGE))[0] == Erased(jobs=1)
        kept = [await af.job(job.id, "acme") for job in (done, disputed, waiting)]
        assert [job.erased_at is None for job in kept] == [False, True, True]


async def test_another_tenants_jobs_stay(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        mine, theirs = await ended(af), await ended(af, tenant="other")
        await erase(af, savers)
        assert (await af.job(mine.id, "acme")).result is None
        assert (await af.job(theirs.id, "other")).result == {"total": 3}


async def test_a_failed_job_that_was_erased_is_never_tried_again(tmp_path: Path, database: str):
    async with serving(tmp_path, database) as (af, savers):
        job = await ended(af)
        async with af.store.writing() as session:  # as if it had failed
            await session.execute(
                update(Job).where(Job.id == job.id).values(status="failed", outcome=None, price_minor=0)
            )
        await erase(af, savers, None, ANY_AGE)
        assert await af.store.begin(job.id, since=["failed"], terms=job.price_list_id or "") is None


@pytest.mark.parametrize("moment", [1, 2, 3, 4, 5])
async def test_a_purge_that_was_stopped_is_given_again(tmp_path: Path, database: str, moment: int):
    async with serving(tmp_path, database) as (af, savers):
        for n in range(3):
            await ended(af, BILL + b" " * n)
        await ended(af, b"nothing to see")
        writing, left, purging = af.store.writing, moment, asyncio.current_task()

        def stops() -> Any:
            nonlocal left
            left -= asyncio.current_task() is purging  # those who tell and sweep meanwhile write too
            if not left:
                raise asyncio.CancelledError
            return writing()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(af.store, "writing", stops)
            with pytest.raises(asyncio.CancelledError):
                await erase(af, savers)
        await erase(af, savers)
        assert SECRET not in await everything(af)
        assert not holding(tmp_path / "documents", "")
        assert await faults(af) == []


async def test_documents_wait_for_a_purge_that_names_their_folder(tmp_path: Path):
    async with serving(tmp_path) as (af, savers):
        await ended(af)
        await purge(af.store, savers, Scope("acme"))
        assert (await sweep(af.store, savers, [])).waiting >= 2
        assert await sweep(af.store, savers, [af.documents]) == Swept(deleted=2)
        async with af.store.looking() as session:
            assert (await session.scalars(select(Erasure))).all() == []


async def test_a_document_that_somebody_stores_again_meanwhile_is_not_deleted_from_under_them(tmp_path: Path):
    async with serving(tmp_path) as (af, savers):
        job = await ended(af)
        await purge(af.store, savers, Scope("acme"))
        async with af.store.writing() as session:
            await session.execute(update(Erasure).values(created_at=now() - timedelta(minutes=1)))
        await af.documents.put(BILL)
        assert (await sweep(af.store, savers, [af.documents])).waiting >= 1
        assert await af.documents.intact(hashlib.sha256(BILL).hexdigest())
        assert job.input_sha256 == hashlib.sha256(BILL).hexdigest()


def test_nobodys_jobs_are_erased_by_default():
    with pytest.raises(ConfigError, match="name a tenant, or an age"):
        Scope()
