"""Connectors: how a step reaches data and systems outside its workflow."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable


@runtime_checkable
class Connector(Protocol):
    """A class whose instances steps ask for by type, after the `*` of their parameters."""

    name: ClassVar[str]
    """What `--connect NAME=URL` and connect.toml call it."""

    @classmethod
    def open(cls, url: str | None, home: Path) -> AbstractAsyncContextManager[Any]:
        """An instance for one run: `url` as configured, None where nothing is; `home` is the run's own folder.

        Raises ConnectorError where what the URL names cannot be reached or read.
        """
        ...
