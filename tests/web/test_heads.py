"""The server takes no more of a request than it may."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from agentflow.web import protocol
from agentflow.web.protocol import HEAD
from agentflow.web.server import server_of


def app_of(ended: asyncio.Event) -> FastAPI:
    """An answer that is slow, and one without an end, which tells when it has one all the same."""
    app = FastAPI()

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1)
        return "done"

    async def flood() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"x" * 65_536
                await asyncio.sleep(0)
        finally:
            ended.set()

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        return StreamingResponse(flood())

    return app


async def answered(address: tuple[str, int], sent: bytes) -> bytes:
    """All that comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    try:
        return await reader.read()
    finally:
        writer.transport.abort()


@asynccontextmanager
async def serving(ended: asyncio.Event | None = None) -> AsyncGenerator[tuple[str, int]]:
    made = server_of(app_of(ended or asyncio.Event()), host="127.0.0.1", port=0, grace=1.0)
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


BEGUN = b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: "


async def test_a_head_that_does_not_end_is_cut_off():
    async with serving() as address:
        assert not await cut_off(address, BEGUN + b"x" * 1000)
        assert await cut_off(address, BEGUN + b"x" * 8 * HEAD)


@pytest.mark.parametrize("sent", [b"", b"GET", BEGUN, b"GET /x HTTP/1.1\r\nHost: here\r\n\r\n" + BEGUN])
async def test_who_never_sends_a_whole_head_is_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with serving() as address, asyncio.timeout(4):
        assert (await answered(address, sent)).endswith(b"}")  # and the connection has ended


async def test_an_answer_that_takes_longer_than_a_head_may_is_not_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    async with serving() as address, asyncio.timeout(10):
        said = await answered(address, b"GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert said.endswith(b'"done"')


async def test_who_reads_nothing_of_an_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.2)
    ended = asyncio.Event()
    async with serving(ended) as address, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*address, limit=1024)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: here\r\n\r\n")
        await ended.wait()
        writer.transport.abort()
        del reader


TWO_LENGTHS = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"
BOTH = (
    b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"
)
SIGNED = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: +4\r\n\r\nabcd"
SPACED = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length : 4\r\n\r\nabcd"
ODD_CHUNK = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n"


@pytest.mark.parametrize("sent", [TWO_LENGTHS, BOTH, SIGNED, SPACED, ODD_CHUNK, b"\x16\x03\x01\x00\r\n\r\n"])
async def test_a_request_that_two_servers_could_take_for_two_is_refused_as_every_other_refusal(sent: bytes):
    async with serving() as address, asyncio.timeout(4):
        said = await answered(address, sent)
        assert said.count(b"HTTP/1.1 ") == 1
        assert b"400 Bad Request" in said
        assert b"content-type: application/problem+json" in said
