"""Told to stop, servers and workers end what they can within the grace and hand back the rest; told twice, at once."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from agentflow.client import Client
from agentflow.errors import AgentflowError
from tests.cli.processes import agentflow, serving, up, working

PATIENT = """
import asyncio, pathlib
from agentflow import Pack, Price, Record, workflow

class Task(Record):
    name: str

class Done(Record):
    name: str

async def do(task: Task) -> Done:
    pathlib.Path(f"{task.name}.begun").touch()
    while not pathlib.Path(f"{task.name}.go").exists():
        await asyncio.sleep(0.05)
    return Done(name=task.name)

patient = Pack(
    name="patient",
    workflow=workflow("patient", takes=Task, gives=Done).step(do).build(),
    prices={Done: Price("0.10")},
)
"""
STOP = signal.SIGTERM


async def there(file: Path) -> None:
    for _ in range(600):
        if await asyncio.to_thread(file.exists):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{file.name} never came")


async def test_a_server_hands_back_what_takes_too_long_and_the_next_one_ends_it(tmp_path: Path, database: str):
    key = agentflow("key", "--db", database, "new", "acme", cwd=tmp_path).stdout.strip()
    where = ("--db", database, "--grace", "1")
    with serving(tmp_path, *where, pack=PATIENT) as (url, server):
        await up(url)
        async with Client(url, key) as api:
            job = await api.submit("patient", given={"name": "slow"})
            await there(tmp_path / "slow.begun")
            server.send_signal(STOP)
            assert await asyncio.to_thread(server.wait, 50) == 0
    (tmp_path / "slow.go").touch()
    with serving(tmp_path, *where, pack=PATIENT) as (url, server):
        await up(url)
        async with Client(url, key) as api:
            done = await api.wait(job.id, 50)
            assert (done.status, done.billing) == ("finished", "charged")
            seen = [event.type async for event in api.events(job.id)]
            assert seen.count("job.finished") == 1
    agentflow("bill", "--db", database, "verify", cwd=tmp_path)


async def test_a_stream_of_events_ends_when_the_server_stops(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    with serving(tmp_path, "--grace", "30", pack=PATIENT) as (url, server):
        await up(url)
        async with Client(url, key) as api:
            job = await api.submit("patient", given={"name": "seen"})
            listening = asyncio.create_task(first_events(api, job.id))
            await there(tmp_path / "seen.begun")
            server.send_signal(STOP)
            (tmp_path / "seen.go").touch()
            assert await asyncio.to_thread(server.wait, 50) == 0
            assert (await listening)[0] == "job.queued"
    log = (tmp_path / "log").read_text()
    assert '"message": "job rests"' in log
    assert '"status": "finished"' in log


async def first_events(api: Client, job: str) -> list[str]:
    """The events until the stream ends, however it does."""
    seen: list[str] = []
    with suppress(AgentflowError):
        async for event in api.events(job):
            seen.append(event.type)  # noqa: PERF401 - what was seen before the stream broke off counts
    return seen


async def test_a_worker_hands_back_what_takes_too_long_and_the_next_one_ends_it(tmp_path: Path, database: str):
    key = agentflow("key", "--db", database, "new", "acme", cwd=tmp_path).stdout.strip()
    where = ("--db", database)
    with serving(tmp_path, *where, "--no-work", pack=PATIENT) as (url, _):
        await up(url)
        async with Client(url, key) as api:
            with working(tmp_path, *where, "--grace", "1", pack=PATIENT) as worker:
                job = await api.submit("patient", given={"name": "slow"})
                await there(tmp_path / "slow.begun")
                worker.send_signal(STOP)
                assert await asyncio.to_thread(worker.wait, 50) == 0
                assert worker.stdout is not None
                assert "stopped: 0 jobs carried, 1 wait for a worker" in worker.stdout.read()
            (tmp_path / "slow.go").touch()
            with working(tmp_path, *where, pack=PATIENT):
                assert (await api.wait(job.id, 50)).status == "finished"


async def test_told_twice_a_server_and_a_worker_end_at_once(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    with serving(tmp_path, "--grace", "600", "--no-work", pack=PATIENT) as (url, server):
        await up(url)
        async with Client(url, key) as api:
            job = await api.submit("patient", given={"name": "never"})
            waiting = asyncio.create_task(api.wait(job.id))
            with working(tmp_path, "--grace", "600", pack=PATIENT) as worker:
                await there(tmp_path / "never.begun")
                for process in (worker, server):
                    process.send_signal(STOP)
                    await asyncio.sleep(1)
                    process.send_signal(STOP)
                    assert await asyncio.to_thread(process.wait, 50) in (-STOP, 0)
            waiting.cancel()
