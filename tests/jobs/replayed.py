"""A pack whose verifications are worth replaying: a document, checks of every kind, models that promise, an effect."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentflow import (
    Connector,
    Document,
    Documents,
    EffectKey,
    Evidence,
    Model,
    Pack,
    Policy,
    Price,
    Problem,
    Record,
    asks,
    ties,
    workflow,
)
from agentflow.jobs.opening import open_runner
from agentflow.jobs.runner import Runner
from agentflow.jobs.tables import Job
from agentflow.testing import FakeModel, FakeModels

BILL = b"net 1 tax 2 total 3"
RIGHT = {"net": 1, "tax": 2, "total": 3}
RATE: dict[str, Any] = {"systematic": {"hits": 1, "misses": 999}, "slip": {"hits": 5, "misses": 95}}
FIGURES = {"about": "by hand", "steps": {"extract": {"every": {"sources": {"small": RATE, "frontier": RATE}}}}}


class Words(Record):
    document: Document
    count: int
    copy_of: str = ""
    """Where a copy lies in the blob store: a running job's steps alone know of it."""


class Sums(Record):
    net: int
    tax: int
    total: int
    evidence: dict[str, Evidence] = {}


class Unclear(Record):
    why: str


class Filed(Record):
    total: int


async def read(document: Document, *, documents: Documents) -> Words | Unclear:
    content = await documents.get(document.sha256)
    if not content:
        return Unclear(why="there is no word")
    copy = await documents.put(content + b" (copy)")
    return Words(document=document, count=len(content.split()), copy_of=copy)


async def extract(words: Words, *, model: Model) -> Sums:
    return await model.ask(Sums, "Read the sums.", str(words.count))


async def file(sums: Sums, *, key: EffectKey) -> Filed:
    return Filed(total=sums.total)


limit = [1000]
"""What `small_enough` lets pass: a pack changes."""


@ties("net", "tax", "total")
def adds_up(sums: Sums) -> list[Problem]:
    right = sums.net + sums.tax == sums.total
    return [] if right else [Problem(code="sum", message="It does not add up.", path="total")]


def small_enough(sums: Sums) -> list[Problem]:
    return [] if sums.total <= limit[0] else [Problem(code="too_much", message="Too much.", path="total")]


async def printed(sums: Sums, words: Words, *, documents: Documents) -> list[Problem]:
    text = (await documents.get(words.document.sha256)).decode()
    return [] if f"total {sums.total}" in text else [Problem(code="not_printed", message="Not there.", path="total")]


def long(words: Words) -> list[Problem]:
    return [Problem(code="few_words", message="Few.", severity="note")] if words.count < 10 else []


@asks("judge")
async def plausible(sums: Sums, *, model: Model) -> list[Problem]:
    return []


class Clerk(Connector):
    """What may know more tomorrow."""

    name = "clerk"

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator["Clerk"]:
        yield cls()


def known(sums: Sums, *, clerk: Clerk) -> list[Problem]:
    return []


def pack(*more: Any, version: str = "1") -> Pack:
    """The pack; `more` are further checks of what is extracted."""
    checks = [adds_up, small_enough, printed, plausible, known, *more]
    policy = Policy(ladder=("small", "frontier"), alpha=0.005)
    return Pack(
        name="sums",
        workflow=workflow("sums", takes=Document, gives=Filed)
        .step(read, checks=[long])
        .review(Unclear, answers=Words)
        .step(extract, policy=policy, checks=checks)
        .step(file, effect=True)
        .build(),
        connectors=[Documents, Clerk],
        prices={Filed: Price("0.40")},
        delivers=Sums,
        version=version,
        calibration=FIGURES,
    )


def answering(*said: dict[str, int]) -> FakeModels:
    """Models that answer in turn what is said; the right sums where nothing is."""
    left = list(said)

    def answer(_: Any) -> Any:
        values = left.pop(0) if left else RIGHT
        evidence = {name: {"trust": 0.9, "source": "model"} for name in values}
        return Sums.model_validate({**values, "evidence": evidence})

    return FakeModels(small=FakeModel(answer), frontier=FakeModel(answer), judge=FakeModel())


@asynccontextmanager
async def running(home: Path, database: str | None, *said: dict[str, int]) -> AsyncGenerator[Runner]:
    """A runner whose models answer what is said."""
    async with open_runner(pack(), home=home, database=database, models=answering(*said)) as runner:
        yield runner


async def finished(runner: Runner, content: bytes = BILL, name: str = "bill") -> Job:
    """A job on a document of that content, as it rests."""
    sha = await runner.documents.put(content)
    job = await runner.submit(Document(name=name, sha256=sha, size=len(content)), name, sha)
    return await runner.run(job.id)


def texts(found: Sequence[str]) -> str:
    """What was found, in a line."""
    return "; ".join(found)
