"""The blob store: each document lives once, under its sha256, in a folder or wherever fsspec reaches."""

import asyncio
import hashlib
import io
import os
import re
import stat
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, BinaryIO, ClassVar

from agentflow.connectors.blobs import CHUNK, Blobs, open_blobs
from agentflow.errors import ConnectorError
from agentflow.flow.record import Document

NAME = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
"""A sha256 in a text: the name of a document, perhaps."""


class Documents:
    """Bytes by sha256; safe for any number of processes on one store."""

    name: ClassVar[str] = "documents"

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> "AsyncGenerator[Documents]":
        """The store at `url`, a folder or a URL that fsspec knows, by default the folder `home/documents`.

        Raises ConfigError where a store of that kind cannot be used here, ConnectorError where it does not answer.
        """
        yield cls(await asyncio.to_thread(open_blobs, url or str(home / "documents")))

    async def add(self, path: Path, name: str) -> Document:
        """Stores the file at `path`; memory stays constant. Raises ConnectorError where it cannot be read."""
        return await asyncio.to_thread(self._copy, path, name)

    async def take(self, source: BinaryIO, name: str) -> Document:
        """Stores what `source` has left to read; memory stays constant."""
        return await asyncio.to_thread(self._store, source, name)

    async def put(self, data: bytes) -> str:
        """Stores `data`; its sha256."""
        return await asyncio.to_thread(self._put, data)

    async def get(self, sha256: str) -> bytes:
        """The bytes stored under `sha256`. Raises ConnectorError where there are none."""
        return await asyncio.to_thread(self._read, sha256)

    @asynccontextmanager
    async def file(self, sha256: str) -> AsyncGenerator[Path]:
        """A local file with the bytes stored under `sha256`, to be read while the block lasts.

        Raises ConnectorError where there are none.
        """
        lent = self._blobs.file(sha256)
        path = await asyncio.to_thread(lent.__enter__)
        try:
            yield path
        finally:
            await asyncio.to_thread(lent.__exit__, None, None, None)

    async def intact(self, sha256: str) -> bool | None:
        """Whether the bytes stored under `sha256` are still those; None where there are none."""
        return await asyncio.to_thread(self._intact, sha256)

    async def drop(self, sha256: str) -> bool:
        """Deletes what is stored under `sha256`; False where there was nothing."""
        return await asyncio.to_thread(self._blobs.drop, sha256)

    async def stored_at(self, sha256: str) -> float | None:
        """When `sha256` was stored, or stored again: seconds since the epoch; None where it is not there."""
        return await asyncio.to_thread(self._blobs.stored_at, sha256)

    def _intact(self, sha256: str) -> bool | None:
        try:
            with self._blobs.file(sha256) as path, path.open("rb") as stored:
                return hashlib.file_digest(stored, "sha256").hexdigest() == sha256
        except ConnectorError:  # it is not there, or was found to have changed on its way
            return False if self._blobs.holds(sha256) else None

    def _copy(self, path: Path, name: str) -> Document:
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            mend = "check the path and its permissions"
            raise ConnectorError(f"{name} cannot be read: {error.strerror}; {mend}") from error
        with os.fdopen(descriptor, "rb") as source:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConnectorError(f"{name} is no file but a device, a pipe or a folder; name a file")
            return self._store(source, name)

    def _put(self, data: bytes) -> str:
        sha = hashlib.sha256(data).hexdigest()
        if not self._blobs.renew(sha):
            self._store(io.BytesIO(data), f"document {sha[:12]}")
        return sha

    def _store(self, source: BinaryIO, name: str) -> Document:
        digest, size = hashlib.sha256(), 0
        descriptor, path = tempfile.mkstemp(dir=self._blobs.spool)
        kept = Path(path)
        try:
            with os.fdopen(descriptor, "wb") as copy:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
                _settle(copy)
            self._blobs.keep(kept, digest.hexdigest())
        except OSError as error:
            raise ConnectorError(f"{name} cannot be stored: {error.strerror}; make room and try again") from error
        finally:
            kept.unlink(missing_ok=True)
        return Document(name=name, sha256=digest.hexdigest(), size=size)

    def _read(self, sha256: str) -> bytes:
        try:
            with self._blobs.file(sha256) as path:
                return path.read_bytes()
        except OSError as error:
            raise ConnectorError(f"document {sha256[:12]} cannot be read: {error.strerror}") from error


def _settle(copy: IO[bytes]) -> None:
    """Puts the bytes on disk before the file gets its name: a name never stands for half a document."""
    copy.flush()
    os.fsync(copy.fileno())
