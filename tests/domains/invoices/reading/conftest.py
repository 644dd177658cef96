"""What the tests of reading share: opening bytes as a file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from domains.invoices.reading import Opened
from domains.invoices.reading.file import open_file

Open = Callable[[bytes], Opened]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens bytes as a file with a name that says nothing."""

    def open_bytes(data: bytes) -> Opened:
        path = tmp_path / "paper"
        path.write_bytes(data)
        return open_file(str(path), "paper")

    return open_bytes
