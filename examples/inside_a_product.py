"""Inside a product: its own customers and database, its order and the job that does it in one transaction."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import text

from agentflow import Agentflow, Pack, Price, Record, order_of, workflow


class Listing(Record):
    title: str


class Cleaned(Record):
    title: str


async def clean(listing: Listing) -> Cleaned:
    return Cleaned(title=" ".join(listing.title.split()).capitalize())


cleaning = Pack(
    name="cleaning",
    workflow=workflow("cleaning", takes=Listing, gives=Cleaned).step(clean).build(),
    prices={Cleaned: Price("0.02", "EUR")},
)

TABLES = (
    "CREATE TABLE shop_customer (id TEXT PRIMARY KEY, token TEXT UNIQUE)",
    "CREATE TABLE shop_order (id INTEGER PRIMARY KEY, customer TEXT REFERENCES shop_customer, job TEXT)",
    "INSERT INTO shop_customer VALUES ('ada', 'token-a'), ('bob', 'token-b')",
)


def product(af: Agentflow) -> FastAPI:
    """The product's own app: agentflow is a part of it, its customers are agentflow's tenants."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with af:
            async with af.store.writing() as session:
                for statement in TABLES:
                    await session.execute(text(statement))
            yield

    app = FastAPI(lifespan=lifespan)

    async def customer(token: Annotated[str, Header()]) -> str:
        async with af.store.looking() as session:
            found = await session.scalar(text("SELECT id FROM shop_customer WHERE token = :t"), {"t": token})
        if found is None:
            raise HTTPException(401)
        return found

    @app.post("/orders", status_code=201)
    async def order(title: str, who: Annotated[str, Depends(customer)]) -> dict[str, int]:
        wanted = order_of(cleaning, Listing(title=title), tenant=who)
        terms = await af.terms(cleaning, who)
        async with af.store.writing() as session:  # the order is there with its job, or neither is
            job, _ = await af.accept(session, wanted, terms)
            made = text("INSERT INTO shop_order (customer, job) VALUES (:who, :job) RETURNING id")
            return {"order": await session.scalar(made, {"who": who, "job": job.id})}

    @app.get("/orders/{number}")
    async def look(number: int, who: Annotated[str, Depends(customer)]) -> dict[str, str]:
        mine = text("SELECT job FROM shop_order WHERE id = :n AND customer = :who")
        async with af.store.looking() as session:
            job = await session.scalar(mine, {"n": number, "who": who})
        if job is None:
            raise HTTPException(404)
        done = await af.wait(job, who, seconds=10)
        return {"status": done.status, "title": (done.output or {}).get("title", "")}

    return app


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        database = f"sqlite:///{Path(home) / 'shop.db'}"  # the product's own; postgresql://... just as well
        app = product(Agentflow([cleaning], home=home, database=database))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as ada:
                ada.headers["token"] = "token-a"  # noqa: S105 - an example's
                made = await ada.post("/orders", params={"title": "  nice   CHAIR "})
                number = made.json()["order"]
                print("ada:", (await ada.get(f"/orders/{number}")).json())
                other = await ada.get(f"/orders/{number}", headers={"token": "token-b"})
                print("bob:", other.status_code)


if __name__ == "__main__":
    asyncio.run(main())
