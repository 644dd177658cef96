"""agentflow db: the job database's schema, and what is erased from it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import click

from agentflow.cli.verify import present
from agentflow.connectors.documents import Documents
from agentflow.connectors.sql import open_database
from agentflow.engine.checkpoints import open_checkpoints
from agentflow.jobs import migrate
from agentflow.jobs.ids import now
from agentflow.jobs.ledger.tables import Tenant
from agentflow.jobs.leftovers import sweep
from agentflow.jobs.purge import Erased, Scope, survey
from agentflow.jobs.purge import purge as clear
from agentflow.jobs.store import Store, open_store


@click.group("db")
def command() -> None:
    """Bring a job database to the newest schema, look whether it is, or erase what is no longer to be kept."""


@command.command()
@click.argument("url")
def upgrade(url: str) -> None:
    """Bring the database at URL (sqlite:///FILE or postgresql://...) to the newest schema."""
    click.echo(f"the database is at {asyncio.run(_upgrade(url))}")


@command.command()
@click.argument("url")
def check(url: str) -> None:
    """Say whether the database at URL has the newest schema; exit code 1 if not."""
    at, newest = asyncio.run(_revisions(url))
    click.echo(f"the database is at {at or 'nothing'}, the newest schema is {newest}")
    if at != newest:
        click.echo(f"mend it with: agentflow db upgrade {url}", err=True)
        raise SystemExit(1)


@command.command()
@click.option("--db", "url", metavar="URL", required=True, help="Job database: sqlite:///FILE or postgresql://...")
@click.option("--tenant", help="Only this tenant's; without --older-than all of it, what is under way too.")
@click.option("--older-than", "days", metavar="DAYS", type=click.IntRange(0), help="Only jobs that ended so long ago.")
@click.option(
    "--documents",
    "folders",
    metavar="URL",
    multiple=True,
    help="Where documents lie, such as the folder out/server/documents; may be named again.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
def purge(url: str, tenant: str | None, days: int | None, folders: tuple[str, ...], dry_run: bool) -> None:
    """Erase what jobs read and made, for good: inputs, records, results, evidence, answers, names, documents.

    What was charged stays as it is, with its verification's hashes: `agentflow bill verify` holds as before. Only jobs
    that have ended and have no open dispute are erased; with --tenant alone everything of the tenant's is: what is
    under way is canceled free of charge, and open disputes are withdrawn.

    A document is deleted once nothing that is kept refers to it, whoever's it is. A command that was stopped is given
    again. Keys stay until they are revoked; results.jsonl, books and backups are not in the database and stay.

    \b
    agentflow db purge --db sqlite:///out/server/agentflow.db --older-than 90 --documents out/server/documents
    agentflow db purge --db postgresql://user@host/jobs --tenant acme --documents out/server/documents --dry-run
    """
    if tenant is None and days is None:
        raise click.UsageError("say whose, or what age: --tenant NAME, --older-than DAYS, or both")
    scope = Scope(tenant, None if days is None else now() - timedelta(days=days))
    click.echo(asyncio.run(_survey(url, scope) if dry_run else _purge(url, scope, folders)))


async def _survey(url: str, scope: Scope) -> str:
    async with open_store(url) as store:
        await _known(store, scope)
        return f"would be erased: {_told(await survey(store, scope))}; nothing was"


async def _purge(url: str, scope: Scope, folders: Sequence[str]) -> str:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(url))
        await _known(store, scope)
        savers = await open_checkpoints(url, store)
        opened = [await stack.enter_async_context(Documents.open(present(one), Path())) for one in folders]
        erased = await clear(store, savers, scope)
        swept = await sweep(store, savers, opened)
        await store.compact()
    lines = [f"erased: {_told(erased)}", f"documents deleted: {swept.deleted}"]
    if swept.wanted:
        lines.append(f"documents kept, because something that stays refers to them: {swept.wanted}")
    if swept.waiting:
        why = "they were stored again just now" if folders else "name their folder with --documents"
        lines.append(f"left for the next purge: {swept.waiting}; {why}")
    return "\n".join(lines)


async def _known(store: Store, scope: Scope) -> None:
    async with store.looking() as session:
        if scope.tenant is not None and await session.get(Tenant, scope.tenant) is None:
            raise click.UsageError(f"there is no tenant {scope.tenant} in this database")


def _told(erased: Erased) -> str:
    told = f"{erased.jobs} jobs, {erased.files} files"
    told += (
        f"; {erased.canceled} of the jobs were under way and are canceled, free of charge" if erased.canceled else ""
    )
    return told + (f"; {erased.withdrawn} disputes are withdrawn" if erased.withdrawn else "")


async def _upgrade(url: str) -> str | None:
    async with open_database(url) as engine:
        await migrate.upgrade(engine)
        return (await migrate.revision(engine))[0]


async def _revisions(url: str) -> tuple[str | None, str | None]:
    async with open_database(url, read_only=True) as engine:
        return await migrate.revision(engine)
