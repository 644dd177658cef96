"""Load: a process that sends jobs to an API over keep-alive connections, and prints how long each answer took."""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from itertools import count


@dataclass(frozen=True)
class Load:
    """What is sent, and to where."""

    host: str
    port: int
    keys: tuple[str, ...]
    """API keys, used in turn: each may ask so often a minute."""
    connections: int
    requests: int
    start: int = 0
    """The number of the first request: the same number is the same job."""


async def send(load: Load) -> list[float]:
    """Each connection sends the next request as soon as it has its answer; the seconds that each answer took.

    Raises AssertionError where an answer is not 202.
    """
    numbers, taken = count(), list[float]()

    async def go_on() -> None:
        reader, writer = await asyncio.open_connection(load.host, load.port)
        while (number := next(numbers)) < load.requests:
            began = time.perf_counter()
            writer.write(_request(load, number))
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            taken.append(time.perf_counter() - began)
            assert head.startswith(b"HTTP/1.1 202"), (head + body).decode()
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(load.connections):
            group.create_task(go_on())
    return taken


def _request(load: Load, number: int) -> bytes:
    """A job of its own under an idempotency key of its own."""
    name = f"errand {load.start + number}"
    body = json.dumps({"pack": "errand", "input": {"text": name}}).encode()
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: {load.host}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {load.keys[number % len(load.keys)]}\r\n"
        f"Idempotency-Key: {name.replace(' ', '-')}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _length(head: bytes) -> int:
    """What Content-Length says."""
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def told(load: Load) -> str:
    """The load as the process reads it."""
    return json.dumps(asdict(load))


def main() -> None:
    """Reads a load from standard input, and prints seconds of wall clock, of processor, and by answer."""
    load = Load(**json.load(sys.stdin))
    began = time.perf_counter()
    taken = asyncio.run(send(load))
    print(json.dumps([time.perf_counter() - began, time.process_time(), taken]))


if __name__ == "__main__":
    main()
