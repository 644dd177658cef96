"""A receiver of webhooks that listens for real and answers as told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Receiver:
    """What arrived, and what is answered in turn; the last answer stays."""

    def __init__(self, *answers: bytes) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""
        self._answers = list(answers) or [b"HTTP/1.1 204 No Content\r\n\r\n"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        writer.write(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])
        writer.close()


@asynccontextmanager
async def receiving(*answers: bytes) -> AsyncGenerator[Receiver]:
    receiver = Receiver(*answers)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    async with server:
        yield receiver


def status(code: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {code} X\r\n{more}content-length: 0\r\n\r\n".encode()
