"""agentflow work: a worker, which carries the jobs of packs until it is told to stop."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import click
from rich.console import Console
from sqlalchemy.engine import make_url

from agentflow.cli.loop import new_loop, settle_down
from agentflow.cli.places import database, db_option, documents_option, log_option, out_option
from agentflow.cli.results import printable
from agentflow.cli.run import parse_connections
from agentflow.connectors.documents import Documents
from agentflow.engine.models import read_models
from agentflow.engine.telemetry import exporting, watching
from agentflow.jobs.deadlines import sweeping
from agentflow.jobs.dispatch import standing
from agentflow.jobs.engines.dbos import DbosEngine, open_dbos
from agentflow.jobs.engines.serving import Timing
from agentflow.jobs.ledger.bill import money
from agentflow.jobs.logs import set_up
from agentflow.jobs.opening import open_runner
from agentflow.jobs.packs import PackFolder, load_pack
from agentflow.jobs.runner import Runner
from agentflow.jobs.tables import Job
from agentflow.jobs.work import carrying


@click.command("work")
@click.argument("packs", nargs=-1, required=True, metavar="PACK...")
@db_option
@out_option
@documents_option
@log_option
@click.option("--concurrency", type=click.IntRange(1), default=10, show_default=True, help="Jobs under way at once.")
@click.option(
    "--connect", metavar="NAME=URL", multiple=True, callback=parse_connections, help="What a connector reads."
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=Timing.grace,
    show_default=True,
    help="Seconds for what is under way at the end.",
)
def command(packs: tuple[str, ...], **options: Any) -> None:
    """Carry the jobs of the packs that wait in a database, until SIGTERM or Ctrl+C.

    On PostgreSQL start as many workers as you like, on as many hosts: a worker that dies loses nothing, its jobs go
    on elsewhere from their last step. On SQLite one worker serves a file.

    At the end what is under way is finished, or handed back where it takes longer than the grace.

    \b
    agentflow work domains/invoices --db postgresql://user@host/jobs
    agentflow work domains/invoices --db sqlite:///jobs.db --concurrency 4
    """
    folders = [load_pack(pack) for pack in packs]
    if len({folder.pack.name for folder in folders}) < len(folders):
        raise click.UsageError("two of the packs have the same name; a job would not know which is its own")
    set_up(options["log"])
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_work(folders, options))


async def _work(folders: Sequence[PackFolder], options: Mapping[str, Any]) -> None:
    console, names = Console(), [folder.pack.name for folder in folders]
    db, concurrency, grace = database(options["db"], options["out"]), options["concurrency"], options["grace"]
    told = _stop_signal()
    count = {"ended": 0}

    def tell(job: Job) -> None:
        count["ended"] += 1
        console.print(_line(job), soft_wrap=True, highlight=False)

    async with (
        exporting(),
        _runners(folders, db, options) as runners,
        open_dbos(db, packs=names, timing=replace(Timing(), grace=grace)) as engine,
        watching(partial(standing, engine)),
    ):
        store = next(iter(runners.values())).store
        async with engine.serve(carrying(store, runners, tell), concurrency=concurrency), sweeping(store, engine):
            console.print(await _greeting(engine, names, db, concurrency), soft_wrap=True, highlight=False)
            settle_down()
            await told.wait()
            console.print(f"stopping: what is under way has {grace:g} s to end", highlight=False)
        left = await engine.stats()
    console.print(f"stopped: {count['ended']} jobs carried, {left.waiting} wait for a worker", highlight=False)


@asynccontextmanager
async def _runners(
    folders: Sequence[PackFolder], db: str, options: Mapping[str, Any]
) -> AsyncGenerator[dict[str, Runner]]:
    connect: dict[str, str] = options["connect"]
    documents = {Documents.name: options["documents"]} if options["documents"] else {}
    known = {kind.name for folder in folders for kind in folder.pack.connectors}
    if unknown := sorted(set(connect) - known):
        raise click.UsageError(f"no pack has a connector {', '.join(unknown)}; they have {', '.join(sorted(known))}")
    async with AsyncExitStack() as stack:
        runners: dict[str, Runner] = {}
        for folder in folders:
            names = {kind.name for kind in folder.pack.connectors}
            given = {name: url for name, url in connect.items() if name in names}
            opened = open_runner(
                folder.pack,
                home=options["out"],
                database=db,
                connect={**folder.connections(given, samples=False), **documents},
                models=read_models(folder.models),
            )
            runners[folder.pack.name] = await stack.enter_async_context(opened)
        yield runners


async def _greeting(engine: DbosEngine, names: Sequence[str], db: str, concurrency: int) -> str:
    stats = await engine.stats()
    where = make_url(db).render_as_string(hide_password=True)
    return (
        f"working on {', '.join(names)} at {where}, {concurrency} jobs at once; {stats.waiting} wait, "
        f"{stats.workers} workers are alive. Stop with Ctrl+C"
    )


def _line(job: Job) -> str:
    price = f" {money(job.price_minor, job.currency)} {job.currency}" if job.price_minor else ""
    return printable(f"{job.id} {job.input_name}: {job.outcome or job.status}{price}")


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; the next one ends the process at once."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        told.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return told
