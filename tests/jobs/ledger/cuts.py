"""A settlement and a credit, each killed at every one of its statements in turn, and then let through: URL."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Engine, event, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker

from agentflow.connectors import prepared
from agentflow.connectors.sql import open_database
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.giving import charge_of, credit
from agentflow.jobs.ledger.tables import Charge, Credit, Transfer
from agentflow.jobs.store import open_store
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox
from tests.jobs.ledger.books import open_books, verification

Act = Callable[[str, str, int], Awaitable[None]]


async def settle(url: str, job: str, cut: int) -> None:
    """Settles the job; killed at statement number `cut`."""
    async with open_store(url) as store:
        row = await store.get(job)
        assert row is not None
        arm(Engine, cut)
        await store.finish(job, verification(row), result={}, output={})


async def give(url: str, job: str, cut: int) -> None:
    """Credits a part of the job's charge; killed at statement number `cut`."""
    async with open_database(url) as engine:
        arm(engine.sync_engine, cut)
        async with async_sessionmaker(engine).begin() as session:
            await session.run_sync(credit, await session.run_sync(charge_of, "local", job), 7, "goodwill", "r")


def arm(engine: object, cut: int) -> None:
    """Kills this process at its statement number `cut`, the commit counted as one; some go past SQLAlchemy."""
    seen = 0

    def one_more(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == cut:
            os.kill(os.getpid(), signal.SIGKILL)

    def past_it(*given: Any) -> Any:
        one_more()
        return executed(*given)

    event.listen(engine, "before_cursor_execute", one_more)
    event.listen(engine, "commit", one_more)
    executed, prepared.executed = prepared.executed, past_it


def killed(act: Act, url: str, job: str, cut: int) -> bool:
    """Whether the act was killed at that statement; False where it came to its end before."""
    child = os.fork()
    if child == 0:
        asyncio.run(act(url, job, cut))
        os._exit(0)
    _, how = os.waitpid(child, 0)
    assert how in (0, signal.SIGKILL), how
    return how != 0


async def accepted(url: str) -> str:
    async with open_books(url) as books:
        return (await books.accepted()).id


async def standing(url: str) -> dict[str, object]:
    async with open_database(url) as engine, async_sessionmaker(engine)() as session:
        counts = {
            table.__tablename__: await session.scalar(select(func.count()).select_from(table))
            for table in (Charge, Credit, Transfer)
        }
        told = (await session.scalars(select(Outbox.topic).order_by(Outbox.created_at, Outbox.id))).all()
        job = (await session.scalars(select(Job))).one()
        faults = [fault.rule for fault in await audit(session)]
        return {**counts, "status": job.status, "told": sorted(told), "faults": faults}


def main(url: str) -> None:
    """Prints how things stand after each cut."""
    job = asyncio.run(accepted(url))
    for act in (settle, give):
        cut = 1
        while killed(act, url, job, cut):
            print(json.dumps({"act": act.__name__, "cut": cut, **asyncio.run(standing(url))}))
            cut += 1
        print(json.dumps({"act": act.__name__, "cut": None, **asyncio.run(standing(url))}))


if __name__ == "__main__":
    main(sys.argv[1])
