"""Jobs in one embedded process: `python -m tests.benchmarks.embedded FUNCTION OPTIONS` prints what they took as JSON.

Each function is run in a process of its own, so that memory is what it took.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.connectors.sql import open_database
from agentflow.jobs.service import Agentflow, Part
from agentflow.jobs.tables import Job
from tests.benchmarks.asking import KINDS, Models, answering, ten_questions
from tests.benchmarks.errand.pack import Errand, errand

MB = 1024.0 * 1024.0


@dataclass(frozen=True)
class Spent:
    """What some jobs took."""

    jobs: int
    wall: float
    """Seconds."""
    processor: float
    """Seconds, of this process."""
    megabytes: float
    """Resident afterwards."""
    peak: float
    """Megabytes resident at most, since the process began."""


async def waits(url: str, home: str, jobs: int, seconds: float, concurrency: int) -> Any:
    """Jobs of ten steps whose model takes `seconds` for an answer, all at once."""
    async with _service(url, home, concurrency, seconds) as af:
        return vars(await _done(af, "ten", [KINDS[0](name=f"n{i}") for i in range(jobs)], 0))


async def soak(url: str, home: str, jobs: int, slices: int, concurrency: int) -> Any:
    """Jobs of one short step, a slice after the other."""
    async with _service(url, home, concurrency, 0.0) as af:
        found: list[Any] = []
        for number in range(slices):
            each = jobs // slices
            records = [Errand(text=f"e{number * each + i}") for i in range(each)]
            found.append(vars(await _done(af, "errand", records, number * each)))
        return found


async def room(url: str, home: str, jobs: int, concurrency: int) -> Any:
    """Bytes by table, with its indexes, that ten-step jobs leave behind their end, and the bytes before the first."""
    async with _service(url, home, concurrency, 0.0) as af:
        before = await _sizes(url)
        await _done(af, "ten", [KINDS[0](name=f"n{i}") for i in range(jobs)], 0)
        return [before, await _sizes(url)]


@asynccontextmanager
async def _service(url: str, home: str, concurrency: int, seconds: float) -> AsyncGenerator[Agentflow]:
    parts = [Part(ten_questions(), Models(answering(seconds))), errand]
    async with Agentflow(parts, home=home, database=url, concurrency=concurrency) as af:
        yield af


async def _done(af: Agentflow, pack: str, records: list[Any], before: int) -> Spent:
    """Submits the records, and waits until so many jobs more than `before` have finished."""
    began, had = time.perf_counter(), time.process_time()
    for record in records:
        await af.submit(pack, record)
    while await _finished(af) < before + len(records):  # noqa: ASYNC110 - polled as a host would
        await asyncio.sleep(0.1)
    wall, spent = time.perf_counter() - began, time.process_time() - had
    return Spent(len(records), wall, spent, _resident(), _peak())


async def _finished(af: Agentflow) -> int:
    async with af.store.looking() as session:
        return await session.scalar(select(func.count()).select_from(Job).where(Job.status == "finished")) or 0


def _resident() -> float:
    """Megabytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MB


def _peak() -> float:
    """Megabytes resident at most (Linux); `getrusage` counts those of whoever started this process too."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def _sizes(url: str) -> dict[str, int]:
    """Bytes by table with its indexes; what rows that are gone have taken is not counted."""
    async with open_database(url) as engine:
        if engine.dialect.name == "sqlite":
            told = "SELECT tbl_name, sum(pgsize - unused) FROM dbstat JOIN sqlite_schema USING (name) GROUP BY tbl_name"
        else:
            async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                await connection.execute(text("VACUUM FULL"))
            told = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
        async with AsyncSession(engine) as session:
            return {name: int(size) for name, size in (await session.execute(text(told))).all()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(globals()[sys.argv[1]](**json.loads(sys.argv[2])))))
