"""What a type checker must see in a table; checked by pyright, never run."""

# What follows a red line is unknown to the checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from typing import assert_type

from agentflow import Record, Workflow, workflow


class Paper(Record):
    text: str


class Line(Record):
    text: str


class Coded(Record):
    account: str


class Unclear(Record):
    why: str


class Booked(Record):
    lines: list[Coded]


class Sum(Record):
    total: int


class Posted(Record):
    number: str


class Refused(Record):
    why: str


async def split(paper: Paper) -> list[Line] | Unclear:
    return [Line(text=text) for text in paper.text.split()]


async def code(line: Line) -> Coded:
    return Coded(account=line.text)


async def book(lines: list[Coded]) -> Booked:
    return Booked(lines=lines)


async def add(booked: Booked) -> Sum:
    return Sum(total=len(booked.lines))


async def sign(booked: Booked) -> Line:
    return Line(text="")


async def post(total: Sum, line: Line) -> Posted:
    return Posted(number=line.text)


async def post_booked(booked: Booked) -> Posted:
    return Posted(number="1")


closed = (
    workflow("closed", takes=Paper, gives=Posted | Refused)
    .step(split)
    .each(code)
    .step(book)
    .review(Unclear, answers=Booked | Refused)
    .step(post_booked)
    .build()
)
assert_type(closed, Workflow[Paper, Posted | Refused])

forked = workflow("forked", takes=Booked, gives=Posted).fork(add, sign).step(post).build()
assert_type(forked, Workflow[Booked, Posted])

without_the_review = (
    workflow("open", takes=Paper, gives=Posted | Refused).step(split).each(code).step(book).step(post_booked).build()  # pyright: ignore[reportAttributeAccessIssue] - Unclear is made and nobody uses it
)

without_the_split = (
    workflow("open", takes=Paper, gives=Posted).each(code).step(book).step(post_booked).build()  # pyright: ignore[reportAttributeAccessIssue] - list[Line] is used and nobody makes it
)

workflow("wrong answer", takes=Paper, gives=Posted).step(
    split,
    sources={"rule": code},  # pyright: ignore[reportArgumentType] - a source makes what its step makes
)
