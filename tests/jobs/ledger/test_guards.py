"""The schema refuses what must not be written, whoever writes it."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from agentflow.jobs.ids import now
from agentflow.jobs.ledger.giving import charge_of, credit
from agentflow.jobs.ledger.statements import close
from agentflow.jobs.ledger.tables import Charge, ListedPrice, Transfer
from tests.jobs.ledger.books import PRICE, Books, open_books, verification

APPEND_ONLY = ("verification", "charge", "credit", "transfer", "price_list", "price", "statement", "statement_line")


async def refused(books: Books, row: object) -> None:
    with pytest.raises(IntegrityError):
        async with books.sessions.begin() as session:
            session.add(row)


async def ready(books: Books, verdict: str = "pass", **changed: object) -> Charge:
    """The charge of a job that is verified and not charged yet, with some of its columns changed."""
    job = await books.accepted()
    found = verification(job, verdict)
    async with books.sessions.begin() as session:
        session.add(found)
    values = {
        "id": "ch_1",
        "job_id": job.id,
        "tenant_id": job.tenant_id,
        "price_list_id": books.terms.id,
        "outcome": "Posted",
        "verification_id": found.id,
        "verdict": verdict,
        "amount_minor": PRICE,
        "currency": "USD",
        "created_at": now(),
    }
    return Charge(**{**values, **changed})


async def test_a_right_charge_is_taken(database: str):
    async with open_books(database) as books:
        row = await ready(books)
        async with books.sessions.begin() as session:
            session.add(row)


async def test_a_job_is_charged_once(database: str):
    async with open_books(database) as books:
        await books.finished()
        async with books.sessions() as session:
            charge = (await session.scalars(select(Charge))).one()
        again = {c.name: getattr(charge, c.name) for c in Charge.__table__.columns}
        await refused(books, Charge(**{**again, "id": "ch_2"}))


async def test_nothing_is_charged_that_did_not_pass(database: str):
    async with open_books(database) as books:
        await refused(books, await ready(books, verdict="fail"))


async def test_a_failed_verification_cannot_be_called_passed(database: str):
    async with open_books(database) as books:
        row = await ready(books, verdict="fail")
        row.verdict = "pass"
        await refused(books, row)


@pytest.mark.parametrize(
    "changed",
    [
        {"tenant_id": "acme"},
        {"amount_minor": PRICE + 1},
        {"currency": "EUR"},
        {"outcome": "Refused"},
        {"verification_id": "vf_none"},
        {"price_list_id": "plist_none"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_charge_has_the_tenant_the_price_and_the_verification_of_its_own_job(database: str, changed):
    async with open_books(database) as books:
        await refused(books, await ready(books, **changed))


async def test_a_charge_goes_by_the_terms_that_the_job_was_accepted_under(database: str):
    async with open_books(database) as books:
        async with books.sessions.begin() as session:
            await session.execute(text("INSERT INTO price_list VALUES ('new','toy','x','USD',30,:at)"), {"at": now()})
            session.add(ListedPrice(price_list_id="new", outcome="Posted", amount_minor=99, currency="USD"))
        await refused(books, await ready(books, price_list_id="new", amount_minor=99))


async def test_a_transfer_goes_between_two_accounts_and_is_above_zero(database: str):
    row = {"tenant_id": "local", "currency": "USD", "kind": "charge", "created_at": now()}
    async with open_books(database) as books:
        for number, change in enumerate(
            [
                {"debit_account": "revenue", "amount_minor": 1},
                {"debit_account": "receivable", "amount_minor": 0},
                {"debit_account": "receivable", "amount_minor": -1},
            ]
        ):
            one = Transfer(**row, **change, id=f"t{number}", credit_account="revenue", source_id=f"s{number}")
            await refused(books, one)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"], ids=["update", "delete"])
async def test_what_was_written_about_money_stays(database: str, table: str, statement: str):
    async with open_books(database) as books:
        await everything(books)
        column = {"price": "outcome", "statement_line": "transfer_id"}.get(table, "id")
        with pytest.raises(DBAPIError, match="append-only"):
            await run(books, statement.format(table, column, column))


async def test_a_table_of_money_is_never_emptied(postgres: str):
    async with open_books(postgres) as books:
        with pytest.raises(DBAPIError, match="append-only"):
            await run(books, "TRUNCATE transfer CASCADE")


async def run(books: Books, statement: str) -> None:
    async with books.sessions.begin() as session:
        await session.execute(text(statement))


async def everything(books: Books) -> None:
    """A row in every table."""
    job = await books.finished()
    async with books.sessions.begin() as session:
        charge = await charge_of(session, "local", job.id)
        await credit(session, charge, 1, "goodwill", "r1")
    async with books.sessions.begin() as session:
        assert await close(session, "local", "USD", now()) is not None
