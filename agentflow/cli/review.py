"""agentflow review: the questions that jobs ask a person, shown and answered on the command line."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console

from agentflow.cli.results import printable
from agentflow.cli.review_shown import EVIDENCE, at, show_job, show_list
from agentflow.cli.run import alone, parse_connections, remembered
from agentflow.engine.models import read_models
from agentflow.errors import RunError
from agentflow.flow.step import label
from agentflow.jobs.opening import open_runner
from agentflow.jobs.packs import load_pack
from agentflow.jobs.runner import Runner, is_document
from agentflow.jobs.tables import Job

MOST_LISTED = 10


@click.command("review")
@click.argument("pack")
@click.argument("job", required=False)
@click.option("--accept", is_flag=True, help="Answer with the proposal as it is.")
@click.option("--answer", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Answer with a JSON file.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Write the proposal there, to be corrected."
)
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
    save: Path | None,
    kind: str | None,
    question: str | None,
    out: Path | None,
    db: str | None,
    connect: dict[str, str],
    samples: bool,
) -> None:
    """List what waits for a person; with JOB show its questions; with --accept or --answer go on with it.

    JOB is a job's id or the start of it, or the file name of its input. An answered job goes on to its outcome at
    once, as if the step had given the answer itself.

    \b
    agentflow review domains/invoices                                  what waits
    agentflow review domains/invoices 04-text-nl.pdf                   why, and what is proposed
    agentflow review domains/invoices 04-text-nl.pdf --accept          take the proposal
    agentflow review domains/invoices 04-text-nl.pdf --save new.json   or correct it: write it, edit it,
    agentflow review domains/invoices 04-text-nl.pdf --answer new.json answer with it
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
    if save and (accept or answer):
        raise click.UsageError("--save writes the proposal and answers nothing; give it alone")
    if (accept or answer or save) and job is None:
        raise click.UsageError("name the JOB that is answered; without options `review` lists what waits")
    if not home.is_dir():
        raise click.UsageError(f"there is no run in {home}; name its folder with --out")
    given = _read(answer) if answer else None
    if not (accept or given is not None):
        named = f"{pack} --out {out}" if out else pack
        asyncio.run(_look(folder.pack, options, job, named, save, question))
        return
    with alone(options["home"], db):
        asyncio.run(_review(folder.pack, options, job or "", given, kind, question))


async def _look(pack: Any, options: Any, job: str | None, named: str, save: Path | None, question: str | None) -> None:
    console = Console()
    async with open_runner(pack, **options) as runner:
        if job is None:
            show_list(console, await runner.store.jobs(pack.name, "awaiting_review"), named)
            return
        row = await _found(runner, job)
        if save is None:
            show_job(console, row, named, document=is_document(pack))
            return
        asked = _asked(row, question)
        proposed = cast("dict[str, Any]", asked["value"] or {})
        proposal = {name: value for name, value in proposed.items() if name != EVIDENCE}
        await asyncio.to_thread(save.write_text, json.dumps(proposal, indent=2, ensure_ascii=False) + "\n", "utf-8")
        console.print(f"written: {save}; answer with it: --answer {save}", soft_wrap=True, markup=False)


async def _review(pack: Any, options: Any, job: str, given: Any, kind: str | None, question: str | None) -> None:
    async with open_runner(pack, **options) as runner:
        done = await _answer(runner, await _found(runner, job), given, kind, question)
        Console().print(f"{printable(done.input_name)}: {done.outcome or done.status}", soft_wrap=True)


async def _found(runner: Runner, wanted: str) -> Job:
    """The one job that is meant: by its id, else the one that waits, else the only one. Raises RunError."""
    found = [job for job in await runner.store.find(wanted) if job.pack == runner.pack.name]
    waiting = [job for job in found if job.status == "awaiting_review"]
    for few in ([job for job in found if job.id == wanted], waiting, found):
        if len(few) == 1:
            return few[0]
    if not found:
        raise RunError(f"job {wanted} is not in this database; `agentflow review PACK` lists what waits")
    raise RunError(f"{wanted} may be any of {len(found)} jobs; name one by its id: {_ids(waiting or found)}")


def _ids(jobs: Sequence[Job]) -> str:
    more = f" and {len(jobs) - MOST_LISTED} more" if len(jobs) > MOST_LISTED else ""
    return ", ".join(job.id for job in jobs[:MOST_LISTED]) + more


async def _answer(runner: Runner, job: Job, given: Any, kind: str | None, question: str | None) -> Job:
    asked = _asked(job, question)
    if given is None:
        kind, value = _proposal(runner, job.id, asked, kind)
    else:
        kind = _kind(asked, kind)
        value = _with_evidence(given, asked) if kind == asked["type"] else given
    return await runner.answer(job.id, kind, value, question)


def _asked(job: Job, question: str | None) -> Any:
    asked = job.questions.get(question or next(iter(job.questions), ""))
    if asked is None:
        raise RunError(
            f"job {job.id} is {job.status} and asks no such question; `agentflow review PACK` lists what waits"
        )
    return asked


def _with_evidence(given: dict[str, Any], asked: Any) -> dict[str, Any]:
    """The answer with the proposal's evidence of all that it leaves as it was proposed, where it brings none itself."""
    proposed = cast("dict[str, Any]", asked["value"] or {})
    if EVIDENCE in given or not proposed.get(EVIDENCE):
        return given
    kept = {path: of for path, of in proposed[EVIDENCE].items() if at(given, path) == at(proposed, path)}
    return {**given, EVIDENCE: kept}


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
