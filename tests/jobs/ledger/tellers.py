"""Eight processes that accept, settle, fail, credit and dispute jobs at once, killed at random: URL KILLS SEED."""

import asyncio
import json
import os
import random
import signal
import sys
import time

from sqlalchemy import select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from agentflow.connectors.sql import open_database
from agentflow.errors import LedgerError, StoreError
from agentflow.jobs.deadlines import sweep
from agentflow.jobs.engines.inline import InlineEngine
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.giving import charge_of, credit, decide, dispute
from agentflow.jobs.ledger.statements import close
from agentflow.jobs.ledger.tables import Charge, Dispute
from agentflow.jobs.store import open_store
from agentflow.jobs.tables import Job
from tests.jobs.ledger.books import Books, open_books, pack, verification

TELLERS = 8


async def serve(url: str, seed: int) -> None:
    """Does one thing after the other until it is killed; what others did first is no error."""
    chance = random.Random(seed)
    async with open_store(url) as store, open_database(url) as engine:
        books = Books(store, async_sessionmaker(engine, expire_on_commit=False), await store.accept(pack()))
        while True:
            try:
                await one_thing(books, chance)
            except (LedgerError, SQLAlchemyError, StoreError):
                continue


async def one_thing(books: Books, chance: random.Random) -> None:
    name = f"in{chance.randrange(200)}"
    match chance.randrange(7):
        case 0 | 1:
            await books.accepted(name)
        case 2:
            job = await books.accepted(name)
            await books.store.finish(job.id, verification(job, chance.choice(["pass", "fail"])), result={}, output={})
        case 3:
            job = await books.accepted(name)
            await books.store.fail(job.id)
            await books.store.begin(job.id, since=["failed"], terms=books.terms.id)
        case 4:
            await expire(books, name)
        case _:
            await give(books, chance)


async def expire(books: Books, name: str) -> None:
    job = await books.accepted(name)
    async with books.sessions.begin() as session:
        await session.execute(update(Job).where(Job.id == job.id).values(deadline_at=now()))
    await sweep(books.store, InlineEngine())


async def give(books: Books, chance: random.Random) -> None:
    async with books.sessions.begin() as session:
        charges = (await session.scalars(select(Charge.job_id).order_by(Charge.id))).all()
        if not charges:
            return
        await money_back(session, chance, chance.choice(charges))


async def money_back(session: AsyncSession, chance: random.Random, job: str) -> None:
    match chance.randrange(4):
        case 0:
            charge = await session.run_sync(charge_of, "local", job)
            await session.run_sync(credit, charge, chance.randrange(1, 50), "goodwill", f"r{chance.randrange(50)}")
        case 1:
            await session.run_sync(dispute, "local", job, "wrong", {})
        case 2:
            opened = (await session.scalars(select(Dispute.id).where(Dispute.state == "opened"))).all()
            for one in opened[:1]:
                await session.run_sync(decide, one, chance.choice(["accepted", "rejected"]), "operator")
        case _:
            await session.run_sync(close, "local", "USD", now())


def start(url: str, seed: int) -> int:
    """The process id of a new teller, forked so that it serves at once."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(serve(url, seed))
        finally:
            os._exit(1)
    return child


def main(url: str, kills: int, seed: int) -> None:
    """Kills so many tellers at random moments, ends the others, and prints what the ledger holds."""
    asyncio.run(prepare(url))
    chance = random.Random(seed)
    tellers = [start(url, seed + i) for i in range(TELLERS)]
    for kill in range(kills):
        time.sleep(chance.uniform(0.02, 0.25))
        place = chance.randrange(TELLERS)
        os.kill(tellers[place], signal.SIGKILL)
        os.waitpid(tellers[place], 0)
        tellers[place] = start(url, seed + TELLERS + kill)
    for teller in tellers:
        os.kill(teller, signal.SIGKILL)
        os.waitpid(teller, 0)
    print(json.dumps(asyncio.run(recount(url))))


async def prepare(url: str) -> None:
    async with open_books(url):
        pass


async def recount(url: str) -> dict[str, object]:
    async with open_database(url) as engine, async_sessionmaker(engine)() as session:
        tables = ("job", "charge", "credit", "dispute", "statement")
        counts = {name: await session.scalar(text(f"SELECT COUNT(*) FROM {name}")) for name in tables}
        counts["expired"] = await session.scalar(text("SELECT COUNT(*) FROM job WHERE status = 'expired'"))
        return {**counts, "faults": [fault.rule for fault in await audit(session)]}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
