"""The blob store keeps each document once, and takes files alone."""

import os
from pathlib import Path

import pytest

from agentflow.connectors.documents import Documents
from agentflow.errors import ConnectorError


async def test_the_same_bytes_are_one_document_whatever_their_name(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x")
    async with Documents.open(None, tmp_path / "home") as documents:
        one = await documents.add(tmp_path / "a", "one")
        assert (one.size, await documents.get(one.sha256)) == (1, b"x")
        assert await documents.put(b"x") == one.sha256


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
