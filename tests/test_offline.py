"""Without a network everything works, and nothing tries to reach one."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUARD = """
import os, socket, sys

def guard(event, args):
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        return
    place = args[0] if event == "socket.getaddrinfo" else args[1]
    host = place[0] if isinstance(place, tuple) else place
    if isinstance(place, (str, bytes)) and event == "socket.connect" or str(host) in ("127.0.0.1", "::1", "localhost"):
        return
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(event, host, file=file)
    raise OSError("there is no network")

sys.addaudithook(guard)
"""
SERVED = """
import asyncio, pathlib, sys
from agentflow.engine.models import load_litellm
from tests.web.served import ended, order, serving

async def main():
    await load_litellm()
    async with serving(pathlib.Path(sys.argv[1])) as served:
        print((await ended(await served.client(), order()))["status"])

asyncio.run(main())
"""


def offline(tmp_path: Path, *command: str) -> tuple[str, str]:
    """What a command says, and whom it tried to reach: it and its children have no network."""
    (tmp_path / "guard").mkdir(exist_ok=True)
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    attempts = tmp_path / "attempts"
    attempts.touch()
    path = os.pathsep.join([str(tmp_path / "guard"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "ATTEMPTS": str(attempts)}
    command = (sys.executable, *command)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, attempts.read_text()


def test_the_guard_would_notice(tmp_path: Path):
    code = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    assert "192.0.2.1" in offline(tmp_path, "-c", code)[1]


def test_the_packs_samples_are_read_without_a_network(tmp_path: Path):
    samples = ROOT / "domains/invoices/samples/documents"
    names = ["01-text-de.pdf", "14-facturx-de.pdf", "18-ubl-peppol-be.xml", "23-scan-en.png"]
    files = [str(samples / name) for name in names]
    run = ["-m", "agentflow.cli", "run", "domains/invoices", *files, "--out", str(tmp_path / "out"), "--json"]
    said, tried = offline(tmp_path, *run)
    assert '"failed": 0' in said
    assert tried == ""


def test_a_job_is_sold_without_a_network(tmp_path: Path):
    said, tried = offline(tmp_path, "-c", SERVED, str(tmp_path / "home"))
    assert (said.split(), tried) == (["finished"], "")
