"""A pack of two steps that ask models, with an effect at its end, and cases for it."""

from typing import Any

from agentflow import EffectKey, Model, Pack, Policy, Price, Problem, Record, workflow
from agentflow.exams.cases import Case, Exam, Settings
from agentflow.testing import Faulty, FaultyModel
from agentflow.testing import Price as Tokens

VENDORS = ("acme", "bolt", "cord", "dune", "elm", "fern", "gale", "holt", "iris", "jade")


class Letter(Record):
    number: int
    text: str


class Sorted(Record):
    topic: str
    urgent: bool


class Reply(Record):
    topic: str
    code: int


class Sent(Record):
    key: str
    code: int


reached: list[str] = []
"""Every time the effect was really done."""


async def sort(letter: Letter, *, model: Model) -> Sorted:
    return await model.ask(Sorted, "Sort the letter.", f"[case:{letter.number}] {letter.text}")


async def answer(given: Sorted, letter: Letter, *, model: Model) -> Reply:
    return await model.ask(Reply, "Answer the letter.", f"[case:{letter.number}] {given.topic}")


async def send(reply: Reply, *, key: EffectKey) -> Sent:
    reached.append(str(key))
    return Sent(key=str(key), code=reply.code)


def code_known(reply: Reply) -> list[Problem]:
    return [] if reply.code < 1000 else [Problem(code="unknown", message="There is no such code.", path="code")]


LADDER = Policy(ladder=("small", "large"))

letters = Pack(
    name="letters",
    workflow=workflow("letters", takes=Letter, gives=Sent)
    .step(sort, policy=LADDER)
    .step(answer, policy=LADDER, checks=[code_known])
    .step(send, effect=True)
    .build(),
    prices={Sent: Price("0.40")},
    delivers=Reply,
)


def gold_of(number: int) -> dict[str, Any]:
    topic = f"topic {number % 7}"
    return {
        "Sorted": {"topic": topic, "urgent": number % 3 == 0},
        "Reply": {"topic": topic, "code": 100 + number % 50},
    }


def case_of(number: int, **more: Any) -> Case:
    tags = {"vendor": VENDORS[number % len(VENDORS)], "language": "de" if number % 2 else "en"}
    given: dict[str, Any] = {"tags": tags, "input": {"number": number, "text": f"letter {number}"}}
    return Case(**{"id": str(number), "gold": gold_of(number), **given, **more})


def exam_of(cases: int, **settings: Any) -> Exam:
    from pathlib import Path

    return Exam(letters, Path(), tuple(case_of(number) for number in range(cases)), Settings(**settings))


def faulty(**errors: float) -> Faulty:
    """Models that err so often, half of it every time they see the case."""
    price = Tokens(input="1", output="2")  # pyright: ignore[reportArgumentType] - pydantic reads decimals from text
    models = {name: FaultyModel(error=each, split=(0, 0.5, 0.5), price=price) for name, each in errors.items()}
    return Faulty(seed=1, models=models)
