"""Fan-out is always an explicit word: `.each` maps a list a record at a time, `.fork` runs steps side by side."""

import asyncio
import tempfile
from pathlib import Path

from agentflow import Pack, Price, Record, open_runner, workflow


class Basket(Record):
    items: list[str]


class Item(Record):
    name: str


class Priced(Record):
    name: str
    cents: int


class Total(Record):
    cents: int


class Label(Record):
    text: str


class Receipt(Record):
    text: str


async def unpack(basket: Basket) -> list[Item]:
    return [Item(name=name) for name in basket.items]


async def price(item: Item) -> Priced:
    return Priced(name=item.name, cents=25 * len(item.name))


async def add(priced: list[Priced]) -> Total:
    return Total(cents=sum(one.cents for one in priced))


async def name(priced: list[Priced]) -> Label:
    return Label(text=" and ".join(one.name for one in priced))


async def write(total: Total, label: Label, basket: Basket) -> Receipt:
    return Receipt(text=f"{len(basket.items)} items, {label.text}: {total.cents} cents")


shop = Pack(
    name="shop",
    workflow=workflow("shop", takes=Basket, gives=Receipt).step(unpack).each(price).fork(add, name).step(write).build(),
    prices={Receipt: Price("0.02")},
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        async with open_runner(shop, home=Path(home)) as runner:
            job = await runner.submit(Basket(items=["tea", "milk"]), "basket", sha256="1")
            print((await runner.run(job.id)).output)


if __name__ == "__main__":
    asyncio.run(main())
