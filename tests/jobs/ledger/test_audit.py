"""The audit finds what was tampered with, by each of its rules; a ledger that nobody touched breaks none."""

from datetime import timedelta

import pytest

from agentflow.jobs.ids import now
from agentflow.jobs.ledger.audit import RULES
from agentflow.jobs.ledger.giving import charge_of, credit
from agentflow.jobs.ledger.statements import close
from tests.jobs.ledger import violations as v
from tests.jobs.ledger.books import Books, open_books, verification
from tests.jobs.ledger.removal import triggers


async def verified(books: Books) -> bool:
    return await v.write(books, verification(await books.accepted("more")))


TAMPERS: dict[str, str | v.Violation] = {
    "a finished job that passed has one charge": verified,
    "a job is verified when it finishes": "UPDATE job SET status = 'finished', outcome = 'X' WHERE status = 'queued'",
    "a charge belongs to a finished job": "UPDATE job SET status = 'failed', outcome = NULL, price_minor = 0",
    "a charge of more than nothing has its transfer": "UPDATE transfer SET amount_minor = 9 WHERE kind = 'charge'",
    "a credit has its transfer": "UPDATE transfer SET amount_minor = 9 WHERE kind = 'credit'",
    "a transfer has its charge or credit": v.moving(),
    "what was credited on a charge is the sum of its credits": "UPDATE charge_balance SET credited_minor = 9",
    "what an account was charged is its charges less its credits": "UPDATE spend_account SET charged_minor = 9",
    "what an account has set aside is its open reservations": "UPDATE spend_account SET reserved_minor = 9",
    "a job that has ended holds nothing": "UPDATE reservation SET ended_at = NULL, ended_as = NULL",
    "a job under way has what it may cost set aside": (
        "UPDATE reservation SET ended_at = CURRENT_TIMESTAMP, ended_as = 'released' WHERE ended_at IS NULL"
    ),
    "a statement is the sum of its lines": "UPDATE statement SET total_minor = 9",
    "a statement's line is its tenant's own transfer": "UPDATE statement_line SET amount_minor = 9",
    "every charge and credit is told once": "DELETE FROM outbox",
}


@pytest.mark.parametrize("rule", [rule.says for rule in RULES])
async def test_the_audit_finds_what_was_tampered_with(database: str, rule: str, monkeypatch: pytest.MonkeyPatch):
    async with open_books(database) as books:
        await everything(books)
        assert await books.faults() == []
        for table in ("transfer", "statement", "statement_line"):
            await triggers(table)(books, monkeypatch)
        tamper = TAMPERS[rule]
        await (v.run(books, tamper) if isinstance(tamper, str) else tamper(books))
        assert rule in await books.faults()


async def everything(books: Books) -> None:
    """A job that was charged, credited and stated, and one that is under way."""
    job = await books.finished()
    async with books.sessions.begin() as session:
        await session.run_sync(credit, await session.run_sync(charge_of, "local", job.id), 1, "goodwill", "r1")
    async with books.sessions.begin() as session:
        assert await session.run_sync(close, "local", "USD", now() + timedelta(seconds=1)) is not None
    await books.accepted("under way")
