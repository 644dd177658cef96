"""Each guard of money refuses what it is there for, and without it that comes about: none is there for show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError

from agentflow.engine.budget import Budget
from agentflow.engine.fencing import Line
from agentflow.errors import AgentflowError
from agentflow.jobs import deadlines, ending, journal, reviewing, transitions
from agentflow.jobs.ledger import audit, giving, settling
from tests.jobs.ledger import violations as v
from tests.jobs.ledger.books import PRICE, Books, open_books
from tests.jobs.ledger.removal import Removal, both, condition, constraints, patched, statements, triggers

APPEND_ONLY = ("verification", "charge", "credit", "transfer", "price_list", "price", "statement", "statement_line")
REWRITES = {"changed": "UPDATE {table} SET {column} = {column}", "deleted": "DELETE FROM {table}"}


@dataclass(frozen=True)
class Guard:
    """What must hold, what breaks it, and how the guard against that is taken away."""

    says: str
    violate: v.Violation
    remove: Removal


def nothing(*_: object, **__: object) -> None:
    """In the place of what guards."""


def of_its_run(statement: Executable, values: Mapping[str, object], **_: object) -> Line:
    """In the place of a line that is kept whatever becomes of its run."""
    return Line(statement, values)


TERMS, VERIFIED, LISTED = "under_the_jobs_own_terms", "for_a_verified_outcome", "at_the_listed_price"
GUARDS = (
    Guard("I1 a job is charged once", v.charging_twice, constraints("charge", "one_charge_a_job")),
    Guard("I2 what failed is not charged", v.charging("fail"), constraints("charge", "only_what_passed")),
    Guard("I2 nor called passed", v.charging("fail", verdict="pass"), constraints("charge", VERIFIED)),
    Guard("I2 nor what nobody verified", v.charging(verification_id="vf_none"), constraints("charge", VERIFIED)),
    Guard("I2 a charge is its tenant's", v.charging(tenant_id="acme"), constraints("charge", VERIFIED, TERMS)),
    Guard("I2 for what it ended as", v.charging(outcome="Refused"), constraints("charge", VERIFIED, LISTED)),
    Guard("I3 at its price", v.charging(amount_minor=PRICE + 1), constraints("charge", LISTED)),
    Guard("I3 in its currency", v.charging(currency="EUR"), constraints("charge", LISTED)),
    Guard(
        "I4 there is no fee of another kind",
        v.charging(outcome="attempt_fee", amount_minor=1),
        constraints("charge", VERIFIED, LISTED),
    ),
    Guard(
        "I5 between two accounts", v.moving(debit_account="revenue"), constraints("transfer", "between_two_accounts")
    ),
    Guard("I5 more than nothing", v.moving(amount_minor=0), constraints("transfer", "transfer_above_zero")),
    Guard("I5 never backwards", v.moving(amount_minor=-1), constraints("transfer", "transfer_above_zero")),
    Guard(
        "I7 no more than the charge", v.crediting_too_much, constraints("charge_balance", "credits_within_the_charge")
    ),
    Guard("I8 a request is credited once", v.crediting_twice, constraints("credit", "one_credit_a_request")),
    Guard("I8 to whoever was charged", v.crediting_another_tenant, constraints("credit", "credits_own_charge")),
    Guard("I9 the audit sees a false sum", v.falsifying_an_account, patched(audit, "RULES", ())),
    Guard("I10 the cap holds", v.spending_past_the_cap, constraints("spend_account", "within_the_cap")),
    Guard("I11 a reservation ends once", v.releasing_twice, condition(settling, "_not_ended")),
    Guard("I11 an overdue job lets go", v.keeping_what_was_set_aside, patched(ending, "release", nothing)),
    Guard(
        "I11 what is not due goes on",
        v.ending_what_is_not_due,
        patched(deadlines, "_overdue", lambda: (deadlines.Job.status == "queued",)),
    ),
    Guard(
        "I11 what is overdue is free", v.an_outcome_after_the_deadline, patched(transitions, "overdue", lambda _: False)
    ),
    Guard("I12 a fact is told once", v.telling_twice, constraints("outbox", "one_event_a_fact")),
    Guard(
        "I12 a job's events are in order",
        v.telling_of_a_job("local", 1),
        constraints("outbox", "events_of_a_job_in_order"),
    ),
    Guard("I12 to its own tenant", v.telling_of_a_job("acme", 9), constraints("outbox", "tells_of_own_job")),
    Guard(
        "I13 a transfer is on one statement",
        v.stating_twice,
        statements(
            sqlite=(
                "CREATE TABLE bare AS SELECT * FROM statement_line",
                "DROP TABLE statement_line",
                "ALTER TABLE bare RENAME TO statement_line",
            ),
            postgresql=("ALTER TABLE statement_line DROP CONSTRAINT statement_line_pkey",),
        ),
    ),
    Guard(
        "I14 a job keeps its terms",
        v.changing_a_jobs_terms,
        constraints("reservation", "reserved_under_the_jobs_terms"),
    ),
    Guard("I14 and is charged by them", v.charging_by_other_terms, constraints("charge", TERMS)),
    Guard(
        "I14 a promise is within the price",
        v.promising_more_than_the_price,
        constraints("price", "late_within_the_price"),
    ),
    Guard("I15 a cost outlives its run", v.losing_a_cost, patched(journal, "Line", of_its_run)),
    Guard(
        "I16 a job costs no more than it may",
        v.spending_more_than_a_job_may,
        patched(Budget, "_check", lambda *_: None),
    ),
    Guard(
        "I17 a credit has its charge's currency",
        v.crediting_in_another_currency,
        constraints("credit", "credits_own_charge"),
    ),
    Guard(
        "I17 a statement has one currency",
        v.stating("transfer", currency="EUR"),
        constraints("statement_line", "of_own_transfer"),
    ),
    Guard(
        "I17 and is of it", v.stating("statement", currency="EUR"), constraints("statement_line", "of_own_statement")
    ),
    Guard(
        "I17 and of one tenant",
        v.stating("transfer", tenant_id="acme"),
        constraints("statement_line", "of_own_transfer"),
    ),
    Guard("I19 an older claim decides nothing", v.deciding(lease=-1), condition(reviewing, "claimed")),
    Guard("I19 nor one that has run out", v.deciding_after_the_lease, condition(reviewing, "claimed")),
    Guard("I19 nor nobody's", v.deciding(lease=None), condition(reviewing, "unclaimed")),
    Guard("I19 nor does a runner", v.taking_a_held_review_over, patched(transitions, "is_held", lambda _: False)),
    Guard("I19 a lease is of what waits", v.leasing_what_does_not_wait, constraints("job", "leased_while_it_waits")),
    Guard(
        "I19 a lost run settles nothing",
        v.finishing_what_was_taken_over,
        patched(transitions, "_assert_fence", lambda *_: None),
    ),
    Guard(
        "a charge has one open dispute",
        v.disputing_twice,
        statements(
            sqlite=("DROP INDEX one_open_dispute_a_charge",), postgresql=("DROP INDEX one_open_dispute_a_charge",)
        ),
    ),
    Guard(
        "a dispute is decided once",
        v.deciding_a_dispute_twice,
        both(condition(giving, "_still_open"), constraints("outbox", "one_event_a_fact")),
    ),
)


def rewrites() -> Iterator[Guard]:
    for table in APPEND_ONLY:
        for how, statement in REWRITES.items():
            yield Guard(f"I6 a {table} is never {how}", v.rewriting(table, statement), triggers(table))


@pytest.mark.parametrize("guard", [*GUARDS, *rewrites()], ids=lambda guard: guard.says)
async def test_a_guard_refuses_what_comes_about_without_it(
    database: str, guard: Guard, monkeypatch: pytest.MonkeyPatch
):
    async with open_books(database) as books:
        assert not await comes_about(books, guard)
        await guard.remove(books, monkeypatch)
        assert await comes_about(books, guard)


async def comes_about(books: Books, guard: Guard) -> bool:
    try:
        return await guard.violate(books)
    except (DBAPIError, AgentflowError):
        return False


async def test_a_right_charge_is_taken(database: str):
    async with open_books(database) as books:
        assert await v.write(books, await v.uncharged(books))


async def test_a_table_of_money_is_never_emptied(postgres: str):
    async with open_books(postgres) as books:
        with pytest.raises(DBAPIError, match="append-only"):
            await v.run(books, "TRUNCATE transfer CASCADE")
