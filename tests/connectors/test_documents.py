"""The blob store keeps each document once, wherever it lies, and takes files alone."""

import hashlib
import io
import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from agentflow.connectors.blobs import CHUNK
from agentflow.connectors.documents import Documents
from agentflow.errors import ConfigError, ConnectorError

X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


@pytest.fixture(params=["folder", "file", "memory"])
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Documents]:
    """A store of each kind in turn."""
    place = tmp_path / "some where"
    url = {"folder": str(place), "file": place.as_uri(), "memory": f"memory://{uuid.uuid4().hex}/docs"}[request.param]
    async with Documents.open(url, tmp_path / "home") as opened:
        yield opened


@asynccontextmanager
async def in_memory(kind: str = "memory") -> AsyncGenerator[tuple[Documents, str]]:
    """A store in memory, and its folder there."""
    folder = f"/{uuid.uuid4().hex}"
    async with Documents.open(f"{kind}:/{folder}", Path("unused")) as opened:
        yield opened, folder


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_same_bytes_are_one_document_whatever_their_name(tmp_path: Path, documents: Documents):
    (tmp_path / "a").write_bytes(b"x")
    one = await documents.add(tmp_path / "a", "one")
    assert (one.name, one.size, one.sha256) == ("one", 1, X)
    assert await documents.put(b"x") == X
    assert await documents.take(io.BytesIO(b"x"), "two") == one.model_copy(update={"name": "two"})
    assert await documents.get(X) == b"x"


async def test_a_document_is_a_local_file_while_it_is_read(documents: Documents):
    kept = await documents.put(b"some words")
    async with documents.file(kept) as path:
        assert path.read_bytes() == b"some words"
    assert await documents.get(kept) == b"some words"


async def test_what_is_not_there_is_told_with_its_mend(documents: Documents):
    with pytest.raises(ConnectorError, match="need the same --documents"):
        await documents.get(X)
    with pytest.raises(ConnectorError, match="is not in the store"):
        async with documents.file(X):
            pass


class Slow(io.RawIOBase):
    """A source that breaks off, and that is never asked for much at once."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks
        self.most = 0

    def read(self, size: int = -1) -> bytes:
        self.most = max(self.most, CHUNK + 1 if size < 0 else size)
        if not self.left:
            raise OSError(5, "the line is cut")
        self.left -= 1
        return b"y" * size


async def test_an_upload_that_is_cut_leaves_nothing_and_is_never_in_memory_as_a_whole(tmp_path: Path):
    source = Slow(3)
    async with Documents.open(None, tmp_path) as documents:
        with pytest.raises(ConnectorError, match="the line is cut"):
            await documents.take(source, "cut")
    assert (source.most, files_below(tmp_path)) == (CHUNK, [])


class Cut(MemoryFileSystem):
    """Memory that breaks off in the middle of a write."""

    protocol = "cut"

    def put_file(self, lpath: str, rpath: str, **_: object) -> None:
        self.pipe_file(rpath, Path(lpath).read_bytes()[:2])
        raise RuntimeError("CANARY")


async def test_a_name_never_stands_for_half_a_document_in_a_store_that_breaks_off():
    fsspec.register_implementation("cut", Cut, clobber=True)
    async with in_memory("cut") as (documents, _):
        with pytest.raises(ConnectorError, match=r"did not take documents \(RuntimeError\)") as told:
            await documents.put(b"x" * 10)
        assert "CANARY" not in str(told.value)
        with pytest.raises(ConnectorError, match="is not in the store"):
            await documents.get(hashlib.sha256(b"x" * 10).hexdigest())


async def test_a_document_that_was_changed_where_it_lies_is_refused():
    async with in_memory() as (documents, folder):
        kept = await documents.put(b"pay 10")
        MemoryFileSystem().pipe_file(f"{folder}/{kept[:2]}/{kept}", b"pay 99")
        with pytest.raises(ConnectorError, match="was changed where it lies"):
            await documents.get(kept)


async def test_what_came_before_is_not_sent_again():
    async with in_memory() as (documents, folder):
        kept = await documents.put(b"x")
        [first] = MemoryFileSystem().find(folder, detail=True).values()
        await documents.take(io.BytesIO(b"x"), "again")
        [second] = MemoryFileSystem().find(folder, detail=True).values()
        assert first == second
        assert first["name"].endswith(kept)


@pytest.mark.parametrize(
    ("url", "kind", "told"),
    [
        ("nonsense://x", ConfigError, "documents cannot lie at nonsense://"),
        ("file://elsewhere/x", ConfigError, "write file:///folder"),
        ("ftp://me:CANARY@127.0.0.1:9/x", ConnectorError, "did not answer"),
    ],
)
async def test_a_store_that_cannot_be_used_is_told_at_the_start(
    tmp_path: Path, url: str, kind: type[Exception], told: str
):
    with pytest.raises(kind, match=told) as error:
        async with Documents.open(url, tmp_path):
            pass
    assert "CANARY" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_a_pipe_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.pdf")
    async with Documents.open(None, tmp_path / "home") as documents:
        with pytest.raises(ConnectorError, match=r"pipe\.pdf is no file"):
            await documents.add(tmp_path / "pipe.pdf", "pipe.pdf")


async def test_a_file_that_is_not_there_is_told_with_its_mend(tmp_path: Path):
    async with Documents.open(None, tmp_path / "home") as documents:
        with pytest.raises(ConnectorError, match="check the path"):
            await documents.add(tmp_path / "gone", "gone")
