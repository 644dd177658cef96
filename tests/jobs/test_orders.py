"""Orders: what was asked for before is found without reading through a tenant's jobs."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from agentflow.jobs.orders import EARLIER
from agentflow.jobs.store import open_store


async def test_jobs_on_the_same_content_are_found_by_an_index(tmp_path: Path):
    told = str(EARLIER.compile(dialect=sqlite.dialect(paramstyle="named")))
    async with open_store(f"sqlite:///{tmp_path / 'jobs.db'}") as store, store.looking() as session:
        given = {"tenant": "t", "of_pack": "p", "content": "c"}
        plan = [row[3] for row in await session.execute(text(f"EXPLAIN QUERY PLAN {told}"), given)]
    assert plan[0] == "SEARCH job USING INDEX job_by_content (tenant_id=? AND input_sha256=?)"
