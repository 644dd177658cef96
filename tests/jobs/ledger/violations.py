"""What must not be: each tries it, raises where it is refused, and says whether it came about."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text, update

from agentflow.engine.models import Models
from agentflow.errors import LeaseLost
from agentflow.flow.journal import CostLine
from agentflow.jobs import reviewing
from agentflow.jobs.deadlines import sweep
from agentflow.jobs.engines.inline import InlineEngine
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.audit import audit
from agentflow.jobs.ledger.giving import charge_of, decide
from agentflow.jobs.ledger.settling import fact, release
from agentflow.jobs.ledger.statement_tables import Statement, StatementLine
from agentflow.jobs.ledger.tables import (
    Charge,
    Credit,
    Dispute,
    ListedPrice,
    PriceList,
    Reservation,
    SpendAccount,
    Transfer,
)
from agentflow.jobs.limits import within
from agentflow.jobs.tables import Job
from agentflow.jobs.telling.tables import Outbox
from tests.jobs.ledger.books import PRICE, Books, pack, verification

Violation = Callable[[Books], Awaitable[bool]]


async def write(books: Books, *rows: object) -> bool:
    """Writes the rows, each behind the one before."""
    async with books.sessions.begin() as session:
        for row in rows:
            session.add(row)
            await session.flush()
    return True


async def run(books: Books, statement: str, **values: Any) -> bool:
    async with books.sessions.begin() as session:
        await session.execute(text(statement), values)
    return True


async def account(books: Books) -> SpendAccount:
    async with books.sessions() as session:
        return await session.get_one(SpendAccount, ("local", "USD"))


async def uncharged(books: Books, found_as: str = "pass", **changed: object) -> Charge:
    """The charge of a job that is verified and not charged yet, with some of its columns changed."""
    job = await books.accepted(new_id("in"))
    found = verification(job, found_as)
    await write(books, found)
    row = Charge(
        id=new_id("ch"),
        job_id=job.id,
        tenant_id=job.tenant_id,
        price_list_id=books.terms.id,
        outcome="Posted",
        verification_id=found.id,
        verdict=found_as,
        amount_minor=PRICE,
        currency="USD",
        created_at=now(),
    )
    for name, value in changed.items():
        setattr(row, name, value)
    return row


async def charged(books: Books) -> Charge:
    job = await books.finished(new_id("in"))
    async with books.sessions() as session:
        return await session.run_sync(charge_of, "local", job.id)


def charging(found_as: str = "pass", **changed: object) -> Violation:
    """Charges a job with columns that are not its own."""

    async def violate(books: Books) -> bool:
        return await write(books, await uncharged(books, found_as, **changed))

    return violate


async def charging_twice(books: Books) -> bool:
    first = await charged(books)
    copy = {c.name: getattr(first, c.name) for c in Charge.__table__.columns}
    return await write(books, Charge(**{**copy, "id": new_id("ch")}))


async def charging_by_other_terms(books: Books) -> bool:
    other = terms()
    price = ListedPrice(price_list_id=other.id, outcome="Posted", amount_minor=99, currency="USD")
    row = await uncharged(books, price_list_id=other.id, amount_minor=99)
    return await write(books, other, price, row)


def moving(**changed: object) -> Violation:
    """Moves money that is none, or goes nowhere."""

    async def violate(books: Books) -> bool:
        return await write(books, transfer(**changed))

    return violate


async def crediting_too_much(books: Books) -> bool:
    charge = await charged(books)
    statement = "UPDATE charge_balance SET credited_minor = amount_minor + 1 WHERE charge_id = :id"
    return await run(books, statement, id=charge.id)


async def crediting_twice(books: Books) -> bool:
    charge, request = await charged(books), new_id("r")
    return await write(books, credit(charge, request), credit(charge, request))


async def crediting_another_tenant(books: Books) -> bool:
    return await write(books, credit(await charged(books), new_id("r"), tenant_id="acme"))


async def crediting_in_another_currency(books: Books) -> bool:
    return await write(books, credit(await charged(books), new_id("r"), currency="EUR"))


async def spending_past_the_cap(books: Books) -> bool:
    used = await account(books)
    async with books.sessions.begin() as session:
        full = used.reserved_minor + used.charged_minor
        await session.execute(update(SpendAccount).where(SpendAccount.tenant_id == "local").values(cap_minor=full))
    await books.accepted(new_id("in"))
    return True


async def releasing_twice(books: Books) -> bool:
    job, _ = await books.accepted(new_id("in")), await books.accepted(new_id("in"))
    before = (await account(books)).reserved_minor
    for _ in range(2):
        async with books.sessions.begin() as session:
            await session.run_sync(release, job.id)
    return before - (await account(books)).reserved_minor != PRICE


async def keeping_what_was_set_aside(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    await run(books, "UPDATE job SET deadline_at = created_at WHERE id = :id", id=job.id)
    await sweep(books.store, InlineEngine())
    async with books.sessions() as session:
        return (await session.get_one(Reservation, job.id)).ended_at is None


async def ending_what_is_not_due(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    async with books.sessions.begin() as session:
        await session.execute(update(Job).where(Job.id == job.id).values(deadline_at=now() + timedelta(hours=1)))
    await sweep(books.store, InlineEngine())
    return (await books.store.get(job.id)).status == "expired"


async def an_outcome_after_the_deadline(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    await run(books, "UPDATE job SET deadline_at = created_at WHERE id = :id", id=job.id)
    return (await books.store.finish(job.id, verification(job), result={}, output={})).price_minor > 0


async def telling_twice(books: Books) -> bool:
    source = new_id("s")
    async with books.sessions.begin() as session:
        for _ in range(2):
            session.add(fact("local", "charge.created", source, {}))
            await session.flush()
    return True


def telling_of_a_job(tenant: str, number: int) -> Violation:
    """Tells an event of a job as another tenant's, or under the number of another."""

    async def violate(books: Books) -> bool:
        job = await books.accepted(new_id("in"))
        row = Outbox(id=new_id("ev"), tenant_id=tenant, topic="t", source_id=new_id("s"), payload={}, created_at=now())
        row.job_id, row.number = job.id, number
        return await write(books, row)

    return violate


