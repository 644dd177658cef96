"""Benchmark of workers: `python -m tests.benchmarks.workers` kills, pauses and cuts off those that carry 500 jobs.

Jobs of ten steps of 20 ms with an effect each are carried by two workers on PostgreSQL, by one on a SQLite file. The
server is one of its own, or the one that AGENTFLOW_TEST_POSTGRES names (without its restart then). Everything shares
the machine; rates are those of the machine as it is.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.lines import open_line
from tests.benchmarks.places import Place, Server, all_of, open_place
from tests.benchmarks.report import Metric, finish
from tests.benchmarks.tensteps import STEPS, TIMING

PAUSE = 8.0


async def steady(place: Place, jobs: int, workers: int, concurrency: int) -> tuple[float, float]:
    """Jobs a second, from the first that is begun to the last that is finished; and ms of processor a job in workers.

    The second counts from when the workers are up, so it is what the first would be bounded by on a machine of one's
    own, less what the database takes.
    """
    await place.post(jobs)
    for _ in range(workers):
        place.start(concurrency)
    before, had = sum(map(_processor, place.workers)), await place.done()
    await place.until(jobs)
    taken = 1000 * (sum(map(_processor, place.workers)) - before) / max(1, jobs - had)
    [[last]] = await place.ask("SELECT max(finished_at) FROM job")
    first = min(line[0] for line in place.logs())
    return await place.done() / (_stamp(last) - first), taken


def _processor(worker: "subprocess.Popen[str]") -> float:
    """Seconds that a process has had of the processor (Linux)."""
    fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
    leave, back = (lambda: victim.send_signal(signal.SIGSTOP)), (lambda: victim.send_signal(signal.SIGCONT))
    return await _away("SIGSTOP", place, jobs, leave, back)


async def cut(place: Place, jobs: int, concurrency: int) -> list[Metric]:
    """One of two workers is cut off the database when 40 % are done, and comes back after eight seconds."""
    await place.post(jobs)
    async with open_line(place.url) as line:
        # It starts in a thread: what it says goes over a proxy in this process.
        await asyncio.to_thread(place.start, concurrency, line)
        await asyncio.to_thread(place.start, concurrency)
        found = await _away(f"cut ({line.name})", place, jobs, line.cut, line.mend)
        place.end()
    return found


async def _away(
    name: str, place: Place, jobs: int, leave: Callable[[], None], back: Callable[[], None]
) -> list[Metric]:
    """The first worker leaves when 40 % are done, for longer than it takes to be held for dead, and comes back."""
    await place.until(int(0.4 * jobs))
    while not await place.of(0) and await place.done() < jobs:  # noqa: ASYNC110 - other processes do
        await asyncio.sleep(0.02)
    leave()
    hit = time.time()
    orphans = await place.of(0)
    await asyncio.sleep(PAUSE)
    ended = [job for [job] in await place.ask("SELECT id FROM job WHERE status = 'finished'") if job in orphans]
    before, woken = await place.written(ended), time.time()
    back()
    await place.until(jobs)
    await asyncio.sleep(4)
    lines = [line for line in place.log(0) if line[0] > woken]
    late, again = _by_lost_runs(lines, orphans), sum(told == "take" for _, told, *_ in lines)
    after = await place.written(ended)
    return [
        *await _whole(name, place, jobs),
        *await _orphans(name, place, orphans, hit),
        Metric(f"{name}: orphans that ended before it was back", len(ended), None, None, None),
        Metric(f"{name}: rows of theirs changed once it was back", _changed(before, after), None, None, 0, "at most"),
        Metric(f"{name}: steps begun by lost runs beyond the one under way", late, None, None, 0, "at most"),
        Metric(f"{name}: jobs it took once it was back", again, None, None, None),
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
    left = await _left(place)
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


async def _left(place: Place, seconds: float = 20.0) -> int:
    """Checkpoints that are there in the end; those of a job that ended as its worker went are deleted by another."""
    end = time.monotonic() + seconds
    while True:
        [[left]] = await place.ask("SELECT count(*) FROM checkpoints")
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.2)


def _by_lost_runs(lines: Sequence[list[Any]], orphans: Sequence[str]) -> int:
    """Steps that a worker began without having taken the job anew, but for the one that was under way of each."""
    lost, begun = set(orphans), Counter[str]()
    for _, told, job, *_ in lines:
        if told == "take":
            lost.discard(job)
        begun[job] += told == "begin" and job in lost
    return sum(max(0, times - 1) for times in begun.values())


async def _orphans(name: str, place: Place, orphans: Sequence[str], hit: float) -> list[Metric]:
    ends = await place.ask(f"SELECT finished_at FROM job WHERE id IN {all_of(orphans)}")
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


def _stamp(at: Any) -> float:
    """Seconds since 1970 of a time in UTC, as PostgreSQL or SQLite gives it."""
    told = datetime.fromisoformat(at) if isinstance(at, str) else at
    return told.replace(tzinfo=UTC).timestamp()


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
        found, taken = await steady(place, jobs, 2, concurrency)
        return [
            Metric("jobs/s on PostgreSQL, 2 workers, fenced", found, None, None, 35.0),
            Metric("ms of processor a job in workers, PostgreSQL", taken, None, None, None),
            *await _whole("PostgreSQL", place, jobs),
        ]

    async def rate_sqlite(place: Place) -> list[Metric]:
        found, taken = await steady(place, max(jobs // 2, 1), 1, concurrency)
        return [
            Metric("jobs/s on one SQLite file, 1 worker, fenced", found, None, None, 20.0),
            Metric("ms of processor a job in the worker, SQLite", taken, None, None, None),
        ]

    await on("rate", server.database(), rate)
    await on("kill", server.database(), lambda place: kill(place, jobs, concurrency))
    await on("stop", server.database(), lambda place: stop(place, jobs, concurrency))
    await on("cut", server.database(), lambda place: cut(place, jobs, concurrency))
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
    parser.add_argument("--only", nargs="*", default=(), help="rate kill stop cut restart fairness sqlite embedded")
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        server = Server(Path(scratch))
        try:
            metrics = asyncio.run(measure(Path(scratch), server, 100 if args.quick else 500, args.only))
        finally:
            server.close()
    finish("workers", metrics, args.json)


if __name__ == "__main__":
    main()
