"""agentflow db: the job database's schema."""

import asyncio

import click

from agentflow.connectors.sql import open_database
from agentflow.jobs import migrate


@click.group("db")
def command() -> None:
    """Bring a job database to the newest schema, or look whether it is."""


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


async def _upgrade(url: str) -> str | None:
    async with open_database(url) as engine:
        await migrate.upgrade(engine)
        return (await migrate.revision(engine))[0]


async def _revisions(url: str) -> tuple[str | None, str | None]:
    async with open_database(url, read_only=True) as engine:
        return await migrate.revision(engine)
