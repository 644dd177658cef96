"""The smallest workflow: the record a step returns names the step that follows, and an outcome has a price."""

import asyncio
import tempfile
from pathlib import Path

from agentflow import Pack, Price, Record, open_runner, workflow


class Letter(Record):
    text: str


class Words(Record):
    words: list[str]


class Counted(Record):
    count: int


class Empty(Record):
    why: str


async def split(letter: Letter) -> Words | Empty:
    words = letter.text.split()
    return Words(words=words) if words else Empty(why="the letter has no text")


async def count(words: Words) -> Counted:
    return Counted(count=len(words.words))


letters = Pack(
    name="letters",
    workflow=workflow("letters", takes=Letter, gives=Counted | Empty).step(split).step(count).build(),
    prices={Counted: Price("0.10"), Empty: Price("0.00")},
)


async def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        async with open_runner(letters, home=Path(home)) as runner:
            for name, text in {"a": "Dear all, hello", "b": ""}.items():
                job = await runner.submit(Letter(text=text), name, sha256=name)
                done = await runner.run(job.id)
                print(done.input_name, done.outcome, done.output, f"{done.price_minor} cents")


if __name__ == "__main__":
    asyncio.run(main())
