"""agentflow review: the questions that jobs ask a person, shown and answered on the command line."""

import asyncio
import json
import textwrap
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table

from agentflow.cli.results import printable
from agentflow.cli.run import alone, parse_connections, remembered
from agentflow.engine.models import read_models
from agentflow.errors import RunError
from agentflow.flow.step import label
from agentflow.jobs.packs import load_pack
from agentflow.jobs.runner import Runner, open_runner
from agentflow.jobs.tables import Job

LONGEST_TEXT = 80
"""Characters of a question in the list."""


@click.command("review")
@click.argument("pack")
@click.argument("job", required=False)
@click.option("--accept", is_flag=True, help="Answer with the proposal as it is.")
@click.option("--answer", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Answer with a JSON file.")
@click.option("--as", "kind", metavar="RECORD", help="Which record the answer is, where several are possible.")
@click.option("--question", metavar="ID", help="Which question is answered, where a job asks several.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: out/NAME]")
@click.option("--db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--connect", metavar="NAME=URL", multiple=True, callback=parse_connections, help="As given to the run.")
@click.option("--samples", is_flag=True, help="Connect what the samples are connected to.")
def command(
    pack: str,
    job: str | None,
    accept: bool,
    answer: Path | None,
    kind: str | None,
    question: str | None,
    out: Path | None,
    db: str | None,
    connect: dict[str, str],
    samples: bool,
) -> None:
    """List what waits for a person; with JOB show its questions; with --accept or --answer go on with it.

    An answered job goes on to its outcome at once, as if the step had given the answer itself.
    """
    folder = load_pack(pack)
    home = out or Path("out") / folder.pack.name
    options: dict[str, Any] = {
        "home": home,
        "database": db,
        "connect": connect or remembered(home) or folder.connections({}, samples=samples),
        "models": read_models(folder.models),
    }
    if accept and answer:
        raise click.UsageError("--accept takes the proposal, --answer your own file; give one of the two")
    if (accept or answer) and job is None:
        raise click.UsageError("name the JOB that is answered; without options `review` lists what waits")
    if not home.is_dir():
        raise click.UsageError(f"there is no run in {home}; name its folder with --out")
    given = _read(answer) if answer else None
    if not (accept or given is not None):
        asyncio.run(_review(folder.pack, options, job, accept, given, kind, question))
        return
    with alone(options["home"], db):
        asyncio.run(_review(folder.pack, options, job, accept, given, kind, question))


async def _review(
    pack: Any, options: Any, job: str | None, accept: bool, given: Any, kind: str | None, question: str | None
) -> None:
    console = Console()
    async with open_runner(pack, **options) as runner:
        if job is None:
            _list(console, await runner.store.jobs(pack.name, "awaiting_review"))
        elif accept or given is not None:
            done = await _answer(runner, job, given, kind, question)
            console.print(f"{printable(done.input_name)}: {done.outcome or done.status}", soft_wrap=True)
        else:
            _show(console, await runner.store.get(job), job)


async def _answer(runner: Runner, job: str, given: Any, kind: str | None, question: str | None) -> Job:
    row = await runner.store.get(job)
    asked = row.questions.get(question or next(iter(row.questions), "")) if row else None
    if asked is None:
        state = f"is {row.status} and asks no such question" if row else "is not in this database"
        raise RunError(f"job {job} {state}; `agentflow review PACK` lists what waits")
    kind, value = (_kind(asked, kind), given) if given is not None else _proposal(runner, job, asked, kind)
    return await runner.answer(job, kind, value, question)


def _read(file: Path) -> Any:
    try:
        given: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{file} is no JSON in UTF-8: {error}") from None
    if not isinstance(given, dict):
        raise click.UsageError(f"{file} must hold one JSON object, the record that is the answer")
    return cast("dict[str, Any]", given)


def _kind(asked: Any, kind: str | None) -> str:
    """Which record a file is: as told, else the doubted one's, else the only one there can be."""
    if kind or asked["type"] in asked["answers"]:
        return kind or asked["type"]
    if len(asked["answers"]) == 1:
        return asked["answers"][0]
    raise RunError(f"say which record the answer is: --as {' or --as '.join(asked['answers'])}")


def _proposal(runner: Runner, job: str, asked: Any, kind: str | None) -> tuple[str, Any]:
    """What a bare yes means: the doubted record itself, or the one answer that the question carries within it."""
    if asked["value"] is None:
        raise RunError(f"job {job} has no proposal to accept; answer with --answer FILE")
    if asked["kind"] == "doubt":
        return kind or asked["type"], asked["value"]
    fields = runner.pack.workflow.record(asked["type"]).model_fields
    kinds = {label(field.annotation): name for name, field in fields.items()}
    inside = {record: name for record, name in kinds.items() if record in asked["answers"]}
    wanted = kind or next(iter(inside), None)
    if wanted not in inside:
        names = " or ".join(asked["answers"])
        raise RunError(f"job {job} asks an open question; answer it with --as {names} --answer FILE")
    return wanted, asked["value"][inside[wanted]]


def _list(console: Console, jobs: Any) -> None:
    table = Table(title=f"{len(jobs)} jobs wait for a person", title_justify="left")
    table.add_column("job", no_wrap=True)
    for name in ("input", "step", "reasons"):
        table.add_column(name, overflow="fold")
    for job in jobs:
        asked = list(job.questions.values())
        codes = dict.fromkeys(p["code"] for p in job.problems if p["severity"] == "error")
        plain = [_plain(question) for question in asked if question["kind"] != "doubt"]
        why = ", ".join([*codes, *plain])
        table.add_row(job.id, printable(job.input_name), ", ".join(q["step"] for q in asked), printable(why))
    console.print(table)


def _plain(question: Any) -> str:
    """What a step asks for itself: its record, and the first text in that."""
    fields = cast("dict[str, Any]", question["value"] or {}).values()
    text = next((one for one in fields if isinstance(one, str) and one.strip()), "")
    brief = textwrap.shorten(text, LONGEST_TEXT, placeholder=" ...")
    return f"{question['type']}: {brief}" if brief else question["type"]


def _show(console: Console, job: Job | None, name: str) -> None:
    if job is None:
        raise RunError(f"there is no job {name} in this database")
    console.print(f"{printable(job.input_name)}: {job.status}", soft_wrap=True)
    for problem in job.problems:
        where = f" {problem['path']}:" if problem["path"] else ""
        console.print(printable(f"- [{problem['code']}]{where} {problem['message']}"), soft_wrap=True)
    for key, asked in job.questions.items():
        console.print(f"question {key}: step {asked['step']} wants {' or '.join(asked['answers'])}", soft_wrap=True)
        console.print_json(json.dumps(asked["value"]))
