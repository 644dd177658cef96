"""Lines to a database that can be cut: what is sent meanwhile is lost or kept waiting, and the sockets stay open."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

OURS, THEIRS = "10.213.77.1", "10.213.77.2"


@dataclass(frozen=True)
class Line:
    """A way to the database at `url`, for a process that is started with `prefix` before its command."""

    name: str
    url: str
    cut: Callable[[], None]
    mend: Callable[[], None]
    prefix: Sequence[str] = ()


@asynccontextmanager
async def open_line(url: str) -> AsyncGenerator[Line]:
    """A line to the database at `url`: over a network of its own where the machine allows, else over a proxy's gate."""
    async with AsyncExitStack() as stack:
        gate = asyncio.Event()
        gate.set()
        network = _network(stack)
        host = OURS if network else "127.0.0.1"
        server = await stack.enter_async_context(_relaying(url, host, gate))
        there = f"postgresql://{urlsplit(url).username or 'postgres'}@{host}:{_port(server)}{urlsplit(url).path}"
        if network:
            yield Line("network", there, lambda: _link("down"), lambda: _link("up"), ("ip", "netns", "exec", network))
        else:
            yield Line("proxy", there, gate.clear, gate.set)


@asynccontextmanager
async def _relaying(url: str, host: str, gate: asyncio.Event) -> AsyncGenerator[asyncio.Server]:
    """A proxy that passes on what is sent while the gate is open."""
    pumps: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await _connected(url)
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(_pump(source, sink, gate))
            pumps.add(pump)
            pump.add_done_callback(pumps.discard)

    server = await asyncio.start_server(relay, host, 0)
    try:
        yield server
    finally:
        server.close()
        for pump in [*pumps]:
            pump.cancel()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, gate: asyncio.Event) -> None:
    try:
        while data := await source.read(65_536):
            await gate.wait()
            sink.write(data)
            await sink.drain()
        await gate.wait()
    except OSError:
        pass  # one side is gone, and so the other is
    finally:
        sink.close()


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    folder = parse_qs(address.query).get("host")
    if folder and folder[0].startswith("/"):
        return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{address.port or 5432}")
    return await asyncio.open_connection(address.hostname or "127.0.0.1", address.port or 5432)


def _port(server: asyncio.Server) -> int:
    return server.sockets[0].getsockname()[1]


def _network(stack: AsyncExitStack) -> str | None:
    """A network namespace with one link to ours; None where the machine has no means for it or does not let us."""
    name = f"cut{os.getpid()}"
    if shutil.which("ip") is None or os.geteuid() != 0 or not _ran("ip", "netns", "add", name):
        return None
    stack.callback(_ran, "ip", "netns", "delete", name)
    made = (
        ("ip", "link", "add", _OURS, "type", "veth", "peer", "name", _THEIRS, "netns", name),
        ("ip", "address", "add", f"{OURS}/30", "dev", _OURS),
        ("ip", "link", "set", _OURS, "up"),
        ("ip", "-n", name, "address", "add", f"{THEIRS}/30", "dev", _THEIRS),
        ("ip", "-n", name, "link", "set", _THEIRS, "up"),
        ("ip", "-n", name, "link", "set", "lo", "up"),
    )
    return name if all(_ran(*command) for command in made) else None


_OURS, _THEIRS = f"co{os.getpid()}", f"ct{os.getpid()}"


def _link(state: str) -> None:
    assert _ran("ip", "link", "set", _OURS, state)


def _ran(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
