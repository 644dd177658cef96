"""A step that changes the world takes a key: whatever crashes and comes again, the change is made once."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import ClassVar

from agentflow import EffectKey, Pack, Price, Record, open_runner, workflow


class Order(Record):
    item: str


class Sent(Record):
    parcel: int


class Warehouse:
    """A connector: steps ask for it by its type, `--connect warehouse=FILE` says where it is."""

    name: ClassVar[str] = "warehouse"

    def __init__(self, file: Path) -> None:
        self.file = file

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> "AsyncGenerator[Warehouse]":
        file = Path(url) if url else home / "warehouse.db"
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS parcel (id INTEGER PRIMARY KEY, item TEXT, key TEXT UNIQUE)")
        yield cls(file)

    def send(self, item: str, key: str) -> int:
        """The parcel's number; the same key is the same parcel."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute("INSERT OR IGNORE INTO parcel (item, key) VALUES (?, ?)", (item, key))
            [number] = database.execute("SELECT id FROM parcel WHERE key = ?", (key,)).fetchone()
            return number


crashes = iter([True, False])


async def send(order: Order, *, warehouse: Warehouse, key: EffectKey) -> Sent:
    parcel = warehouse.send(order.item, str(key))
    if next(crashes):
        raise ConnectionError("the answer was lost on the way")
    return Sent(parcel=parcel)


shipping = Pack(
    name="shipping",
    workflow=workflow("shipping", takes=Order, gives=Sent).step(send, effect=True).build(),
    connectors=[Warehouse],
    prices={Sent: Price("0.30")},
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        async with open_runner(shipping, home=Path(home)) as runner:
            job = await runner.submit(Order(item="lamp"), "order 7", sha256="7")
            print((await runner.run(job.id)).status)
            print((await runner.run(job.id)).output)
        with closing(sqlite3.connect(Path(home) / "warehouse.db")) as database:
            print(database.execute("SELECT count(*) FROM parcel").fetchone()[0], "parcel")


if __name__ == "__main__":
    asyncio.run(main())
