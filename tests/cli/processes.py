"""Servers and workers as processes of their own, on small packs."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentflow.client import ApiError, Client
from agentflow.errors import ConnectorError

ROOT = Path(__file__).parents[2]
COUNTING = """
import asyncio
from agentflow import Pack, Price, Record, workflow

class Text(Record):
    text: str
    seconds: float = 0

class Counted(Record):
    count: int

async def count(text: Text) -> Counted:
    await asyncio.sleep(text.seconds)
    return Counted(count=len(text.text))

counting = Pack(
    name="counting",
    workflow=workflow("counting", takes=Text, gives=Counted).step(count).build(),
    prices={Counted: Price("0.10")},
)
"""

READING = """
from agentflow import Document, Documents, Pack, Price, Record, workflow

class Read(Record):
    words: int

async def read(document: Document, *, documents: Documents) -> Read:
    return Read(words=len((await documents.get(document.sha256)).split()))

reading = Pack(
    name="reading",
    workflow=workflow("reading", takes=Document, gives=Read).step(read).build(),
    connectors=[Documents],
    prices={Read: Price("0.10")},
)
"""


def agentflow(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "agentflow.cli", *args]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def write_pack(home: Path, pack: str) -> None:
    """The pack in a folder of its own."""
    (home / "pack").mkdir(exist_ok=True)
    (home / "pack" / "pack.py").write_text(pack)


@contextmanager
def process(home: Path, log: str, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """A command in a process of its own, which logs to a file; ended with the block."""
    command = [sys.executable, "-m", "agentflow.cli", *args]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (home / log).open("w") as kept:
        one = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=kept, text=True)
        try:
            yield one
        finally:
            one.kill()
            one.wait()
            assert one.stdout is not None
            one.stdout.close()


@contextmanager
def serving(home: Path, *more: str, pack: str = COUNTING) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server in a process of its own, with the URL that it says it serves."""
    write_pack(home, pack)
    port = free_port()
    with process(home, "log", "serve", "pack", "--port", str(port), *more) as server:
        assert server.stdout is not None
        assert f":{port};" in server.stdout.readline(), (home / "log").read_text()
        yield f"http://127.0.0.1:{port}", server


@contextmanager
def working(home: Path, *more: str, pack: str = COUNTING) -> Iterator["subprocess.Popen[str]"]:
    """A worker in a process of its own, which has said what it works on."""
    write_pack(home, pack)
    with process(home, "work.log", "work", "pack", *more) as worker:
        assert worker.stdout is not None
        assert "working on" in worker.stdout.readline(), (home / "work.log").read_text()
        yield worker


async def up(url: str) -> None:
    """Waits until the server answers."""
    async with Client(url, "none") as nobody:
        for _ in range(300):
            try:
                await nobody.get("job_1")
            except ApiError:
                return
            except ConnectorError:
                await asyncio.sleep(0.1)
    raise AssertionError("the server did not come up")
