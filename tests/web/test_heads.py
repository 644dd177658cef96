"""The server takes no more of a request than it may."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import FastAPI

from agentflow.web import server
from agentflow.web.server import HEADERS, server_of


@asynccontextmanager
async def serving() -> AsyncGenerator[tuple[str, int]]:
    made = server_of(FastAPI(), host="127.0.0.1", port=0, grace=1.0)
    task = asyncio.create_task(made.serve())
    while not made.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield made.servers[0].sockets[0].getsockname()
    finally:
        made.should_exit = True
        await task


async def cut_off(address: tuple[str, int], head: bytes) -> bool:
    """Whether the server ends the connection on which a head comes."""
    reader, writer = await asyncio.open_connection(*address)
    with suppress(ConnectionError):
        for at in range(0, len(head), 4096):
            writer.write(head[at : at + 4096])
            await writer.drain()
            await asyncio.sleep(0)
    try:
        async with asyncio.timeout(2):
            await reader.read()
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("reading", ["httptools", "h11"])
async def test_a_head_that_does_not_end_is_cut_off(reading: str, monkeypatch: pytest.MonkeyPatch):
    if reading == "h11":
        monkeypatch.setattr(server, "find_spec", lambda _: None)
    else:
        pytest.importorskip("httptools")
    begun = b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: "
    async with serving() as address:
        assert not await cut_off(address, begun + b"x" * 1000)
        assert await cut_off(address, begun + b"x" * 8 * HEADERS)
