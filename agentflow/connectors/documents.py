"""The blob store: each document lives once, in a folder, under its sha256."""

import asyncio
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

from agentflow.errors import ConnectorError
from agentflow.flow.record import Document

CHUNK = 1 << 20
NAME = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
"""A sha256 in a text: the name of a document, perhaps."""


class Documents:
    """Bytes by sha256; safe for any number of processes on one folder."""

    name: ClassVar[str] = "documents"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> "AsyncGenerator[Documents]":
        """The store in the folder `url`, by default `home/documents`."""
        folder = Path(url) if url else home / "documents"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        yield cls(folder)

    async def add(self, path: Path, name: str) -> Document:
        """Stores the file at `path`; memory stays constant. Raises ConnectorError where it cannot be read."""
        return await asyncio.to_thread(self._copy, path, name)

    async def take(self, source: BinaryIO, name: str) -> Document:
        """Stores what `source` has left to read; memory stays constant."""
        return await asyncio.to_thread(self._store, source, name)

    async def put(self, data: bytes) -> str:
        """Stores `data`; its sha256."""
        sha = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, sha, data)
        return sha

    async def get(self, sha256: str) -> bytes:
        """The bytes stored under `sha256`. Raises ConnectorError where there are none."""
        try:
            return await asyncio.to_thread(self.path(sha256).read_bytes)
        except OSError as error:
            raise ConnectorError(
                f"document {sha256[:12]} is not in the store ({error.strerror}); add it again"
            ) from error

    async def drop(self, sha256: str) -> bool:
        """Deletes what is stored under `sha256`; False where there was nothing."""
        return await asyncio.to_thread(self._drop, self.path(sha256))

    async def stored_at(self, sha256: str) -> float | None:
        """When `sha256` was stored, or stored again, last: seconds since the epoch; None where it is not there."""
        return await asyncio.to_thread(_modified, self.path(sha256))

    async def intact(self, sha256: str) -> bool | None:
        """Whether the bytes stored under `sha256` are still those; None where there are none."""
        return await asyncio.to_thread(self._intact, self.path(sha256))

    def path(self, sha256: str) -> Path:
        """Where the bytes stored under `sha256` lie."""
        return self._folder / sha256[:2] / sha256

    def _drop(self, path: Path) -> bool:
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def _intact(self, path: Path) -> bool | None:
        try:
            with path.open("rb") as stored:
                return hashlib.file_digest(stored, "sha256").hexdigest() == path.name
        except OSError:
            return None

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

    def _store(self, source: BinaryIO, name: str) -> Document:
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
            try:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    copy.write(chunk)
                _settle(copy.fileno())
            except OSError as error:
                Path(copy.name).unlink()
                raise ConnectorError(f"{name} cannot be stored: {error.strerror}; make room and try again") from error
        self._move(Path(copy.name), digest.hexdigest())
        return Document(name=name, sha256=digest.hexdigest(), size=size)

    def _write(self, sha: str, data: bytes) -> None:
        if self.path(sha).exists():
            self.path(sha).touch()  # whoever deletes what nobody refers to sees that it is wanted again
            return
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as copy:
            copy.write(data)
            _settle(copy.fileno())
        self._move(Path(copy.name), sha)

    def _move(self, copy: Path, sha: str) -> None:
        target = self.path(sha)
        target.parent.mkdir(exist_ok=True)
        copy.replace(target)


def _modified(path: Path) -> float | None:
    return path.stat().st_mtime if path.exists() else None


def _settle(descriptor: int) -> None:
    """Puts the bytes on disk before the file gets its name: a name never stands for half a document."""
    os.fsync(descriptor)
