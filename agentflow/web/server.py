"""The server: uvicorn, which ends what is under way within a grace when it is told to stop."""

import asyncio
from importlib.util import find_spec
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

HEADERS = 65_536
"""Bytes of headers that are read."""


class Server(uvicorn.Server):
    """Says that it is stopping before it closes: streams end, and a balancer sends requests elsewhere."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins to stop, the second stops at once."""
        self._app.state.stopping = True
        self.force_exit = self.should_exit  # uvicorn's own would raise the signal once more when all is done
        self.should_exit = True


async def serve(app: FastAPI, *, host: str, port: int, grace: float) -> None:
    """Serves until SIGTERM or SIGINT; requests and jobs under way then get `grace` seconds."""
    await server_of(app, host=host, port=port, grace=grace).serve()


def server_of(app: FastAPI, *, host: str, port: int, grace: float) -> Server:
    """The server, not yet started."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=_protocol(),
        h11_max_incomplete_event_size=HEADERS,
        timeout_graceful_shutdown=int(grace) or 1,
        proxy_headers=False,
    )
    return Server(config, app)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's event loop where there is one: a job is accepted with a tenth less of the processor."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


def _protocol() -> Any:
    """httptools where it is there, else h11; both with an end to how long a head may be."""
    if find_spec("httptools") is None:
        return "h11"
    from agentflow.web.protocol import BoundedProtocol

    return BoundedProtocol
