"""How fast an API accepts jobs: a real `agentflow serve` without a worker, asked by a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentflow.jobs.keys import Lock, make_key, pepper_of
from agentflow.jobs.store import open_store
from tests.benchmarks.load import Load, told
from tests.benchmarks.report import Metric

ROOT = Path(__file__).parents[2]
PACK = "tests/benchmarks/errand"
TENANTS = 8
A_KEY = 500
"""Requests that a key sends: it may send 600 a minute."""
CONNECTIONS = 8
FIRST = 100
"""Requests that are sent before any is timed."""


async def accepting(kind: str, url: str, home: Path, requests: int) -> list[Metric]:
    """Requests a second and how long they took, in one process of `agentflow serve` on the database at `url`."""
    keys = await _keys(url, home, -(-(requests + FIRST) // A_KEY))
    with _serving(url, home) as (server, port):
        _loaded(Load("127.0.0.1", port, keys, CONNECTIONS, FIRST))
        before = processor([server.pid])
        wall, of_load, taken = _loaded(Load("127.0.0.1", port, keys, CONNECTIONS, requests, start=FIRST))
        spent = processor([server.pid]) - before
    taken = sorted(taken)
    last, middle = 1000 * taken[int(0.99 * len(taken))], 1000 * taken[len(taken) // 2]
    return [
        Metric(f"submit, {kind}: requests/s", requests / wall, None, None, 300.0),
        Metric(f"submit, {kind}: ms, 99th percentile", last, None, None, 100.0, "at most"),
        Metric(f"submit, {kind}: ms, median", middle, None, None, None),
        Metric(f"submit, {kind}: ms of processor a request, server", 1000 * spent / requests, None, None, None),
        Metric(f"submit, {kind}: ms of processor a request, sender", 1000 * of_load / requests, None, None, None),
    ]


def processor(processes: Sequence[int]) -> float:
    """Seconds that processes have had of the processor (Linux)."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes]
    return sum(int(found[11]) + int(found[12]) for found in fields) / os.sysconf("SC_CLK_TCK")


async def _keys(url: str, home: Path, count: int) -> tuple[str, ...]:
    """API keys of some tenants."""
    home.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    lock = Lock(pepper_of(home))
    async with open_store(url) as store, store.writing() as session:
        made = [await make_key(session, lock, f"tenant{n % TENANTS}") for n in range(max(count, TENANTS))]
    return tuple(key for key, _ in made)


@contextmanager
def _serving(url: str, home: Path) -> Generator[tuple["subprocess.Popen[bytes]", int]]:
    """`agentflow serve` of the pack, once it is ready; and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = ["serve", PACK, "--db", url, "--out", str(home), "--port", str(port), "--no-work"]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "agentflow.cli", *told], cwd=ROOT, env=environment(), stdout=log, stderr=log
        )
        try:
            _ready(server, port)
            yield server, port
        finally:
            server.terminate()
            server.wait()


def _ready(server: "subprocess.Popen[bytes]", port: int) -> None:
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not come up; its log is in server.log")


def _loaded(load: Load) -> tuple[float, float, list[float]]:
    """Seconds of wall clock and of processor that the load took, and seconds by answer."""
    wall, of_load, taken = child("tests.benchmarks.load", given=told(load))
    return wall, of_load, taken


def child(module: str, *options: str, given: str = "") -> Any:
    """What a process of this checkout prints as JSON."""
    command = [sys.executable, "-m", module, *options]
    here: Any = {"cwd": ROOT, "env": environment(), "text": True}
    return json.loads(subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, **here).stdout)


def environment() -> dict[str, str]:
    """Of a child process that runs this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}
