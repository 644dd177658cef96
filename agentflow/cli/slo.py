"""agentflow slo: what a pack promises against what its live jobs did; audits, and sources that have become worse."""

import asyncio
import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

from agentflow.cli.results import printable
from agentflow.exams.live_drift import Source
from agentflow.exams.slo import Held, held
from agentflow.flow.pack import Pack
from agentflow.jobs.packs import load_pack
from agentflow.jobs.promises import Kept, audit, demote, demotions, drifting, read, reinstate
from agentflow.jobs.store import Store, open_store

NOTHING = ("-", "-", "0", "-")
"""The figures of a promise that no job speaks of yet."""
LISTED = 10
"""Audits that are due which are listed."""


@click.command("slo")
@click.argument("pack")
@click.option("--db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: out/NAME]")
@click.option("--audit", "job", metavar="JOB", help="Say what an audit of this job found: --right or --wrong STEP.")
@click.option("--right", is_flag=True, help="All that the job made is right.")
@click.option("--wrong", multiple=True, metavar="STEP", help="What this step made is wrong.")
@click.option("--reinstate", "back", metavar="STEP/SOURCE", help="Take a demoted source back.")
@click.option("--json", "printed", is_flag=True, help="Print JSON.")
def command(
    pack: str,
    db: str | None,
    out: Path | None,
    job: str | None,
    right: bool,
    wrong: tuple[str, ...],
    back: str | None,
    printed: bool,
) -> None:
    """Hold PACK's live jobs against what it promises, list the jobs to audit, and demote sources that became worse.

    The promises stand in the pack: promises=Promises(silent=0.01, touchless=0.8, seconds=60, cost=Decimal("0.05")).
    A share of the jobs done without a person is drawn for an audit; say what you found with --audit. A demoted source
    is asked last, as if it had never been measured, until --reinstate.

    \b
    agentflow slo tickets --out out/server                                what is kept, and which jobs to audit
    agentflow slo tickets --out out/server --audit JOB --right            what the audit found
    agentflow slo tickets --out out/server --audit JOB --wrong extract

    Exit code: 0 no promise is broken and no source is demoted, 1 one is, 2 the command is wrong.
    """
    if (job is None) != (not right and not wrong) or (right and wrong):
        raise click.UsageError("an audit is --audit JOB with either --right or --wrong STEP")
    loaded = load_pack(pack).pack
    home = out or Path("out") / loaded.name
    if db is None and not (home / "agentflow.db").is_file():
        raise click.UsageError(
            f"there is no run in {home}; name its folder, or a server's: --out out/server; or --db URL"
        )
    told = asyncio.run(_looked(loaded, db or f"sqlite:///{home / 'agentflow.db'}", job, wrong, back))
    click.echo(json.dumps(_as_json(told), indent=1)) if printed else _show(Console(), told, pack)
    raise SystemExit(1 if told.demoted or any(each.state == "broken" for each in told.held) else 0)


@dataclass(frozen=True)
class Told:
    """What there is to tell."""

    pack: str
    held: list[Held]
    due: list[tuple[str, str]]
    """Jobs to audit, with the names of their inputs."""
    new: list[Source]
    """Sources that were demoted just now."""
    demoted: dict[str, tuple[str, ...]]


async def _looked(pack: Pack, url: str, job: str | None, wrong: tuple[str, ...], back: str | None) -> Told:
    async with open_store(url) as store:
        if job is not None:
            await audit(store, pack, job, wrong)
        if back is not None:
            step, _, source = back.partition("/")
            await reinstate(store, pack.name, step, source)
        kept = await read(store, pack.name)
        new = await _demoted_now(store, kept, pack)
        due = [(row.id, row.input_name) for row in kept.due(pack.promises.audits)]
        return Told(pack.name, held(kept.live(), pack.promises), due, new, await demotions(store, pack.name))


async def _demoted_now(store: Store, kept: Kept, pack: Pack) -> list[Source]:
    before = await demotions(store, pack.name)
    found = [s for s in drifting(kept, pack) if s.drifted and s.source not in before.get(s.step, ())]
    for source in found:
        await demote(store, kept.newest, source)
    return found


def _show(console: Console, told: Told, pack: str) -> None:
    promise = Column("promise", no_wrap=True)
    table = Table(promise, "is", "95 % interval", "of", "budget spent", "", title=told.pack, title_justify="left")
    for each in told.held:
        sign = "<=" if each.sense == "at most" else ">="
        high = f"{each.high:.4g}" if isfinite(each.high) else "?"
        figures = (f"{each.value:.4g}", f"{each.low:.4g} - {high}", str(each.cases), f"{each.spent:.0%}")
        table.add_row(f"{each.name} {sign} {each.promise:g}", *(figures if each.cases else NOTHING), each.state)
    nothing = f"{told.pack} promises nothing; give it promises=Promises(...), as agentflow slo --help shows"
    console.print(table if told.held else nothing, soft_wrap=True)
    for source in told.new:
        console.print(f"DEMOTED: {source.source} of {source.step}: {source.why}", style="bold", soft_wrap=True)
    for step, sources in told.demoted.items():
        console.print(f"demoted in {step}: {', '.join(sources)}; take one back with --reinstate {step}/{sources[0]}")
    if told.due:
        console.print(f"{len(told.due)} jobs to audit:")
        for job, name in told.due[:LISTED]:
            console.print(f"  {job}  {printable(name)}", soft_wrap=True)
        console.print(
            printable(
                f"agentflow trace JOB shows one; what you found: agentflow slo {pack} --audit JOB --right|--wrong STEP"
            ),
            soft_wrap=True,
        )


def _as_json(told: Told) -> dict[str, Any]:
    rows = [
        {
            "name": each.name, "promise": each.promise, "value": each.value, "low": each.low,
            "high": _finite(each.high), "cases": each.cases, "spent": _finite(each.spent), "state": each.state,
        }
        for each in told.held
    ]  # fmt: skip
    return {"pack": told.pack, "promises": rows, "due": [job for job, _ in told.due], "demoted": told.demoted}


def _finite(value: float) -> float | None:
    """JSON knows no infinity: null is no bound."""
    return value if isfinite(value) else None
