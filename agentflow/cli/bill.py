"""agentflow bill: what tenants owe and why, disputes and credits, and whether the ledger is right."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple

import click
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from agentflow.cli.results import printable
from agentflow.connectors.sql import open_database, reading
from agentflow.errors import LedgerError
from agentflow.flow.pack import MINOR_DIGITS
from agentflow.jobs import migrate
from agentflow.jobs.ids import now
from agentflow.jobs.ledger import bill, giving, statements
from agentflow.jobs.ledger.audit import RULES, audit
from agentflow.jobs.ledger.margin import BY, By, Margin, margins
from agentflow.jobs.ledger.settling import set_cap
from agentflow.jobs.ledger.tables import Transfer
from agentflow.jobs.tables import LOCAL

Sessions = async_sessionmaker[AsyncSession]

NOTHING = {"model": "no model was called", "step": "no step has called a model"}
"""What there is to say where a margin has no lines."""


class Place(NamedTuple):
    """Whose books, and where they are."""

    out: Path | None
    db: str | None
    tenant: str

    @property
    def url(self) -> str:
        """The database. Raises click.UsageError where none is named: only when it is needed, help needs none."""
        if (self.out is None) == (self.db is None):
            raise click.UsageError(
                "name the books: --out FOLDER of a run or of a server (such as out/invoices), or --db URL"
            )
        if self.out and not (self.out / "agentflow.db").is_file():
            raise click.UsageError(f"there is no run in {self.out}; name the folder that `agentflow run` wrote to")
        return self.db or f"sqlite:///{self.out / 'agentflow.db' if self.out else ''}"


class Named(click.Group):
    """A group whose options may stand behind its commands too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Group`; brings its options to the front."""
        front: list[str] = []
        back: list[str] = []
        words = iter(args)
        for word in words:
            name, equals, _ = word.partition("=")
            if name in ("--out", "--db", "--tenant"):
                front += [word, *([] if equals else [value for value in (next(words, None),) if value is not None])]
            else:
                back.append(word)
        return super().parse_args(ctx, [*front, *back])


@click.group("bill", cls=Named)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of a run or server, whose job database is meant.")
@click.option("--db", metavar="URL", help="Job database: sqlite:///FILE or postgresql://...")
@click.option("--tenant", default=LOCAL, show_default=True, help="Whose bill.")
@click.pass_context
def command(context: click.Context, out: Path | None, db: str | None, tenant: str) -> None:
    """What was charged and why, disputes, credits, and proof that the sums are right.

    \b
    agentflow bill --out out/invoices statement
    agentflow bill --db sqlite:///out/server/agentflow.db --tenant acme statement --format html
    """
    context.obj = Place(out, db, tenant)


@command.command()
@click.option("--currency", default="USD", show_default=True, help="Each currency has statements of its own.")
@click.option("--until", type=click.DateTime(), help="Only what was charged before.  [default: now]")
@click.option("--close", "closing", is_flag=True, help="Close it: it never changes, later credits go to the next.")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv", "html"]), default="text", show_default=True)
@click.pass_obj
def statement(place: Place, currency: str, until: datetime | None, closing: bool, form: str) -> None:
    """Show what is owed and on no statement yet; with --close make it the next statement."""
    head, lines = asyncio.run(_statement(place, currency, until or now() + timedelta(seconds=1), closing))
    forms = {"json": lambda: bill.as_json(head, lines), "csv": lambda: bill.as_csv(lines)}
    forms |= {"html": lambda: bill.as_html(head, lines), "text": lambda: _text(head, lines)}
    click.echo(forms[form](), nl=form == "json")


@command.command()
@click.argument("job")
@click.option("--reason", required=True, help="What is wrong.")
@click.option("--field", "fields", multiple=True, metavar="PATH=VALUE", help="What a field should have been.")
@click.pass_obj
def dispute(place: Place, job: str, reason: str, fields: tuple[str, ...]) -> None:
    """Say that the outcome that JOB was charged for is wrong."""
    if wrong := [field for field in fields if "=" not in field]:
        raise click.UsageError(f"--field {wrong[0]}: write it as PATH=VALUE, such as gross_total=119.00")
    expected = dict(field.split("=", 1) for field in fields)

    async def act(session: AsyncSession) -> str:
        return (await session.run_sync(giving.dispute, place.tenant, job, reason, expected)).id

    click.echo(f"dispute {asyncio.run(_write(place, act))} is open; decide it with: agentflow bill ... decide")


@command.command()
@click.argument("dispute")
@click.argument("decision", type=click.Choice(["accepted", "rejected", "withdrawn"]))
@click.option("--by", required=True, help="Who decides.")
@click.option("--text", default="", help="Why.")
@click.pass_obj
def decide(place: Place, dispute: str, decision: Any, by: str, text: str) -> None:
    """Close an open DISPUTE; one that is accepted gives back all that is left of the charge."""

    async def act(session: AsyncSession) -> str:
        return (await session.run_sync(giving.decide, dispute, decision, by, text)).state

    click.echo(f"dispute {dispute} is {asyncio.run(_write(place, act))}")


@command.command()
@click.argument("job")
@click.argument("amount")
@click.option("--reason", type=click.Choice(["sla", "goodwill", "operator_error"]), required=True)
@click.option("--request", required=True, help="A name for this credit: the same one is given once.")
@click.pass_obj
def credit(place: Place, job: str, amount: str, reason: Any, request: str) -> None:
    """Give back AMOUNT (such as 0.40) of what JOB was charged."""

    async def act(session: AsyncSession) -> str:
        charge = await session.run_sync(giving.charge_of, place.tenant, job)
        given = await session.run_sync(giving.credit, charge, _minor(amount, charge.currency), reason, request)
        return f"{bill.money(given.amount_minor, given.currency)} {given.currency}"

    click.echo(f"credited {asyncio.run(_write(place, act))} of job {job}")


@command.command()
@click.argument("amount")
@click.option("--currency", default="USD", show_default=True)
@click.pass_obj
def cap(place: Place, amount: str, currency: str) -> None:
    """Let the tenant spend AMOUNT (such as 500.00) and no more, all in all; `none` ends the cap."""
    minor = None if amount == "none" else _minor(amount, currency)

    async def act(session: AsyncSession) -> str:
        await session.run_sync(set_cap, place.tenant, currency, minor)
        return "no cap" if minor is None else f"a cap of {bill.money(minor, currency)} {currency}"

    click.echo(f"{place.tenant} has {asyncio.run(_write(place, act))}")


@command.command()
@click.pass_obj
def verify(place: Place) -> None:
    """Recount the ledger; exit code 1 where something does not add up."""

    async def look() -> Any:
        async with _books(place, read_only=True) as sessions, sessions() as session:
            return await audit(session)

    faults = asyncio.run(look())
    for fault in faults:
        click.echo(f"broken: {fault.rule}: {', '.join(fault.ids[:10])}", err=True)
    click.echo(f"{len(RULES) - len(faults)} of {len(RULES)} rules hold")
    raise SystemExit(1 if faults else 0)


@command.command()
@click.option("--by", type=click.Choice(BY), default="pack", show_default=True, help="What the lines stand for.")
@click.option("--since", type=click.DateTime(), help="Only jobs accepted at this time (UTC) or later.")
@click.option("--until", type=click.DateTime(), help="Only jobs accepted before.")
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--csv", "form", flag_value="csv", help="As CSV.")
@click.pass_obj
def margin(place: Place, by: By, since: datetime | None, until: datetime | None, form: str | None) -> None:
    """Show what jobs brought, what their model calls cost, and what is left; what cost most first.

    Of all tenants. Calls cost USD, those of jobs that failed too. Charges stand less credits in their own currency; no
    rates are kept, so there is a margin only where all is in USD, and none of a step or model: a job is paid for as
    a whole.
    """

    async def look() -> Sequence[Margin]:
        async with _books(place, read_only=True) as sessions, sessions() as session:
            return await margins(session, by, since=since, until=until)

    found = asyncio.run(look())
    forms = {"json": lambda: bill.margins_json(by, found), "csv": lambda: bill.margins_csv(by, found)}
    click.echo(forms[form]() if form else "".join(f"{line}\n" for line in _margins(by, found)), nl=form == "json")


def _margins(by: str, found: Sequence[Margin]) -> list[str]:
    """A table for people: every amount with its currency."""
    if not found:
        return [NOTHING.get(by, "there are no jobs")]
    head = (by, "jobs", "calls", "charged", "cost USD", "free USD", "margin USD")
    rows = [[cell or "-" for cell in bill.margin_row(one).values()][:-1] for one in found]
    cells = [head, *([printable(name), *rest] for name, *rest in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    reasons = dict.fromkeys(one.why_none for one in found if one.why_none)
    return [*(_columns(row, widths) for row in cells), *(f"no margin (-): {reason}" for reason in reasons)]


def _columns(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = zip(row, widths, strict=True)
    return "  ".join((name[0].ljust(name[1]), *(cell.rjust(width) for cell, width in numbers)))


async def _statement(place: Place, currency: str, until: datetime, closing: bool) -> tuple[dict[str, Any], list[Any]]:
    async with _books(place) as sessions, sessions.begin() as session:
        moved: Sequence[Transfer] = await session.run_sync(statements.unstated, place.tenant, currency, until)
        lines = await session.run_sync(statements.lines, moved)
        closed = await session.run_sync(statements.close, place.tenant, currency, until) if closing else None
        head = {
            "title": f"Statement {closed.number}" if closed else "Not on a statement yet",
            "tenant": place.tenant,
            "currency": currency,
            "until": until.isoformat(timespec="seconds") + "Z",
            "total_minor": sum(statements.owed(one) for one in moved),
        }
        return head, lines


async def _write(place: Place, act: Any) -> str:
    async with _books(place) as sessions, sessions.begin() as session:
        return await act(session)


@asynccontextmanager
async def _books(place: Place, *, read_only: bool = False) -> AsyncGenerator[Sessions]:
    async with open_database(place.url) as engine:
        await migrate.upgrade(engine)
        yield async_sessionmaker(reading(engine) if read_only else engine, expire_on_commit=False)


def _text(head: dict[str, Any], lines: Sequence[Any]) -> str:
    told = [f"{head['title']}: {head['tenant']}, until {head['until']}"]
    for line in lines:
        amount = bill.money(line["amount_minor"], line["currency"])
        told.append(
            f"{line['date']}  {amount:>10}  {line['kind']:<18} {line['outcome']:<12} {printable(line['input'])}"
        )
    return "\n".join([*told, f"total {bill.money(head['total_minor'], head['currency'])} {head['currency']}", ""])


def _minor(amount: str, currency: str) -> int:
    try:
        minor = Decimal(amount).scaleb(MINOR_DIGITS.get(currency, 2))
    except InvalidOperation:
        raise LedgerError(f"{json.dumps(amount)} is no amount; write it like 0.40") from None
    if minor != minor.to_integral_value() or minor <= 0:
        raise LedgerError(f"{amount} {currency}: use an amount above zero with the decimals the currency has")
    return int(minor)
