"""A toy workflow with every kind of row, for the engine's tests."""

from agentflow import EffectKey, Problem, Record, workflow


class Order(Record):
    lines: list[str]


class Line(Record):
    text: str


class Coded(Record):
    account: str


class Booked(Record):
    accounts: list[str]


class Unclear(Record):
    why: str


class Posted(Record):
    key: str
    accounts: list[str]


class Refused(Record):
    why: str


ran: list[str] = []


async def split(order: Order) -> list[Line] | Unclear:
    ran.append("split")
    return [Line(text=text) for text in order.lines] if "?" not in order.lines else Unclear(why="a question mark")


async def code(line: Line, order: Order) -> Coded:
    ran.append(f"code {line.text}")
    return Coded(account=f"{line.text}/{len(order.lines)}")


async def book(coded: list[Coded]) -> Booked:
    ran.append("book")
    return Booked(accounts=[one.account for one in coded])


async def post(booked: Booked, *, key: EffectKey) -> Posted:
    ran.append("post")
    return Posted(key=str(key), accounts=booked.accounts)


def no_bad_account(coded: Coded) -> list[Problem]:
    return [Problem(code="bad", message="bad account", path="account")] if coded.account.startswith("bad") else []


def toy():
    return (
        workflow("toy", takes=Order, gives=Posted | Refused)
        .step(split)
        .each(code, checks=[no_bad_account])
        .step(book)
        .review(Unclear, answers=Booked | Refused)
        .step(post, effect=True)
        .build()
    )
