"""A server that is told to stop lets jobs and requests end at the same time."""

import asyncio
import os
import signal

import httpx
from fastapi import FastAPI

from agentflow.web.server import serve
from tests.cli.processes import free_port


async def test_jobs_are_drained_while_requests_that_wait_for_them_are_still_answered():
    app, drained, asked = FastAPI(), asyncio.Event(), asyncio.Event()

    @app.get("/")
    async def wait() -> str:
        asked.set()
        await drained.wait()
        return "answered"

    async def drain() -> None:
        drained.set()

    port = free_port()
    serving = asyncio.create_task(serve(app, host="127.0.0.1", port=port, grace=60, drain=drain))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        waiting = asyncio.create_task(up(client))
        await asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await waiting).json() == "answered"
    await serving
    assert app.state.stopping is True


async def up(client: httpx.AsyncClient) -> httpx.Response:
    """The answer, as soon as the server listens."""
    while True:
        try:
            return await client.get("/")
        except httpx.ConnectError:
            await asyncio.sleep(0.05)
