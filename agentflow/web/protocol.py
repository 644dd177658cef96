"""HTTP/1.1 by httptools, with an end to how long a head may be and take, and an answer may wait to be read."""

import asyncio
import json
from collections.abc import Callable, Mapping

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = 65_536
"""Bytes, besides those of the chunks in which it begins and ends."""
HEAD_SECONDS = 20.0
"""From the connection, or the first byte of a further request, to the end of the head."""
UNREAD_SECONDS = 60.0
"""In which a client has to take something of what waits for it."""
PROBLEM: Mapping[str, object] = {
    "type": "urn:agentflow:problem:malformed",
    "title": "The request cannot be read",
    "status": 400,
    "code": "malformed",
    "retryable": False,
    "errors": (),
}


class _Clock:
    """How long one thing is waited for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float, then: Callable[[], None]) -> None:
        """Calls `then` in so many seconds; where it runs already it goes on."""
        self._timer = self._timer or self._loop.call_later(seconds, then)

    def end(self) -> None:
        """What was waited for has come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request never gets to its body, or whose answer nobody reads."""

    _in_head = False
    _seen = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's own
        """A client has the time of a head to send one."""
        super().connection_made(transport)
        self._head, self._unread = _Clock(self.loop), _Clock(self.loop)
        self._head.begin(HEAD_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._head.end()
        self._unread.end()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._seen = True, 0
        self._head.begin(HEAD_SECONDS, self._late)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It has ended."""
        self._in_head = False
        self._head.end()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Counts what comes while a head is open."""
        began = self._in_head
        super().data_received(data)
        if began and self._in_head:
            self._seen += len(data)
            if self._seen > HEAD:
                self._in_head = False
                self.send_400_response("The head of the request is too long.")

    def pause_writing(self) -> None:
        """The client reads nothing."""
        super().pause_writing()
        self._unread.begin(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        self._unread.end()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read is refused in the form of every other refusal."""
        body = json.dumps({**PROBLEM, "detail": msg}).encode()
        head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.transport.close()

    def _late(self) -> None:
        self._head.end()
        if self.cycle is None or self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison] - before the first request there is none
            self.send_400_response("The head of the request did not arrive in time.")
        else:  # an answer is under way, into which nothing else may be written
            self._head.begin(HEAD_SECONDS, self._late)
