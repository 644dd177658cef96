"""A worker carries what waits in the database until it is told to stop."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.cli.work import command
from agentflow.connectors.sql import open_database
from agentflow.jobs.engines.dbos import open_dbos
from agentflow.jobs.opening import open_runner
from agentflow.jobs.packs import load_pack
from tests.cli.packs import write_pack

ROOT = Path(__file__).parents[2]


async def posted(pack: Path, database: str, home: Path, *texts: str) -> list[str]:
    """Jobs that were handed over to whichever worker comes."""
    found = load_pack(str(pack)).pack
    async with (
        open_runner(found, home=home, database=database) as runner,
        open_dbos(database) as engine,
        open_database(database) as tables,
    ):
        jobs = [await runner.submit(found.workflow.takes(text=text), text, "sha") for text in texts]
        async with AsyncSession(tables) as session, session.begin():
            for job in jobs:
                await engine.submit(session, job.id, job.tenant_id)
    return [job.id for job in jobs]


async def states(pack: Path, database: str, home: Path) -> list[str]:
    async with open_runner(load_pack(str(pack)).pack, home=home, database=database) as runner:
        return [job.status for job in await runner.store.jobs()]


def work(pack: Path, database: str, home: Path) -> list[str]:
    options = ["--db", database, "--out", str(home), "--grace", "20"]
    return [sys.executable, "-m", "agentflow.cli", "work", str(pack), *options]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def started(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())


async def test_a_worker_carries_what_waits_until_it_is_told_to_stop(tmp_path: Path, database: str):
    pack = write_pack(tmp_path)
    await posted(pack, database, tmp_path, "a letter", "", "SHOUTING", "crash")
    with started(work(pack, database, tmp_path)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        process.send_signal(signal.SIGTERM)
        lines += process.stdout.readlines()
    told = "".join(lines)
    assert process.returncode == 0, told
    assert "working on letters at " in told
    assert "a letter: Filed 0.40 USD" in told
    assert "stopped: 4 jobs carried, 0 wait for a worker" in told
    assert sorted(await states(pack, database, tmp_path)) == ["awaiting_review", "failed", "finished", "finished"]


def test_a_second_worker_on_one_sqlite_file_is_told_to_use_postgresql(tmp_path: Path):
    pack, database = write_pack(tmp_path), f"sqlite:///{tmp_path / 'jobs.db'}"
    with started(work(pack, database, tmp_path)) as first:
        assert first.stdout is not None
        first.stdout.readline()
        again = work(pack, database, tmp_path)
        second = subprocess.run(again, capture_output=True, text=True, check=False, env=environment())
        first.send_signal(signal.SIGTERM)
    assert second.returncode == 2
    assert "use PostgreSQL for more" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "told"), [((), "Missing argument"), (("--connect", "x=y"), "no pack has a connector x")]
)
def test_a_wrong_command_is_told(tmp_path: Path, arguments: tuple[str, ...], told: str):
    pack = (str(write_pack(tmp_path)),) if arguments else ()
    found = CliRunner().invoke(command, [*pack, "--db", f"sqlite:///{tmp_path / 'jobs.db'}", *arguments])
    assert found.exit_code == 2
    assert told in found.output


def test_a_packs_name_is_its_jobs_address(tmp_path: Path):
    packs = [str(write_pack(tmp_path / name)) for name in ("a", "b")]
    found = CliRunner().invoke(command, [*packs, "--db", f"sqlite:///{tmp_path / 'jobs.db'}"])
    assert "two of the packs have the same name" in found.output
