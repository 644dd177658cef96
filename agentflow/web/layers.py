"""What every request passes before it reaches a route: its id, room, a valid key, a body of bearable size and form."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentflow.jobs.ids import ID, new_id
from agentflow.jobs.keys import Caller
from agentflow.jobs.logs import about
from agentflow.web.limits import Buckets, Limits
from agentflow.web.problems import Problem, answer, as_problem
from agentflow.web.spans import Requests
from agentflow.web.strict import strict_json

log = logging.getLogger("agentflow.web")

API = "/v1/"
FORMS = "/v1/files"
"""The one place where forms are taken, and with them bodies of a file's size."""
SAFE_HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Entrance:
    """The outermost layer: gives the request its id, and answers what goes wrong in one form."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._open = 0
        self._requests: Requests | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._requests = self._requests or Requests()
        with self._requests.span(scope) as span:
            await self._answer(scope, receive, send, self._requests, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, requests: Requests, span: Any) -> None:
        state = scope.setdefault("state", {})
        state["request_id"] = new_id("req")
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _mark(message, state)
            await send(message)

        self._open += 1
        try:
            if self._open > self._limits.at_once and not scope["path"].startswith("/healthz"):
                raise Problem("temporary-reduced-capacity", "Too much is under way here.", headers={"Retry-After": "1"})  # noqa: TRY301 - answered as all others
            with about(request_id=state["request_id"]):
                await self._app(scope, receive, sending)
        except Exception as error:
            problem = as_problem(error)
            if problem.code == "internal":
                log.exception("request failed", extra=_told(scope))
            if not status:
                await answer(problem, state["request_id"])(scope, receive, sending)
        finally:
            self._open -= 1
            seconds = round(time.monotonic() - began, 4)
            told = {**_told(scope), "status": status, "seconds": seconds}
            log.info("request", extra=told)
            requests.answered(span, told, seconds)


def _mark(message: Message, state: Mapping[str, Any]) -> None:
    headers = MutableHeaders(scope=message)
    headers["Request-Id"] = state["request_id"]
    for name, value in SAFE_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("cache-control", "no-store")
    for name, value in state.get("limit_headers", {}).items():
        headers[name] = value


def _told(scope: Scope) -> dict[str, Any]:
    """What a log line may say of a request: the route's own pattern, nothing that the caller wrote."""
    state, route = scope["state"], scope.get("route")
    job = scope.get("path_params", {}).get("job_id", "")
    caller: Caller | None = state.get("caller")
    return {
        "request_id": state["request_id"],
        "method": scope["method"] if scope["method"] in METHODS else "?",
        "route": getattr(route, "path", "-"),
        "job": job if ID.fullmatch(job) else None,
        "tenant": caller.tenant if caller else None,
        "key": caller.key if caller else None,
    }


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}


class Doorkeeper:
    """Lets in who has a valid key, before any of the body is read, and no more often than agreed."""

    def __init__(self, app: ASGIApp, limits: Limits, look_up: Callable[[str], Awaitable[Caller | None]]) -> None:
        self._app = app
        self._look_up = look_up
        self._asked = Buckets(limits.per_minute)
        self._wrong = Buckets(limits.wrong_keys)
        self._under_way = Counter[str]()
        self._at_once = limits.at_once_per_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own
        if scope["type"] == "http" and scope["path"].startswith(API):
            caller = scope["state"]["caller"] = await self._caller(scope)
            self._count(caller, scope["state"])
            with self._place(caller):
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        kind, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        caller = await self._look_up(key.strip()) if kind.lower() == "bearer" and len(key) < 200 else None
        if caller is None:  # a right key passes whoever else guesses: behind a proxy all have one address
            address = (scope.get("client") or ("?",))[0]
            tokens, seconds = self._wrong.left(address)
            if tokens < 1:
                raise _later(seconds)
            self._wrong.take(address)
            text = "Send `Authorization: Bearer af_...` with a key that is in force on this server."
            raise Problem("unauthorized", text, headers={"WWW-Authenticate": 'Bearer realm="agentflow"'})
        return caller

    def _count(self, caller: Caller, state: dict[str, Any]) -> None:
        tokens, seconds = self._asked.left(caller.key)
        size, places = self._asked.size, self._at_once
        left = max(0, int(tokens) - 1)
        full = int(seconds) + 1 if tokens < 1 else max(1, round((size - left) * 60 / size))
        free = max(0, places - self._under_way[caller.key] - 1)
        state["limit_headers"] = {
            "RateLimit-Policy": f'"perkey";q={size};w=60, "atonce";q={places};qu="concurrent-requests"',
            "RateLimit": f'"perkey";r={left};t={full}, "atonce";r={free}',
        }
        if tokens < 1:
            raise _later(seconds)
        self._asked.take(caller.key)

    @contextmanager
    def _place(self, caller: Caller) -> Generator[None]:
        """One of the places that a key has; streams and long waits keep theirs."""
        if self._under_way[caller.key] >= self._at_once:
            raise Problem("quota-exceeded", "Too many of this key are under way.", headers={"Retry-After": "1"})
        self._under_way[caller.key] += 1
        try:
            yield
        finally:
            self._under_way[caller.key] -= 1
            if not self._under_way[caller.key]:
                del self._under_way[caller.key]


def _later(seconds: float) -> Problem:
    return Problem("quota-exceeded", "Slow down.", headers={"Retry-After": str(int(seconds) + 1)})


class BodyGuard:
    """Reads no more of a body than is agreed, nor longer, and hands on nothing that no reader takes for one thing."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own
        if scope["type"] == "http" and b"\x00" in unquote_to_bytes(scope["query_string"]):
            raise Problem("invalid", "The query holds a NUL.", errors=[{"pointer": "query:", "code": "nul"}])
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        form = scope["path"] == FORMS and headers.get("content-type", "").lower().startswith("multipart/")
        most = self._limits.file_bytes if form else self._limits.json_bytes
        declared = headers.get("content-length", "0")
        if not declared.isascii() or not declared.isdigit():
            raise Problem("malformed", "Content-Length is no number.")
        if len(declared) > 15 or int(declared) > most:
            raise _too_large(most)
        counted = _counting(receive, most, self._limits.file_seconds if form else self._limits.json_seconds)
        await self._app(scope, counted if form else await self._whole(counted, headers), send)

    async def _whole(self, receive: Receive, headers: Headers) -> Receive:
        parts: list[bytes] = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        body = b"".join(parts)
        if body and "json" in headers.get("content-type", "").lower():
            _ = strict_json(body)
        return _replaying(body, receive)


def _counting(receive: Receive, most: int, seconds: float) -> Receive:
    """The body, as long as it is of the agreed size and arrives in time; what comes after it may take any time."""
    seen, over, until = 0, False, time.monotonic() + seconds

    async def counted() -> Message:
        nonlocal seen, over
        if over:
            return await receive()
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                message = await receive()
        except TimeoutError:
            raise Problem("malformed", "The body did not arrive in time.", headers={"Connection": "close"}) from None
        over = not message.get("more_body")
        seen += len(message.get("body", b""))
        if seen > most:
            raise _too_large(most)
        return message

    return counted


def _replaying(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replayed() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _too_large(most: int) -> Problem:
    return Problem("too-large", f"At most {most} bytes are taken here.", headers={"Connection": "close"})
