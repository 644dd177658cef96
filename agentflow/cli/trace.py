"""agentflow trace: what was tried for a job, step by step, and why it ended as it did."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.tree import Tree
from sqlalchemy import make_url

from agentflow.cli.results import printable
from agentflow.connectors.sql import open_database
from agentflow.engine.trace import ASKED
from agentflow.errors import ConfigError
from agentflow.jobs.migrate import revision
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Job
from agentflow.jobs.trace import ENDS, trace_of

Node = Mapping[str, Any]
MOST_LISTED, MOST_FIELDS, LONGEST_VALUE = 10, 40, 100
WIDEST = 160
"""Columns where nobody watches: a file, a pipe."""


@click.command("trace")
@click.argument("job")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: the folders in out/]")
@click.option("--db", "--database", "db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--json", "as_json", is_flag=True, help="Print the trace as JSON.")
def command(job: str, out: Path | None, db: str | None, as_json: bool) -> None:
    """Show how JOB came to its end: every attempt, what the checks said, trust, tokens, cost and calls.

    JOB is a job's id or the start of it, or the file name of its input.
    """
    if not job.strip():
        raise click.UsageError("name the JOB: its id, the start of it, or the file name of its input")
    found = asyncio.run(_trace(job, databases(out, db)))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        console = Console()
        (console if console.is_terminal else Console(width=WIDEST)).print(tree(found))


def databases(out: Path | None, db: str | None) -> list[str]:
    """The job databases to look in: the one named, that of the folder named, or those of all folders in `out`."""
    if db:
        return [db]
    files = [out / "agentflow.db"] if out else sorted(Path("out").glob("*/agentflow.db"))
    if present := [file for file in files if file.is_file()]:
        return [f"sqlite:///{file}" for file in present]
    raise click.UsageError(f"there is no run in {out or 'out'}; name its folder with --out, or its database with --db")


async def _trace(wanted: str, urls: Sequence[str]) -> Node:
    url, job = await located(wanted, urls)
    async with opened(url) as store:
        return await trace_of(store, job)


async def located(wanted: str, urls: Sequence[str]) -> tuple[str, Job]:
    """The one job that `wanted` means, and the URL of its database. Raises click.UsageError where there are others."""
    found: list[tuple[str, Job]] = []
    for url in urls:
        async with opened(url) as store:
            found += [(url, job) for job in await store.find(wanted)]
    exact = [(url, job) for url, job in found if job.id == wanted]
    return _only(wanted, exact or found, urls)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Store]:
    """The store, to be read alone. Raises ConfigError where its schema is an older one."""
    async with open_database(url, read_only=True) as engine:
        at, newest = await revision(engine)
        if at != newest:
            mend = f"agentflow db upgrade {_shown(url)}"
            raise ConfigError(f"the database is at {at or 'nothing'} and not at {newest}: {mend}")
        yield Store(engine)


def _shown(url: str) -> str:
    """The URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


def _only(wanted: str, found: Sequence[tuple[str, Job]], urls: Sequence[str]) -> tuple[str, Job]:
    if len(found) == 1:
        return found[0]
    if not found:
        where = ", ".join(_shown(url).removeprefix("sqlite:///") for url in urls)
        mend = "results.jsonl names every job and its input; name another run with --out or --db"
        raise click.UsageError(f"no job and no input is called {wanted} in {where}; {mend}")
    listed = [f"  {job.id}  {job.status}  {printable(job.input_name)}" for _, job in found[:MOST_LISTED]]
    more = [f"  and {len(found) - MOST_LISTED} more"] if len(found) > MOST_LISTED else []
    raise click.UsageError("\n".join([f"{wanted} may be any of {len(found)} jobs; name one:", *listed, *more]))


def tree(trace: Node) -> Tree:
    """The trace as a tree: job, runs where there are several, steps, attempts, calls and problems."""
    top = Tree(f"[bold]{printable(trace['input'])}[/bold]  {trace['job']}")
    for place, run in enumerate(trace["runs"], 1):
        branch = top.add(f"run {place}, {run['began']}") if len(trace["runs"]) > 1 else top
        for step in run["steps"]:
            _step(branch, step)
    if trace["unfinished"]:
        lost = top.add("calls whose attempt never came to an end")
        for call in trace["unfinished"]:
            lost.add(f"{call['step']}, {_called(call)}")
    _end(top, trace)
    return top


def _step(branch: Tree, step: Node) -> None:
    name = step["step"] if step["item"] is None else f"{step['step']} ({step['item']})"
    attempts = step["attempts"]
    if len(attempts) == 1 and step["end"] == "accepted" and not attempts[0]["problems"]:
        branch.add(f"[bold]{name}[/bold]: {_attempted(attempts[0])}")
        return
    under = branch.add(f"[bold]{name}[/bold]: {ENDS[step['end']]}")
    told_of: list[str] = []
    for attempt in attempts:
        told = under.add(_attempted(attempt))
        calls = attempt["calls"]
        if len(calls) > 1 or any(call["fault"] != attempt["fault"] for call in calls):
            for call in calls:
                told.add(_called(call))
        for text in map(_problem, attempt["problems"]):
            if attempt["fault"] != ASKED or text not in told_of:  # a person is told what the checks said before
                told.add(text)
            told_of.append(text)


def _attempted(attempt: Node) -> str:
    number = "" if attempt["number"] is None else f"{attempt['number']} "
    model = f" ({printable(attempt['model'])})" if attempt["model"] else ""
    came = attempt["fault"] or attempt["made"] or "nothing"
    return " · ".join([f"{number}{printable(attempt['source'])}{model}: {printable(came)}", *_figures(attempt)])


def _called(call: Node) -> str:
    return " · ".join([f"call of {printable(call['model'])}: {call['fault'] or 'answered'}", *_figures(call)])


def _figures(node: Node) -> Iterator[str]:
    """Trust, tokens, cost and seconds, where there are any."""
    if node.get("trust_after") is not None:
        yield f"trust {node['trust_before']:.3f} -> {node['trust_after']:.3f}"
    if node["tokens_in"] or node["tokens_out"]:
        yield f"{node['tokens_in']} tokens in, {node['tokens_out']} out"
    if float(node["cost"]):
        yield f"{node['cost']} USD"
    if node["seconds"]:
        yield f"{node['seconds']:.2f} s"


def _problem(problem: Node) -> str:
    where = f" {problem['path']}:" if problem["path"] else ""
    note = "note " if problem["severity"] == "note" else ""
    return printable(f"{note}[{problem['code']}]{where} {problem['message']}")


def _end(top: Tree, trace: Node) -> None:
    """What was accepted, or why it was not."""
    cost = f"{trace['cost']} USD for models, {trace['seconds']:.2f} s"
    if trace["status"] != "finished":
        words = {"awaiting_review": "a person is asked", "failed": "failed"}.get(trace["status"], trace["status"])
        mend = f"; agentflow review PACK {trace['job']}" if trace["status"] == "awaiting_review" else ""
        end = top.add(f"[bold]{words}[/bold]: {cost}{mend}")
        for problem in trace["problems"]:
            end.add(_problem(problem))
        return
    end = top.add(f"[bold]accepted: {printable(trace['outcome'])}[/bold], {cost}")
    for line in list(_values(trace["output"] or {}, trace["evidence"]))[:MOST_FIELDS]:
        end.add(line)


def _values(output: Node, evidence: Node) -> Iterator[str]:
    for name, value in output.items():
        if value is None or value in ([], {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} ..."
        of = evidence.get(name)
        yield printable(f"{name}: {shown}" + (f"   ({of['source']}, trust {of['trust']:.3f})" if of else ""))
