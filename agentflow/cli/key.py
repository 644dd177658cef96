"""agentflow key: API keys of tenants."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.cli.places import database, db_option, out_option
from agentflow.errors import ConfigError
from agentflow.jobs.api_tables import ApiKey
from agentflow.jobs.ids import now
from agentflow.jobs.keys import OPERATOR, SCOPES, Lock, make_key, pepper_of, revoke
from agentflow.jobs.store import open_store

T = TypeVar("T")


@click.group("key")
@db_option
@out_option
@click.pass_context
def command(context: click.Context, db: str | None, out: Path) -> None:
    """Make, list and revoke the API keys of tenants. Name the same --db and --out as for `agentflow serve`."""
    out.mkdir(parents=True, exist_ok=True)
    context.obj = (database(db, out), out)


@command.command()
@click.argument("tenant")
@click.option("--name", default="", help="What it is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([*SCOPES, *OPERATOR]), help="[default: a tenant's]")
@click.option("--test", is_flag=True, help="For a server that was started with --test.")
@click.option("--days", type=click.IntRange(1), help="Days until it ends by itself.")
@click.pass_obj
def new(place: Any, tenant: str, name: str, scopes: tuple[str, ...], test: bool, days: int | None) -> None:
    """Make a key for TENANT and print it: it is kept nowhere."""
    url, out = place
    lock = Lock(pepper_of(out), mode="test" if test else "live")
    until = now() + timedelta(days=days) if days else None

    async def act(session: AsyncSession) -> str:
        key, _ = await make_key(session, lock, tenant, name=name, scopes=scopes or SCOPES, expires_at=until)
        return key

    click.echo(_do(url, act))


@command.command("list")
@click.pass_obj
def show(place: Any) -> None:
    """List keys by id; the keys themselves are not kept."""

    async def act(session: AsyncSession) -> list[ApiKey]:
        return list((await session.scalars(select(ApiKey).order_by(ApiKey.created_at))).all())

    for row in _do(place[0], act):
        state = "revoked" if row.revoked_at else "ended" if row.expires_at and row.expires_at <= now() else "in force"
        click.echo(f"{row.id}  {row.mode}  {row.tenant_id}  {state}  {row.name}  {' '.join(row.scopes)}")


@command.command("revoke")
@click.argument("key")
@click.pass_obj
def end(place: Any, key: str) -> None:
    """End the key with the id KEY, at once and for good."""

    async def act(session: AsyncSession) -> bool:
        return await revoke(session, key)

    if not _do(place[0], act):
        raise ConfigError(f"there is no key {key} in force; `agentflow key list` shows their ids")
    click.echo(f"key {key} is revoked")


def _do(url: str, act: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async def work() -> T:
        async with open_store(url) as store, store.writing() as session:
            return await act(session)

    return asyncio.run(work())
