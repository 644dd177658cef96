"""The audit: recounts the ledger from its rows and says what does not add up."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True)
class Rule:
    """Something that must hold of every row; `broken` selects the ids of those of which it does not."""

    says: str
    broken: str


RULES = (
    Rule(
        "a finished job that passed has one charge",
        """SELECT v.job_id FROM verification v JOIN job j ON j.id = v.job_id LEFT JOIN charge c ON c.job_id = v.job_id
           WHERE v.verdict = 'pass' AND c.id IS NULL""",
    ),
    Rule(
        "a job is verified when it finishes",
        """SELECT j.id FROM job j LEFT JOIN verification v ON v.job_id = j.id
           WHERE j.status = 'finished' AND j.price_list_id IS NOT NULL AND v.id IS NULL""",
    ),
    Rule(
        "a charge belongs to a finished job",
        "SELECT c.id FROM charge c JOIN job j ON j.id = c.job_id WHERE j.status <> 'finished'",
    ),
    Rule(
        "a charge of more than nothing has its transfer",
        """SELECT c.id FROM charge c LEFT JOIN transfer t ON t.kind = 'charge' AND t.source_id = c.id
           WHERE (c.amount_minor > 0) <> (t.id IS NOT NULL)
              OR t.amount_minor <> c.amount_minor OR t.currency <> c.currency OR t.tenant_id <> c.tenant_id""",
    ),
    Rule(
        "a credit has its transfer",
        """SELECT c.id FROM credit c LEFT JOIN transfer t ON t.kind = 'credit' AND t.source_id = c.id
           WHERE t.id IS NULL OR t.amount_minor <> c.amount_minor OR t.currency <> c.currency
              OR t.tenant_id <> c.tenant_id""",
    ),
    Rule(
        "a transfer has its charge or credit",
        """SELECT t.id FROM transfer t LEFT JOIN charge c ON t.kind = 'charge' AND c.id = t.source_id
           LEFT JOIN credit d ON t.kind = 'credit' AND d.id = t.source_id WHERE c.id IS NULL AND d.id IS NULL""",
    ),
    Rule(
        "what was credited on a charge is the sum of its credits",
        """SELECT c.id FROM charge c LEFT JOIN charge_balance b ON b.charge_id = c.id
           WHERE b.charge_id IS NULL OR b.credited_minor <>
             (SELECT COALESCE(SUM(d.amount_minor), 0) FROM credit d WHERE d.charge_id = c.id)""",
    ),
    Rule(
        "what an account was charged is its charges less its credits",
        """SELECT a.tenant_id FROM spend_account a WHERE a.charged_minor <>
             (SELECT COALESCE(SUM(c.amount_minor), 0) FROM charge c
              WHERE c.tenant_id = a.tenant_id AND c.currency = a.currency)
           - (SELECT COALESCE(SUM(d.amount_minor), 0) FROM credit d
              WHERE d.tenant_id = a.tenant_id AND d.currency = a.currency)""",
    ),
    Rule(
        "what an account has set aside is its open reservations",
        """SELECT a.tenant_id FROM spend_account a WHERE a.reserved_minor <>
             (SELECT COALESCE(SUM(r.amount_minor), 0) FROM reservation r
              WHERE r.tenant_id = a.tenant_id AND r.currency = a.currency AND r.ended_at IS NULL)""",
    ),
    Rule(
        "a job that has ended holds nothing",
        """SELECT r.job_id FROM reservation r JOIN job j ON j.id = r.job_id
           WHERE r.ended_at IS NULL AND j.status IN ('finished', 'failed', 'canceled', 'expired')""",
    ),
    Rule(
        "a job under way has what it may cost set aside",
        """SELECT j.id FROM job j LEFT JOIN reservation r ON r.job_id = j.id AND r.ended_at IS NULL
           WHERE j.status NOT IN ('finished', 'failed', 'canceled', 'expired')
             AND j.price_list_id IS NOT NULL AND r.job_id IS NULL""",
    ),
    Rule(
        "a statement is the sum of its lines",
        """SELECT s.id FROM statement s WHERE s.total_minor <>
             (SELECT COALESCE(SUM(l.amount_minor), 0) FROM statement_line l WHERE l.statement_id = s.id)""",
    ),
    Rule(
        "a statement's line is its tenant's own transfer",
        """SELECT l.transfer_id FROM statement_line l JOIN statement s ON s.id = l.statement_id
           JOIN transfer t ON t.id = l.transfer_id
           WHERE t.tenant_id <> s.tenant_id OR t.currency <> s.currency OR t.created_at >= s.until
              OR l.amount_minor <> CASE WHEN t.kind = 'charge' THEN t.amount_minor ELSE -t.amount_minor END""",
    ),
    Rule(
        "every charge and credit is told once",
        """SELECT t.id FROM transfer t LEFT JOIN outbox o ON o.source_id = t.source_id
             AND o.topic = CASE WHEN t.kind = 'charge' THEN 'charge.created' ELSE 'charge.credited' END
           WHERE o.id IS NULL""",
    ),
)


@dataclass(frozen=True)
class Fault:
    """A rule, and the ids of the rows that break it."""

    rule: str
    ids: tuple[str, ...]


async def audit(session: AsyncSession) -> Sequence[Fault]:
    """Every rule that does not hold; nothing where the ledger is right."""
    broken = [(rule.says, (await session.scalars(text(rule.broken))).all()) for rule in RULES]
    return [Fault(says, tuple(map(str, ids))) for says, ids in broken if ids]
