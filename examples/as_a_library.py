"""Jobs from a script: submit them, follow one, answer what it asks, read what it cost."""

import asyncio
import tempfile

from agentflow import Agentflow, Pack, Price, Record, workflow


class Claim(Record):
    cents: int


class TooMuch(Record):
    cents: int


class Approved(Record):
    cents: int


class Refused(Record):
    why: str


async def judge(claim: Claim) -> Approved | TooMuch:
    return Approved(cents=claim.cents) if claim.cents <= 10_000 else TooMuch(cents=claim.cents)


claims = Pack(
    name="claims",
    workflow=workflow("claims", takes=Claim, gives=Approved | Refused)
    .step(judge)
    .review(TooMuch, answers=Approved | Refused)
    .build(),
    prices={Approved: Price("1.00"), Refused: Price("0.20")},
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        async with Agentflow([claims], home=home) as af:
            small = await af.submit(claims, Claim(cents=4_200))
            print("small:", (await small.outcome()).outcome)

            large = await af.submit(claims, Claim(cents=99_000))
            print("large:", (await large.outcome()).status)
            await large.answer(Refused(why="over the limit"), by="anna")
            async for event in large.events():
                print("large:", event.number, event.topic)
            done = await large.outcome()
            print("large:", done.outcome, done.price_minor, "cents")


if __name__ == "__main__":
    asyncio.run(main())
