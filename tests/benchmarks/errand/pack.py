"""The pack `errand`: a job of one step that does nothing."""

from agentflow import Pack, Price, Record, workflow


class Errand(Record):
    """What is asked for."""

    text: str


class Run(Record):
    """What was done."""

    text: str


async def run(errand: Errand) -> Run:
    """Nothing, at once."""
    return Run(text=errand.text)


errand = Pack(
    name="errand",
    workflow=workflow("errand", takes=Errand, gives=Run).step(run).build(),
    prices={Run: Price("0.40")},
)
