"""A step asks models under a promise; here two faulty ones, served on this machine, answer in place of real ones."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal

from agentflow import Model, Pack, Policy, Price, Problem, Record, open_runner, workflow
from agentflow.engine.config import ModelConfig
from agentflow.engine.models import read_models
from agentflow.testing import Faulty, FaultyModel, GoldLine, Server, by_line, serve_in_thread


class Ticket(Record):
    text: str


class Routed(Record):
    queue: Literal["billing", "shipping"]
    order: str


async def route(ticket: Ticket, *, model: Model) -> Routed:
    """The instructions are trusted; what came in is data and goes apart from them."""
    return await model.ask(Routed, "Say which queue the ticket belongs to and which order it names.", ticket.text)


def order_stands(routed: Routed, ticket: Ticket) -> list[Problem]:
    if routed.order in ticket.text:
        return []
    return [Problem(code="order_unknown", message="The order does not stand in the ticket.", path="order")]


desk = Pack(
    name="desk",
    workflow=workflow("desk", takes=Ticket, gives=Routed)
    .step(route, policy=Policy(ladder=("small", "large"), alpha=0.1), checks=[order_stands])
    .build(),
    prices={Routed: Price("0.30")},
)

TICKETS = {
    "Where is the parcel of order A17?": {"queue": "shipping", "order": "A17"},
    "I was charged twice for order A18.": {"queue": "billing", "order": "A18"},
}
FAULTY = Faulty(seed=3, models={"small": FaultyModel(error=0.1, per="field"), "large": FaultyModel(error=0.02)})


def roles(server: Server, home: Path) -> dict[str, ModelConfig]:
    """Which model each role is; with real models that is the table models.toml beside pack.py."""
    table = home / "models.toml"
    table.write_text(server.models_toml(), encoding="utf-8")
    return read_models(table)


async def main() -> None:
    truth = by_line(GoldLine(case=text, key=text, answer=gold) for text, gold in TICKETS.items())
    with tempfile.TemporaryDirectory() as home, serve_in_thread(FAULTY, truth) as server:
        async with open_runner(desk, home=Path(home), models=roles(server, Path(home))) as runner:
            for text in TICKETS:
                job = await runner.submit(Ticket(text=text), text, sha256=text)
                done = await runner.run(job.id)
                attempts = await runner.store.attempts(job.id)
                print(done.status, done.output, "after", len(attempts), "answers")


if __name__ == "__main__":
    asyncio.run(main())
