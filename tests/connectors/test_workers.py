"""Workers: a call in a child process costs that child alone, whatever happens in it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from agentflow.connectors.workers import Workers
from agentflow.errors import WorkerDied, WorkerError, WorkerTimeout

TARGET = """
import os, sys, time

class Odd(Exception):
    def __init__(self, a, b):
        super().__init__("odd")

def run(what, *rest):
    match what:
        case "add": return sum(rest)
        case "pid": return os.getpid()
        case "path": return sys.path
        case "print":
            print("noise on stdout", flush=True)
            os.write(1, b"more noise")
            return "quiet"
        case "raise": raise KeyError("lost")
        case "odd": raise Odd(1, 2)
        case "lambda": return lambda: None
        case "sleep": time.sleep(60)
        case "spin":
            while True: pass
        case "exit": os._exit(3)
        case "crash": os.kill(os.getpid(), 11)
        case "eat": return len(bytearray(4 << 30))
        case "large": return b"x" * rest[0]
"""

PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from agentflow.connectors.workers import Workers

async def main():
    async with Workers("errand:run", seconds=60) as workers:
        print(await workers.call("pid"), flush=True)
        await workers.call("spin")

asyncio.run(main())
"""


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Workers]:
    (tmp_path / "errand.py").write_text(TARGET)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return partial(Workers, "errand:run", seconds=30)


def gone(pid: int) -> bool:
    """True once the process has ended; waits for the kernel to take it away, at most ten seconds."""
    for _ in range(1000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


async def test_a_call_returns_what_the_function_returns(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        assert await pool.call("add", 1, 2, 3) == 6


async def test_the_child_is_another_process_and_stays_for_the_next_call(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        first, second = await pool.call("pid"), await pool.call("pid")
    assert first == second != os.getpid()


async def test_no_child_starts_before_the_first_call(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        assert pool.pids == []


async def test_the_child_sees_the_import_path_of_its_parent(workers: Callable[..., Workers], tmp_path: Path) -> None:
    async with workers() as pool:
        assert str(tmp_path) in await pool.call("path")


async def test_what_the_target_prints_does_not_disturb_the_answer(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        assert await pool.call("print") == "quiet"
        assert await pool.call("add", 1) == 1


async def test_an_answer_of_many_megabytes_arrives_whole(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        assert len(await pool.call("large", 20_000_000)) == 20_000_000


async def test_an_exception_of_the_target_comes_back_as_itself_and_keeps_the_child(
    workers: Callable[..., Workers],
) -> None:
    async with workers() as pool:
        pid = await pool.call("pid")
        with pytest.raises(KeyError, match="lost"):
            await pool.call("raise")
        assert await pool.call("pid") == pid


async def test_an_exception_that_cannot_travel_is_worded(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        with pytest.raises(WorkerError, match="Odd: odd"):
            await pool.call("odd")


async def test_a_result_that_cannot_travel_is_an_error(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        with pytest.raises(WorkerError, match="cannot be pickled"):
            await pool.call("lambda")


async def test_a_call_past_its_time_is_ended_and_the_next_call_works(workers: Callable[..., Workers]) -> None:
    async with workers(seconds=0.5) as pool:
        pid = await pool.call("pid")
        with pytest.raises(WorkerTimeout, match=r"0\.5 s"):
            await pool.call("spin")
        assert gone(pid)
        assert await pool.call("add", 1) == 1


@pytest.mark.parametrize("end", ["exit", "crash"])
async def test_a_child_that_dies_is_replaced(workers: Callable[..., Workers], end: str) -> None:
    async with workers() as pool:
        with pytest.raises(WorkerDied):
            await pool.call(end)
        assert await pool.call("add", 1) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
async def test_a_call_past_its_memory_costs_the_child_alone(workers: Callable[..., Workers]) -> None:
    async with workers(memory_mb=500) as pool:
        with pytest.raises(WorkerDied, match="500 MB"):
            await pool.call("eat")
        assert await pool.call("add", 1) == 1


async def test_a_child_killed_between_calls_is_not_noticed(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        pid = await pool.call("pid")
        os.kill(pid, signal.SIGKILL)
        while pool.pids:  # noqa: ASYNC110 - the kernel sends no event
            await asyncio.sleep(0.01)
        assert await pool.call("add", 1) == 1


async def test_cancelling_the_caller_ends_the_call_in_the_child(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        pid = await pool.call("pid")
        task = asyncio.create_task(pool.call("sleep"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert gone(pid)
        assert await pool.call("add", 1) == 1


async def test_no_more_children_than_asked_for(workers: Callable[..., Workers]) -> None:
    async with workers(count=2) as pool:
        pids = await asyncio.gather(*(pool.call("pid") for _ in range(6)))
        assert len(set(pids)) <= 2


async def test_leaving_the_context_ends_the_children(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        pid = await pool.call("pid")
    assert gone(pid)


async def test_a_call_after_the_context_is_refused(workers: Callable[..., Workers]) -> None:
    async with workers() as pool:
        pass
    with pytest.raises(WorkerError, match="closed"):
        await pool.call("add", 1)


async def test_a_target_that_is_not_there_is_named() -> None:
    async with Workers("no_such_module:run", seconds=5) as pool:
        with pytest.raises(WorkerError, match="no_such_module"):
            await pool.call()


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's signal at the death of a parent")
def test_a_parent_that_is_killed_leaves_no_orphan(tmp_path: Path) -> None:
    (tmp_path / "errand.py").write_text(TARGET)
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    assert gone(child)
