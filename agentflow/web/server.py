"""The server: uvicorn, which ends what is under way within a grace when it is told to stop."""

from types import FrameType

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
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADERS,
        timeout_graceful_shutdown=int(grace) or 1,
        proxy_headers=False,
    )
    await Server(config, app).serve()
