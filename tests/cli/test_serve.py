"""`agentflow serve` sells a pack over HTTP and ends what is under way when it is told to stop."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentflow.client import ApiError, Client
from agentflow.errors import ConnectorError

ROOT = Path(__file__).parents[2]
PACK = """
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


def agentflow(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "agentflow.cli", *args]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serving(home: Path, *more: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server in a process of its own, with the URL that it says it serves."""
    (home / "counting").mkdir(exist_ok=True)
    (home / "counting" / "pack.py").write_text(PACK)
    port = free_port()
    command = [sys.executable, "-m", "agentflow.cli", "serve", "counting", "--port", str(port), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            assert f":{port};" in server.stdout.readline()
            yield f"http://127.0.0.1:{port}", server
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


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


async def test_a_pack_is_sold_over_http_and_a_stopping_server_finishes_what_it_has_begun(tmp_path: Path):
    key = agentflow("key", "new", "acme", cwd=tmp_path).stdout.strip()
    with serving(tmp_path, "--billing-file", "bill.jsonl") as (url, server):
        await up(url)
        async with Client(url, key) as api:
            done = await api.run("counting", given={"text": "four"})
            assert (done.status, done.result, done.billing) == ("finished", {"count": 4}, "charged")
            seen = [event.type async for event in api.events(done.id)]
            assert seen == ["job.queued", "job.started", "job.finished"]
            slow = await api.submit("counting", given={"text": "slow", "seconds": 1.0})
            async for event in api.events(slow.id):
                if event.type == "job.started":
                    break
            waiting = asyncio.create_task(api.wait(slow.id, 30))
            await asyncio.sleep(0.2)
            server.send_signal(signal.SIGTERM)
            assert (await waiting).status == "finished"
        assert await asyncio.to_thread(server.wait, 30) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["status"] for line in lines if line.get("route") == "/v1/jobs"] == [202, 202]
    assert key not in (tmp_path / "log").read_text()
    assert json.loads((tmp_path / "bill.jsonl").read_text().splitlines()[0])["data"]["amount_minor"] == 10


def test_keys_are_listed_without_their_secrets_and_revoked(tmp_path: Path):
    key = agentflow("key", "new", "acme", "--name", "shop", "--scope", "jobs:read", cwd=tmp_path).stdout.strip()
    listed = agentflow("key", "list", cwd=tmp_path).stdout
    name = key.split("_")[2]
    assert f"{name}  live  acme  in force  shop  jobs:read" in listed
    assert key[30:60] not in listed
    agentflow("key", "revoke", name, cwd=tmp_path)
    assert "revoked" in agentflow("key", "list", cwd=tmp_path).stdout
