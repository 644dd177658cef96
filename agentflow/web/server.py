"""The server: uvicorn, which ends what is under way within a grace when it is told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from agentflow.web.protocol import BoundedProtocol


async def nothing() -> None:
    """There is nothing to be drained."""


class Server(uvicorn.Server):
    """Says that it is stopping before it closes: streams end, and a balancer sends requests elsewhere."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._loop = asyncio.get_running_loop()
        self.told = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins to stop, the next one ends the process at once."""
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_DFL)
        self._app.state.stopping = True
        self.should_exit = True  # uvicorn's own would raise the signal once more when all is done
        self._loop.call_soon_threadsafe(self.told.set)


async def serve(
    app: FastAPI, *, host: str, port: int, grace: float, drain: Callable[[], Awaitable[None]] = nothing
) -> None:
    """Serves until SIGTERM or SIGINT; requests and jobs under way then have `grace` seconds, at the same time.

    `drain` ends the jobs; requests that wait for them are answered meanwhile.
    """
    server = server_of(app, host=host, port=port, grace=grace)

    async def drained() -> None:
        await server.told.wait()
        await drain()

    async with asyncio.TaskGroup() as group:
        draining = group.create_task(drained())
        await server.serve()
        if not server.told.is_set():
            draining.cancel()


def server_of(app: FastAPI, *, host: str, port: int, grace: float) -> Server:
    """The server, not yet started."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=BoundedProtocol,
        ws="none",
        timeout_graceful_shutdown=int(grace) or 1,
        proxy_headers=False,
    )
    return Server(config, app)
