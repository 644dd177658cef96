"""What was seen: the table of every invoice the register knows, and the questions asked of it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from agentflow import Money
from domains.invoices.connectors.likeness import company, number_key
from domains.invoices.connectors.sameness import Facts, Relation, relation, undecided

TABLES = MetaData()
SEEN = Table(
    "seen",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("job", Text, nullable=False, unique=True),
    Column("original", Text, nullable=False, comment="the first job with this invoice, or the job itself"),
    Column("claimed", Boolean, nullable=False),
    Column("claim", String(64), unique=True, comment="a digest of what only one claimed original may have"),
    Column("number_key", String(100)),
    Column("gross_key", String(100)),
    Column("number", Text),
    Column("supplier", Text),
    Column("vat", Text),
    Column("issued", Date),
    Column("currency", Text),
    Column("credit", Boolean),
    Column("net", Money),
    Column("tax", Money),
    Column("gross", Money),
    Column("due", Money),
    Index("seen_by_number", "number_key"),
    Index("seen_by_amount", "gross_key", "issued"),
)
MOST = 1000
"""Rows that one invoice is compared with."""

_ORDER: tuple[Relation, ...] = ("same", "counterpart", "redated", "near", "reused")
"""What is told, the most telling first."""
_WEIGHT: tuple[Relation, ...] = ("reused", "redated", "same", "counterpart", "near", "other")
"""Of several readings of one invoice, one that objects outweighs those that agree."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An invoice seen before."""

    job: str
    relation: Relation
    invoice_number: str | None
    supplier_name: str | None
    issue_date: date | None
    gross_total: Decimal | None
    claimed: bool
    """Whether a job has it for its own; else it was only seen, in a reading that nobody trusts yet."""


async def row_of(connection: AsyncConnection, job: str) -> Row[Any] | None:
    """The row of a job."""
    return (await connection.execute(select(SEEN).where(SEEN.c.job == job))).one_or_none()


async def seen_in(connection: AsyncConnection, job: str) -> Seen | None:
    """What a job has seen."""
    row = await row_of(connection, job)
    return seen_as(row, "same") if row is not None else None


async def related_to(connection: AsyncConnection, told: Facts, job: str, *, claimed: bool) -> list[Seen]:
    """The originals an invoice is related to: by any reading of them, unless another reading of them objects."""
    by_original: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in await _candidates(connection, told, job, claimed=claimed):
        by_original[row.original].append(row)
    found = [_verdict(told, original, rows) for original, rows in by_original.items()]
    related = sorted((seen for seen in found if seen.relation in _ORDER), key=lambda seen: _ORDER.index(seen.relation))
    return _doubted(related) if told.issued is None else related


async def _candidates(connection: AsyncConnection, told: Facts, job: str, *, claimed: bool) -> Sequence[Row[Any]]:
    """Rows with the number or the gross total, and every other reading of the same originals; none of the job's own."""
    issued = or_(SEEN.c.issued == told.issued, SEEN.c.issued.is_(None)) if told.issued else true()
    by_amount = and_(SEEN.c.gross_key == _amount_key(told.gross), issued) if told.gross is not None else false()
    by_number = SEEN.c.number_key == _number_key(told.number) if told.number else false()
    asked = and_(SEEN.c.job != job, SEEN.c.original != job, SEEN.c.claimed if claimed else true())
    close = select(SEEN.c.original).where(or_(by_number, by_amount), asked).order_by(SEEN.c.id.desc()).limit(MOST)
    rows = select(SEEN).where(SEEN.c.original.in_(close), asked).order_by(SEEN.c.id)
    return (await connection.execute(rows)).all()


async def holder_of(connection: AsyncConnection, told: Facts, job: str) -> Seen | None:
    """Who holds the unique key of these facts already."""
    key = _claim_key(told)
    held = select(SEEN).where(SEEN.c.claim == key, SEEN.c.job != job)
    row = (await connection.execute(held)).one_or_none() if key else None
    return seen_as(row, "same") if row is not None else None


async def remember(connection: AsyncConnection, told: Facts, job: str, original: str, *, claimed: bool) -> None:
    """Writes the row of a job, in place of an earlier one; `original` is the job itself where it is the first."""
    await connection.execute(SEEN.delete().where(SEEN.c.job == job))
    values = {column.name: getattr(told, column.name) for column in SEEN.c if column.name in Facts.__slots__}
    await connection.execute(
        SEEN.insert().values(
            **values,
            job=job,
            original=original,
            claimed=claimed,
            claim=_claim_key(told) if claimed and original == job else None,
            number_key=_number_key(told.number),
            gross_key=_amount_key(told.gross),
        )
    )


def _claim_key(told: Facts) -> str | None:
    """The facts as one string, where all that tell an invoice are known; equal for equal invoices."""
    needed = (told.number, told.supplier, told.issued, told.gross)
    if any(value is None for value in needed) or undecided(told):
        return None
    parts = (number_key(told.number or ""), company(told.supplier or "").core, told.issued, _amount_key(told.gross))
    return sha256("|".join(map(str, (*parts, told.currency, told.credit))).encode()).hexdigest()


def _number_key(number: str | None) -> str | None:
    return number_key(number)[:100] if number else None


def _amount_key(amount: Decimal | None) -> str | None:
    """One text for one amount, however many zeros it was written with."""
    return None if amount is None else format(amount.normalize(), "f")[:100]


def facts_of(row: Row[Any]) -> Facts:
    """The facts that a row holds."""
    return Facts(**{name: getattr(row, name) for name in Facts.__slots__})


def seen_as(row: Row[Any], how: Relation) -> Seen:
    """A row as it is told."""
    return Seen(row.job, how, row.number, row.supplier, row.issued, row.gross, row.claimed)


def _verdict(told: Facts, original: str, rows: list[Row[Any]]) -> Seen:
    relations: set[Relation] = {relation(told, facts_of(row)) for row in rows}
    strongest = min(relations, key=_WEIGHT.index)
    return seen_as(next((row for row in rows if row.job == original), rows[0]), strongest)


def _doubted(related: list[Seen]) -> list[Seen]:
    """Without a date, a number that its supplier uses again and again does not tell which of them is meant."""
    if len([seen for seen in related if seen.relation != "near"]) < 2:
        return related
    return [replace(seen, relation="near") if seen.relation == "same" else seen for seen in related]
