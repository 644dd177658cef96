"""Register: every invoice seen before, so that none is paid twice."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncEngine

from agentflow import Problem, create_tables, one_at_a_time, open_database, reading
from domains.invoices.connectors.sameness import facts
from domains.invoices.connectors.seen import (
    SEEN,
    TABLES,
    Seen,
    facts_of,
    holder_of,
    related_to,
    remember,
    row_of,
    seen_in,
)
from domains.invoices.records import Invoice


class Register:
    """The register, in a SQLite file beside the run or in any database that several runs share."""

    name: ClassVar[str] = "register"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator[Self]:
        """The register at `url`, its table made where it is missing; `home/register.db` where nothing is configured."""
        async with open_database(url or f"sqlite:///{home / 'register.db'}") as engine:
            await create_tables(engine, TABLES)
            yield cls(engine)

    async def claim(self, invoice: Invoice, job: str) -> Seen | None:
        """Claims an invoice for a job; the job that has it already, or None where it is ours now.

        One of several that claim the same at once gets it, over all processes. The same job may claim again, and
        gets the same answer; with another reading of its invoice it gives up the first.
        """
        told = facts(invoice)
        async with one_at_a_time(self._engine, "register") as connection:
            own = await row_of(connection, job)
            if own is not None and own.claimed and facts_of(own) == told:
                return None if own.original == job else await seen_in(connection, own.original)
            related = await related_to(connection, told, job, claimed=True)
            earlier = _the_same(related) or await holder_of(connection, told, job)
            await remember(connection, told, job, earlier.job if earlier else job, claimed=True)
            return earlier

    async def similar(self, invoice: Invoice, job: str) -> list[Seen]:
        """What was seen that an invoice may have to do with, the same first; remembers it as seen, claims nothing."""
        told = facts(invoice)
        async with one_at_a_time(self._engine, "register") as connection:
            found = await related_to(connection, told, job, claimed=False)
            own = await row_of(connection, job)
            if own is None or not own.claimed:
                same = _the_same(found)
                await remember(connection, told, job, same.job if same else job, claimed=False)
            return found

    async def release(self, job: str) -> None:
        """Gives up a claim, for a job that ends without a posting; the invoice stays known as seen.

        Its duplicates give up with it, since nothing was posted that they could be duplicates of.
        """
        async with one_at_a_time(self._engine, "register") as connection:
            kept = SEEN.update().where(or_(SEEN.c.job == job, SEEN.c.original == job))
            await connection.execute(kept.values(claimed=False, claim=None))

    async def problems(self, invoice: Invoice, job: str) -> list[Problem]:
        """`duplicate` and `number_reused`, notes, since only a claim decides on them; `possible_duplicate`, an error.

        `similar_invoice` is an error where the other is trusted, a note where it is a reading that nobody trusts yet.
        """
        return [_problem(seen) for seen in await self.similar(invoice, job)]

    async def find(self, job: str) -> Seen | None:
        """What the register has of a job."""
        async with reading(self._engine).connect() as connection:
            return await seen_in(connection, job)


def _the_same(found: list[Seen]) -> Seen | None:
    return next((seen for seen in found if seen.relation == "same"), None)


def _problem(seen: Seen) -> Problem:
    said = f"{seen.invoice_number} of {seen.supplier_name}, {seen.issue_date}, {seen.gross_total}"
    match seen.relation:
        case "same":
            code, severity, message = "duplicate", "note", f"This invoice was seen before: {said}."
        case "reused":
            code, severity, message = "number_reused", "note", f"The supplier used this number before: {said}."
        case "counterpart":
            message = f"This is in all but its type (invoice or credit note) one seen before: {said}."
            code, severity = "possible_duplicate", "error"
        case _:
            code, message = "similar_invoice", f"This may be an invoice seen before: {said}."
            severity = "error" if seen.claimed else "note"
    return Problem(code=code, message=message, path="invoice_number", severity=severity, reference=seen.job)
