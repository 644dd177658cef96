"""A person is a source like any other: a doubted record and a question of the workflow's own both wait for one."""

import asyncio
import tempfile
from pathlib import Path

from agentflow import Pack, Price, Problem, Record, open_runner, workflow


class Claim(Record):
    text: str


class Amount(Record):
    cents: int


class TooMuch(Record):
    cents: int


class Approved(Record):
    cents: int


class Refused(Record):
    why: str


async def read(claim: Claim) -> Amount:
    return Amount(cents=int("".join(c for c in claim.text if c.isdigit()) or 0))


def positive(amount: Amount) -> list[Problem]:
    """A check: what fails it never leaves its step."""
    return [] if amount.cents else [Problem(code="no_amount", message="No amount was found.", path="cents")]


async def judge(amount: Amount) -> Approved | TooMuch:
    return Approved(cents=amount.cents) if amount.cents <= 10_000 else TooMuch(cents=amount.cents)


claims = Pack(
    name="claims",
    workflow=workflow("claims", takes=Claim, gives=Approved | Refused)
    .step(read, checks=[positive])
    .step(judge)
    .review(TooMuch, answers=Approved | Refused)
    .build(),
    prices={Approved: Price("1.00"), Refused: Price("0.20")},
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        async with open_runner(claims, home=Path(home)) as runner:
            small = await runner.submit(Claim(text="4200 cents"), "small", sha256="1")
            print("small:", (await runner.run(small.id)).outcome)

            large = await runner.submit(Claim(text="99000 cents"), "large", sha256="2")
            waiting = await runner.run(large.id)
            print("large:", waiting.status, [question["answers"] for question in waiting.questions.values()])
            print("large:", (await runner.answer(large.id, "Refused", {"why": "over the limit"})).outcome)

            unclear = await runner.submit(Claim(text="some cents"), "unclear", sha256="3")
            waiting = await runner.run(unclear.id)
            print("unclear:", waiting.status, [problem["code"] for problem in waiting.problems])
            print("unclear:", (await runner.answer(unclear.id, "Amount", {"cents": 300})).outcome)


if __name__ == "__main__":
    asyncio.run(main())
