"""Where documents lie: a folder, or any place that fsspec knows; a name never stands for half a document."""

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from agentflow.errors import ConfigError, ConnectorError

CHUNK = 1 << 20
EXTRA = "pip install 'agentflow-framework[stores]'"


class Blobs(Protocol):
    """Bytes under their sha256. Its calls block: a thread is for them. Each raises ConnectorError or OSError."""

    spool: Path | None
    """The folder in which a copy is written before it is kept; None where any will do."""

    def keep(self, copy: Path, sha256: str) -> None:
        """Takes over the whole file `copy`, at once or not at all; it is gone from there afterwards."""
        ...

    def holds(self, sha256: str) -> bool:
        """Whether there are bytes under `sha256`."""
        ...

    def renew(self, sha256: str) -> bool:
        """`holds`; where it can, it makes `stored_at` now, for whoever deletes what nobody refers to."""
        ...

    def stored_at(self, sha256: str) -> float | None:
        """When the bytes were stored or renewed, seconds since the epoch; None where there are none."""
        ...

    def drop(self, sha256: str) -> bool:
        """Deletes the bytes; False where there were none."""
        ...

    @contextmanager
    def file(self, sha256: str) -> Generator[Path]:
        """A local file with the bytes, to be read while the block lasts."""
        ...


class Folder:
    """A folder; safe for any number of processes on it."""

    def __init__(self, folder: Path) -> None:
        self.spool: Path | None = folder
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, copy: Path, sha256: str) -> None:
        """See `Blobs`."""
        target = self._path(sha256)
        target.parent.mkdir(exist_ok=True)
        copy.replace(target)

    def holds(self, sha256: str) -> bool:
        """See `Blobs`."""
        return self._path(sha256).is_file()

    def renew(self, sha256: str) -> bool:
        """See `Blobs`."""
        found = self.holds(sha256)
        if found:
            self._path(sha256).touch()
        return found

    def stored_at(self, sha256: str) -> float | None:
        """See `Blobs`."""
        return self._path(sha256).stat().st_mtime if self.holds(sha256) else None

    def drop(self, sha256: str) -> bool:
        """See `Blobs`."""
        found = self.holds(sha256)
        self._path(sha256).unlink(missing_ok=True)
        return found

    @contextmanager
    def file(self, sha256: str) -> Generator[Path]:
        """See `Blobs`."""
        if not self.holds(sha256):
            raise _gone(sha256)
        yield self._path(sha256)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


class Bucket:
    """A place that fsspec reaches: an object store, a server, this process's memory."""

    def __init__(self, files: Any, root: str, kind: str) -> None:
        self.spool: Path | None = None
        self._files = files
        self._root = root.rstrip("/")
        self._kind = kind

    @classmethod
    def at(cls, url: str) -> "Bucket":
        """The place at `url`. Raises ConfigError where its kind is unknown, ConnectorError where it does not answer."""
        kind = url.partition("://")[0]
        try:
            import fsspec.core  # pyright: ignore[reportMissingTypeStubs] - it has none
        except ImportError as error:
            raise ConfigError(f"documents at {kind}:// need one more package: {EXTRA}") from error
        opened: Any = fsspec.core
        try:
            with _told(kind, "answer"):
                files, root = opened.url_to_fs(url)
        except (ImportError, ValueError) as error:  # fsspec names the package that it misses
            raise ConfigError(f"documents cannot lie at {kind}://: {error}") from error
        bucket = cls(files, root, kind)
        bucket.holds("0" * 64)
        return bucket

    def keep(self, copy: Path, sha256: str) -> None:
        """See `Blobs`."""
        target = self._path(sha256)
        coming = f"{target}.{uuid.uuid4().hex}"
        with _told(self._kind, "take documents"):
            if not self._files.exists(target):
                self._files.put_file(str(copy), coming)
                self._files.mv(coming, target)
        copy.unlink()

    def holds(self, sha256: str) -> bool:
        """See `Blobs`."""
        with _told(self._kind, "answer"):
            return bool(self._files.exists(self._path(sha256)))

    def renew(self, sha256: str) -> bool:
        """See `Blobs`; what lies there keeps its time."""
        return self.holds(sha256)

    def stored_at(self, sha256: str) -> float | None:
        """See `Blobs`."""
        if not self.holds(sha256):
            return None
        with _told(self._kind, "answer"):
            return self._files.modified(self._path(sha256)).timestamp()

    def drop(self, sha256: str) -> bool:
        """See `Blobs`."""
        if not self.holds(sha256):
            return False
        with _told(self._kind, "delete a document"):
            self._files.rm_file(self._path(sha256))
        return True

    @contextmanager
    def file(self, sha256: str) -> Generator[Path]:
        """See `Blobs`."""
        with tempfile.TemporaryDirectory(prefix="agentflow-") as folder:
            copy = Path(folder) / sha256
            with _told(self._kind, "give a document"):
                if not self._files.exists(self._path(sha256)):
                    raise _gone(sha256)
                self._fetch(sha256, copy)
            yield copy

    def _fetch(self, sha256: str, copy: Path) -> None:
        with self._files.open(self._path(sha256), "rb") as source, copy.open("wb") as local:
            shutil.copyfileobj(source, local, CHUNK)
        with copy.open("rb") as local:
            if hashlib.file_digest(local, "sha256").hexdigest() != sha256:
                raise ConnectorError(f"document {sha256[:12]} was changed where it lies; put it back, or send it again")

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"


def open_blobs(url: str) -> Blobs:
    """The store at `url`: a folder as a path or `file:///...`, anything else by fsspec.

    Raises ConfigError and ConnectorError.
    """
    if "://" not in url:
        return Folder(Path(url))
    if not url.startswith("file://"):
        return Bucket.at(url)
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise ConfigError(f"{url} names no folder of this machine; write file:///folder, or the path alone")
    return Folder(Path(url2pathname(parts.path)))


def _gone(sha256: str) -> ConnectorError:
    mend = "servers and workers need the same --documents, or --out"
    return ConnectorError(f"document {sha256[:12]} is not in the store; {mend}")


@contextmanager
def _told(kind: str, what: str) -> Generator[None]:
    """What a store's own library raises, in our words and without its own: they may hold a key of the store."""
    try:
        yield
    except (ConnectorError, ImportError, ValueError):
        raise
    except Exception as error:
        why = f"it did not {what} ({type(error).__name__})"
        mend = "check its address and the rights of its key"
        raise ConnectorError(f"the document store at {kind}://: {why}; {mend}") from error