async def stating_twice(books: Books) -> bool:
    moved, first, second = transfer(), statement(), statement()
    await write(books, moved, first, second, line(moved, first))
    return await run(
        books,
        "INSERT INTO statement_line (transfer_id, statement_id, tenant_id, currency, amount_minor) "
        "VALUES (:moved, :on, 'local', 'USD', 1)",
        moved=moved.id,
        on=second.id,
    )


def stating(of: str, **changed: str) -> Violation:
    """States a transfer on the statement of another tenant, or in another currency."""

    async def violate(books: Books) -> bool:
        moved = transfer(**changed) if of == "transfer" else transfer()
        on = statement(**changed) if of == "statement" else statement()
        return await write(books, moved, on, line(moved, on))

    return violate


async def changing_a_jobs_terms(books: Books) -> bool:
    other, job = terms(), await books.accepted(new_id("in"))
    await write(books, other)
    return await run(books, "UPDATE job SET price_list_id = :other WHERE id = :id", other=other.id, id=job.id)


async def promising_more_than_the_price(books: Books) -> bool:
    other = terms()
    price = ListedPrice(price_list_id=other.id, outcome="Posted", amount_minor=10, currency="USD")
    price.within_seconds, price.late_minor = 60, 11
    return await write(books, other, price)


async def losing_a_cost(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    first = await books.store.begin(job.id, since=["queued"], terms=books.terms.id)
    await books.store.begin(job.id, since=["running"], terms=books.terms.id)
    line = CostLine(call=new_id("c"), step="s", role="r", model="m", cost=Decimal(1))
    with suppress(LeaseLost):
        await books.store.journal(job.id, first).spend(line)
    return (await books.store.cost(job.id))[0] == 0


async def spending_more_than_a_job_may(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    line = CostLine(call=new_id("c"), step="s", role="r", model="m", cost=Decimal("0.9"))
    await books.store.journal(job.id).spend(line)
    held: Any = await within(replace(pack(), max_cost=Decimal(1)), job, Models({}), books.store)
    held.budget.reserve(Decimal("0.2"))
    return True


async def waiting(books: Books) -> Job:
    job = await books.accepted(new_id("in"))
    await books.store.change(job.id, status="awaiting_review", questions={"q": {}})
    async with books.store.writing() as session:
        claimed = await reviewing.claim_next(session, "local", ["toy"], "ann")
    assert claimed is not None
    return claimed


def deciding(*, lease: int | None) -> Violation:
    """Decides a review that somebody else holds: by an older claim, or by none."""

    async def violate(books: Books) -> bool:
        held = await waiting(books)
        old = None if lease is None else held.lease_number + lease
        async with books.store.writing() as session:
            await reviewing.decide(session, await session.get_one(Job, held.id), {"q": {}}, "eve", old)
        return (await books.store.get(held.id)).status == "queued"

    return violate


async def deciding_after_the_lease(books: Books) -> bool:
    held = await waiting(books)
    await run(books, "UPDATE job SET lease_until = created_at WHERE id = :id", id=held.id)
    async with books.store.writing() as session:
        await reviewing.decide(session, await session.get_one(Job, held.id), {"q": {}}, "eve", held.lease_number)
    return True


async def taking_a_held_review_over(books: Books) -> bool:
    held = await waiting(books)
    return await books.store.begin(held.id, since=["awaiting_review"], terms=books.terms.id) is not None


async def leasing_what_does_not_wait(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    at = now()
    return await run(books, "UPDATE job SET lease_by = 'ann', lease_until = :at WHERE id = :id", at=at, id=job.id)


async def finishing_what_was_taken_over(books: Books) -> bool:
    job = await books.accepted(new_id("in"))
    first = await books.store.begin(job.id, since=["queued"], terms=books.terms.id)
    await books.store.begin(job.id, since=["running"], terms=books.terms.id)
    await books.store.finish(job.id, verification(job), first, result={}, output={})
    return True


async def disputing_twice(books: Books) -> bool:
    charge = await charged(books)
    return await write(books, *(dispute(charge) for _ in range(2)))


async def deciding_a_dispute_twice(books: Books) -> bool:
    row = dispute(await charged(books))
    await write(books, row)
    for decision in ("rejected", "withdrawn"):
        async with books.sessions.begin() as session:
            await session.run_sync(decide, row.id, decision, "operator")
    return True


async def falsifying_an_account(books: Books) -> bool:
    await charged(books)
    await run(books, "UPDATE spend_account SET charged_minor = charged_minor + 1 WHERE tenant_id = 'local'")
    async with books.sessions() as session:
        return not await audit(session)


def rewriting(table: str, statement: str) -> Violation:
    """Changes or deletes what was written about money, a row that no other needs."""

    async def violate(books: Books) -> bool:
        rows, column = await lonely(books, table)
        await write(books, *rows)
        filled = statement.format(table=table, column=column)
        return await run(books, f"{filled} WHERE {column} = :key", key=getattr(rows[-1], column))

    return violate


async def lonely(books: Books, table: str) -> tuple[list[Any], str]:
    """Rows that end with one of the table, which no other row points at; and the column that finds it."""
    match table:
        case "price_list":
            return [terms()], "id"
        case "price":
            other = terms()
            return [
                other,
                ListedPrice(price_list_id=other.id, outcome="X", amount_minor=1, currency="USD"),
            ], "price_list_id"
        case "verification":
            return [verification(await books.accepted(new_id("in")))], "id"
        case "charge":
            return [await uncharged(books)], "id"
        case "credit":
            return [credit(await charged(books), new_id("r"))], "id"
        case "transfer":
            return [transfer()], "id"
        case "statement":
            return [statement()], "id"
        case _:
            moved, on = transfer(), statement()
            return [moved, on, line(moved, on)], "transfer_id"


def terms() -> PriceList:
    name = new_id("plist")
    return PriceList(id=name, pack="toy", digest=name, currency="USD", dispute_days=30, created_at=now())


def transfer(**changed: object) -> Transfer:
    row = Transfer(
        id=new_id("tr"),
        tenant_id="local",
        debit_account="receivable",
        credit_account="revenue",
        amount_minor=1,
        currency="USD",
        kind="charge",
        source_id=new_id("s"),
        created_at=now(),
    )
    for name, value in changed.items():
        setattr(row, name, value)
    return row


def statement(tenant_id: str = "local", currency: str = "USD") -> Statement:
    number = int(new_id("n")[-6:], 16)
    at = now()
    return Statement(
        id=new_id("st"), tenant_id=tenant_id, currency=currency, number=number, until=at, total_minor=1, created_at=at
    )


def line(moved: Transfer, on: Statement) -> StatementLine:
    return StatementLine(transfer_id=moved.id, statement_id=on.id, tenant_id="local", currency="USD", amount_minor=1)


def credit(charge: Charge, request: str, **changed: object) -> Credit:
    row = Credit(
        id=new_id("cr"),
        charge_id=charge.id,
        tenant_id=charge.tenant_id,
        amount_minor=1,
        currency=charge.currency,
        reason="goodwill",
        request=request,
        created_at=now(),
    )
    for name, value in changed.items():
        setattr(row, name, value)
    return row


def dispute(charge: Charge) -> Dispute:
    return Dispute(
        id=new_id("dp"),
        charge_id=charge.id,
        job_id=charge.job_id,
        tenant_id=charge.tenant_id,
        reason="wrong",
        fields={},
        created_at=now(),
    )
