"""Sending: one POST to an address that was checked, without redirects, and no more read than is needed."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore

from agentflow.errors import RequestError
from agentflow.jobs.telling.addresses import Gate

PATIENCE = 15.0
"""Seconds that a receiver has for everything."""
ENOUGH = 1 << 16
"""Bytes of an answer that are read; the rest is left."""


@dataclass(frozen=True)
class Reply:
    """What came of sending: a status, or why there is none."""

    status: int | None
    error: str | None
    seconds: float
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """True where the receiver has it; a redirect is a refusal."""
        return self.status is not None and 200 <= self.status < 300


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were checked: a name that changes its answer gains nothing."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._inner: Any = httpcore.AnyIOBackend()  # its types are lost where it is exported

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to a public address of the host. Raises RequestError, or as httpcore does."""
        found = await self._gate.addresses(host, port)
        return await self._inner.connect_tcp(found[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise RequestError("Sockets of this machine are not sent to.", code="unsafe-url")

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._inner.sleep(seconds)


class Sender:
    """Sends to receivers that are not ours."""

    def __init__(self, gate: Gate, *, patience: float = PATIENCE) -> None:
        self._gate = gate
        self._patience = patience
        self._tls = ssl.create_default_context()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Posts a body once; whatever goes wrong is in the reply, as a kind and never as text of the receiver's."""
        began = time.monotonic()
        try:
            self._gate.place(url)
            async with asyncio.timeout(self._patience):
                status, retry_after = await self._post(url, body, headers)
        except TimeoutError:
            return Reply(None, "timeout", _since(began))
        except RequestError as error:
            return Reply(None, error.code, _since(began))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError) as error:
            return Reply(None, type(error).__name__, _since(began))
        return Reply(status, None, _since(began), retry_after)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        sent = [("host", _host(self._gate, url)), ("content-length", str(len(body))), *headers.items()]
        async with (
            httpcore.AsyncConnectionPool(self._tls, network_backend=Guarded(self._gate)) as pool,
            pool.stream("POST", url, headers=sent, content=body) as reply,
        ):
            read = 0
            async for chunk in reply.aiter_stream():
                read += len(chunk)
                if read >= ENOUGH:
                    break
            return reply.status, _retry_after(reply.headers)


def _host(gate: Gate, url: str) -> str:
    place = gate.place(url)
    shown = f"[{place.host}]" if ":" in place.host else place.host
    return shown if place.port in (80, 443) else f"{shown}:{place.port}"


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < 7:
            return float(value)
    return None


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
