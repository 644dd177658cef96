"""A prepared statement writes what SQLAlchemy would have written."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from agentflow.connectors.prepared import send
from agentflow.connectors.sql import Money, blocking, create_tables, open_database

META = MetaData()
THINGS = Table(
    "things",
    META,
    Column("key", String, primary_key=True),
    Column("number", Integer),
    Column("share", Float),
    Column("yes", Boolean),
    Column("told", JSON),
    Column("at", DateTime),
    Column("cost", Money),
)
ROW: dict[str, Any] = {
    "key": "a 'quoted' % key",
    "number": 3,
    "share": 0.5,
    "yes": True,
    "told": {"of": ["ü", None]},
    "at": datetime(2026, 1, 2, 3, 4, 5, 6, UTC).replace(tzinfo=None),
    "cost": Decimal("1.25"),
}
INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@pytest.mark.parametrize("single", [False, True])
async def test_what_is_sent_is_what_would_be_executed(database: str, single: bool):
    async with open_database(database) as engine, blocking(engine) as engines:
        await create_tables(engine, META)
        insert = INSERTS[engine.dialect.name](THINGS).on_conflict_do_nothing().inline()
        end = (
            update(THINGS).where(THINGS.c.key == bindparam("which"), THINGS.c.number > 1).values(told=bindparam("new"))
        )
        with engines[single].connect() as connection:
            send(connection, insert, ROW)
            send(connection, insert, {**ROW, "number": 4})  # it is there already
            send(connection, insert, {**ROW, "key": "empty", "told": None, "at": None, "cost": None, "yes": None})
            send(connection, end, {"which": ROW["key"], "new": [1]})
            connection.commit()
            connection.execute(insert, {**ROW, "key": "executed", "told": None, "at": None, "cost": None, "yes": None})
            connection.commit()
        with engines[0].connect() as connection:
            found = {row.key: tuple(row)[1:] for row in connection.execute(select(THINGS))}
    assert found[ROW["key"]] == (3, 0.5, True, [1], ROW["at"], ROW["cost"])
    assert found["empty"] == found["executed"]
