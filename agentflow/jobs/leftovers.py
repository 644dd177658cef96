"""Documents that erased jobs have left: each is deleted once nothing that is kept refers to it."""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.connectors.documents import NAME, Documents
from agentflow.engine.checkpoints import texts
from agentflow.engine.fencing import Fence, Savers
from agentflow.jobs.api_tables import File
from agentflow.jobs.ids import now
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Attempt, Effect, Erasure, Job, Kept

AT_ONCE = 200
"""Jobs that are looked through at once, and documents that are deleted in one transaction."""
IN_USE = 3600
"""Seconds in which somebody who has stored a document again may still be about to refer to it."""


@dataclass(frozen=True)
class Swept:
    """What became of the documents that were to be deleted."""

    deleted: int = 0
    wanted: int = 0
    """Something that is kept refers to them."""
    waiting: int = 0
    """They could not be deleted now: no folder was named, or they were stored again just now."""


async def condemn(session: AsyncSession, names: Collection[str]) -> None:
    """Notes documents to be deleted, once each."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    for name in sorted(names):
        await session.execute(insert(Erasure).values(sha256=name, created_at=now()).on_conflict_do_nothing())


async def sweep(store: Store, savers: Savers, folders: Sequence[Documents]) -> Swept:
    """Deletes what is noted and nobody refers to; can be stopped and called again at any moment."""
    async with store.looking() as session:
        noted = (await session.scalars(select(Erasure).order_by(Erasure.sha256))).all()
    if not folders:
        return Swept(waiting=len(noted))
    wanted = await referred(store, savers, {one.sha256 for one in noted})
    done = Swept()
    for start in range(0, len(noted), AT_ONCE):
        found = await _delete(store, folders, noted[start : start + AT_ONCE], wanted)
        pairs = zip(vars(done).values(), vars(found).values(), strict=True)
        done = Swept(*(one + other for one, other in pairs))
    return done


async def referred(store: Store, savers: Savers, names: Collection[str]) -> set[str]:
    """Which of the documents a job that is kept, or a file, refers to."""
    found, last = set[str](), ""
    while names:
        async with store.looking() as session:
            some = select(Job).where(Job.erased_at.is_(None), Job.id > last).order_by(Job.id).limit(AT_ONCE)
            jobs = (await session.scalars(some)).all()
        if not jobs:
            break
        last = jobs[-1].id
        found |= await named_by(store, savers, jobs) & set(names)
    async with store.looking() as session:
        return found | await _newly(session, names)


async def named_by(store: Store, savers: Savers, jobs: Sequence[Job]) -> set[str]:
    """Every sha256 that stands anywhere in the jobs: in what they read, made, asked, and have under way."""
    ids = [job.id for job in jobs]
    told = [job.input_sha256 for job in jobs]
    for job in jobs:
        told.append(json.dumps([job.input, job.result, job.output, job.evidence, job.questions, job.answers]))
        if job.status != "finished":
            told.append(await texts(job.id, savers(Fence(job.id, job.fence))))
    async with store.looking() as session:
        for column, job in (
            (Kept.records, Kept.job_id),
            (Attempt.output, Attempt.job_id),
            (Effect.made, Effect.job_id),
        ):
            told += [json.dumps(value) for value in await session.scalars(select(column).where(job.in_(ids)))]
    return {name for text in told for name in NAME.findall(text)}


async def _newly(session: AsyncSession, names: Collection[str]) -> set[str]:
    """Those of the documents that stand in a row of their own: a file, or the input of a job."""
    found = set[str]()
    for some in _parts(sorted(names)):
        found |= set(await session.scalars(select(File.sha256).where(File.sha256.in_(some))))
        found |= set(await session.scalars(select(Job.input_sha256).where(Job.input_sha256.in_(some))))
    return found


async def _delete(
    store: Store, folders: Sequence[Documents], noted: Sequence[Erasure], wanted: Collection[str]
) -> Swept:
    async with store.writing() as session:
        refer = await _newly(session, [one.sha256 for one in noted]) | set(wanted)
        kept = [one for one in noted if one.sha256 in refer]
        fresh = [one for one in noted if one.sha256 not in refer and await _stored_since(folders, one)]
        gone = [one for one in noted if one not in kept and one not in fresh]
        deleted = 0
        for one in gone:
            deleted += any([await folder.drop(one.sha256) for folder in folders])
        done = [one.sha256 for one in (*kept, *gone)]
        await session.execute(delete(Erasure).where(Erasure.sha256.in_(done)))
    return Swept(deleted, len(kept), len(fresh))


async def _stored_since(folders: Sequence[Documents], noted: Erasure) -> bool:
    """Whether somebody has stored the document again after it was noted, and may be about to refer to it."""
    times = [await folder.stored_at(noted.sha256) or 0.0 for folder in folders]
    stored = max(times)
    return stored > noted.created_at.replace(tzinfo=UTC).timestamp() and stored > time.time() - IN_USE


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
