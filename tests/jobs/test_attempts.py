"""The store keeps every attempt for a job's trace."""

from decimal import Decimal

from sqlalchemy import select

from agentflow.connectors.sql import open_database
from agentflow.flow.check import Problem
from agentflow.flow.journal import AttemptLine
from agentflow.jobs import migrate
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Attempt, Job


async def test_an_attempt_is_kept_with_what_was_said_of_it(database: str):
    line = AttemptLine(
        step="read",
        number=1,
        source="small",
        problems=(Problem(code="bad", message="too small"),),
        trust_before=0.0,
        trust_after=0.5,
        output={"value": 1},
        cost=Decimal("0.25"),
    )
    async with open_database(database) as engine:
        await migrate.upgrade(engine)
        store = Store(engine)
        job = await store.submit(
            Job(
                id=new_id("job"),
                pack="p",
                pack_version="1",
                input_name="a",
                input_sha256="0",
                input={},
                created_at=now(),
            )
        )
        await store.journal(job.id).attempt(line)
        async with engine.connect() as connection:
            [row] = (await connection.execute(select(Attempt.__table__))).mappings()
    assert (row["source"], row["trust_after"], row["output"], row["cost_micros"]) == (
        "small",
        0.5,
        {"value": 1},
        250_000,
    )
    assert row["problems"][0]["code"] == "bad"
