"""Databases: processes wait for each other, settings hold, and errors never show a password."""

import asyncio
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from agentflow.connectors.sql import Money, create_tables, one_at_a_time, open_database, reading
from agentflow.errors import ConfigError, ConnectorError

TABLES = MetaData()
SUMS = Table("sums", TABLES, Column("id", Integer, primary_key=True), Column("amount", Money))
COUNTER = MetaData()
Table("counter", COUNTER, Column("n", Integer))
PARTS = Table("parts", TABLES, Column("id", Integer, primary_key=True), Column("sum", ForeignKey(SUMS.c.id)))

COUNT_UP = """
import asyncio, sys
from sqlalchemy import text
from agentflow.connectors.sql import open_database, one_at_a_time

async def main():
    async with open_database(sys.argv[1]) as engine:
        for _ in range(20):
            async with one_at_a_time(engine, "counter") as connection:
                n = (await connection.execute(text("SELECT max(n) FROM counter"))).scalar() or 0
                await connection.execute(text("INSERT INTO counter VALUES (:n)"), {"n": n + 1})

asyncio.run(main())
"""


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'x.db'}"


async def test_processes_that_read_and_write_one_database_wait_for_each_other(database):
    async with open_database(database) as engine:
        await create_tables(engine, COUNTER)
    command = [sys.executable, "-c", COUNT_UP, database]
    running = [await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [(await process.communicate())[1].decode() for process in running]
    assert errors == [""] * 4
    async with open_database(database) as engine, reading(engine).connect() as connection:
        assert (await connection.execute(text("SELECT max(n), count(*) FROM counter"))).one() == (80, 80)


async def test_tasks_that_write_wait_for_each_other(database):
    async with open_database(database) as engine:
        await create_tables(engine, TABLES)

        async def add() -> None:
            async with one_at_a_time(engine, "sums") as connection:
                count = (await connection.execute(select(func.count()).select_from(SUMS))).scalar_one()
                await asyncio.sleep(0)
                await connection.execute(SUMS.insert().values(id=count + 1))

        await asyncio.gather(*(add() for _ in range(12)))
        async with reading(engine).connect() as connection:
            assert (await connection.execute(select(func.max(SUMS.c.id)))).scalar_one() == 12


async def test_one_that_reads_goes_on_while_another_writes(tmp_path):
    async with open_database(url(tmp_path)) as engine:
        await create_tables(engine, TABLES)
        async with engine.begin() as writer:
            await writer.execute(SUMS.insert().values(amount=Decimal(1)))
            async with reading(engine).connect() as connection:
                assert (await connection.execute(select(func.count()).select_from(SUMS))).scalar_one() == 0


async def test_money_comes_back_to_the_last_digit(database):
    amounts = [Decimal("0.10"), Decimal("-1234567890123.45"), Decimal("1E+2"), None]
    async with open_database(database) as engine:
        await create_tables(engine, TABLES)
        async with engine.begin() as connection:
            await connection.execute(SUMS.insert(), [{"amount": amount} for amount in amounts])
        async with reading(engine).connect() as connection:
            assert (await connection.execute(select(SUMS.c.amount).order_by(SUMS.c.id))).scalars().all() == amounts


async def test_foreign_keys_hold(database):
    async with open_database(database) as engine:
        await create_tables(engine, TABLES)
        with pytest.raises(IntegrityError):
            async with engine.begin() as connection:
                await connection.execute(PARTS.insert().values(sum=7))


async def test_tables_are_made_once_however_often_one_opens(database):
    for _ in range(2):
        async with open_database(database) as engine:
            await create_tables(engine, TABLES)


async def test_a_database_opened_for_reading_cannot_be_written(database):
    async with open_database(database) as engine:
        await create_tables(engine, TABLES)
    async with open_database(database, read_only=True) as engine:
        with pytest.raises(DBAPIError):
            async with engine.begin() as connection:
                await connection.execute(SUMS.insert().values(id=1))


async def test_a_database_opened_for_reading_cannot_be_written_and_stays_as_it_was(tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as theirs:
        theirs.execute("CREATE TABLE t (a)")
    theirs.close()
    async with open_database(url(tmp_path), read_only=True) as engine:
        with pytest.raises(OperationalError):
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO t VALUES (1)"))
    assert (tmp_path / "x.db").read_bytes()[18:20] == b"\x01\x01", "the file's journal mode is its owner's business"


async def test_a_missing_file_is_not_made_by_reading_it(tmp_path):
    with pytest.raises(ConnectorError, match="does not answer"):
        async with open_database(url(tmp_path), read_only=True):
            pass
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize(
    "address", ["nonsense", "postgresql://bob:s3cret-word@host:port/x", "foo://bob:s3cret-word@host/x"]
)
async def test_a_wrong_address_is_told_without_its_password(address):
    with pytest.raises(ConfigError) as told:
        async with open_database(address):
            pass
    assert "s3cret-word" not in str(told.value)


async def test_a_missing_driver_is_named():
    with pytest.raises(ConfigError, match="pyodbc"):
        async with open_database("mssql+pyodbc://bob:s3cret-word@host/x"):
            pass


async def test_a_database_that_does_not_answer_is_told_without_its_password():
    pytest.importorskip("psycopg", reason="the postgres extra is not installed")
    with pytest.raises(ConnectorError, match="does not answer") as told:
        async with open_database("postgresql://bob:s3cret-word@127.0.0.1:1/x"):
            pass
    assert "s3cret-word" not in str(told.value)
