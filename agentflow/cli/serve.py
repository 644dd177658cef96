"""agentflow serve: sells packs' jobs over HTTP."""

import asyncio
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from agentflow.cli.loop import new_loop, settle_down
from agentflow.cli.places import database, db_option, documents_option, log_option, out_option
from agentflow.cli.run import parse_connections, parse_usd
from agentflow.errors import ConfigError
from agentflow.jobs.packs import PackFolder, load_pack


@click.command("serve")
@click.argument("packs", nargs=-1, required=True, metavar="PACK...")
@db_option
@out_option
@documents_option
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Jobs under way at once.")
@click.option("--budget", metavar="USD", callback=parse_usd, help="What models may cost while it serves.")
@click.option(
    "--connect", metavar="NAME=URL", multiple=True, callback=parse_connections, help="What a connector reads."
)
@click.option("--no-work", is_flag=True, help="Only accept and show jobs; other processes do them.")
@click.option("--test", is_flag=True, help="Take test keys alone; no money is meant.")
@click.option("--billing-file", type=click.Path(path_type=Path), help="Append every charge and credit to a JSONL file.")
@click.option("--billing-url", metavar="URL", help="Post every charge and credit there as a CloudEvent.")
@click.option("--private-webhooks", is_flag=True, help="Let tenants name URLs in the network here; for trying out.")
@log_option
@click.option("--grace", type=click.FloatRange(0), default=20.0, show_default=True, help="Seconds to end in.")
def command(packs: tuple[str, ...], **options: Any) -> None:
    """Sell the jobs of PACKs over HTTP; API keys come from `agentflow key new`.

    \b
    agentflow serve domains/invoices --db sqlite:///jobs.db
    curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/v1/prices
    """
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise ConfigError("serving needs two more packages: pip install 'agentflow-framework[server]'")
    folders = [load_pack(pack) for pack in packs]
    if len({folder.pack.name for folder in folders}) < len(folders):
        raise click.UsageError("two of the packs have the same name; serve them apart")

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(folders, options))


async def _serve(folders: list[PackFolder], options: dict[str, Any]) -> None:
    from dataclasses import replace

    from agentflow.engine.telemetry import exporting
    from agentflow.jobs.engines.dbos import open_dbos
    from agentflow.jobs.engines.serving import Timing
    from agentflow.jobs.logs import set_up

    set_up(options["log"])
    home: Path = options["out"]
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    names, url = [folder.pack.name for folder in folders], database(options["db"], home)
    async with exporting(), open_dbos(url, packs=names, timing=replace(Timing(), grace=options["grace"])) as engine:
        await _listen(_service(folders, options, engine), options)


async def _listen(service: Any, options: dict[str, Any]) -> None:
    from agentflow.jobs.keys import Lock, pepper_of
    from agentflow.web.app import create_app
    from agentflow.web.server import serve

    lock = Lock(pepper_of(service.home), mode="test" if options["test"] else "live")
    app = create_app(service, lock)
    click.echo(f"serving {', '.join(service.packs)} on http://{options['host']}:{options['port']}; stop with Ctrl+C")
    settle_down()
    await serve(app, host=options["host"], port=options["port"], grace=options["grace"], drain=service.drain)


def _service(folders: list[PackFolder], options: dict[str, Any], engine: Any) -> Any:
    from agentflow.engine.models import read_models
    from agentflow.jobs.service import Agentflow, Part
    from agentflow.jobs.telling.addresses import Gate
    from agentflow.jobs.telling.sinks import BillingSink, CloudEventsSink, JsonlSink

    parts = [Part(f.pack, read_models(f.models), f.connections(_own(f, options), samples=False)) for f in folders]
    sinks: list[BillingSink] = [JsonlSink(options["billing_file"])] if options["billing_file"] else []
    sinks += [CloudEventsSink(options["billing_url"])] if options["billing_url"] else []
    budget: Decimal | None = options["budget"]
    return Agentflow(
        parts,
        home=options["out"],
        database=options["db"],
        documents=options["documents"],
        engine=engine,
        concurrency=options["concurrency"],
        work=not options["no_work"],
        tell=True,
        budget=budget,
        live=not options["test"],
        sinks=sinks,
        gate=Gate(private=options["private_webhooks"]),
        grace=options["grace"],
    )


def _own(folder: PackFolder, options: dict[str, Any]) -> dict[str, str]:
    names = {kind.name for kind in folder.pack.connectors}
    return {name: url for name, url in options["connect"].items() if name in names}
