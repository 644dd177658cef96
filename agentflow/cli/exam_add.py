"""agentflow exam add and export: cases from files and from reviews, each with a curator's yes, and out again."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from agentflow.cli.results import printable
from agentflow.cli.run import remembered
from agentflow.connectors.documents import Documents
from agentflow.engine.trace import PERSON
from agentflow.errors import PackError
from agentflow.exams.adapters import read_any, reviewed, tagged, to_inspect
from agentflow.exams.cases import CASES, FOLDER, Case, checked, dump_cases, read_cases, read_exam, tally
from agentflow.flow.record import Document
from agentflow.jobs.packs import PackFolder, load_pack
from agentflow.jobs.store import Store, open_store
from agentflow.jobs.tables import Job

FILES = "files"
"""Where documents of reviewed jobs are kept, in the exam's folder."""


def parse_tags(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """NAME=RECORD.FIELD pairs as a mapping."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise click.BadParameter(f"{wrong[0]}: write NAME=RECORD.FIELD, as in vendor=Invoice.supplier_name")
    return dict(pair.split("=", 1) for pair in pairs)


@click.command("add")
@click.argument("pack")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from-reviews", is_flag=True, help="Offer what people have answered in the pack's jobs.")
@click.option(
    "--tag", "tags", metavar="NAME=RECORD.FIELD", multiple=True, callback=parse_tags, help="Tag by a gold field."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: out/NAME]")
@click.option("--db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--yes", is_flag=True, help="Take all that are offered, without being asked for each.")
def add(
    pack: str,
    files: tuple[Path, ...],
    from_reviews: bool,
    tags: dict[str, str],
    out: Path | None,
    db: str | None,
    yes: bool,
) -> None:
    """Add cases to PACK's exam: from .csv and .jsonl FILES, or from what people have answered.

    A .csv file has columns such as id, file, input.FIELD, gold.RECORD.FIELD, tags.NAME; a .jsonl file has cases, or
    samples as Inspect writes them (id, input, target, metadata). What people have answered becomes a case only with a
    curator's yes.
    """
    folder = load_pack(pack)
    if from_reviews == bool(files):
        raise click.UsageError("name the FILES to import, or say --from-reviews")
    known = _known(folder)
    if from_reviews:
        home = out or Path("out") / folder.pack.name
        cases = asyncio.run(_offered(folder, home, db, {case.id for case in known}, tags, yes=yes))
    else:
        cases = [tagged(case, tags) for file in files for case in read_any(file, folder.pack)]
    _write(folder, known, cases)


@click.command("export")
@click.argument("pack")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(pack: str, file: Path) -> None:
    """Write the cases of PACK's exam to FILE as samples that Inspect reads, a JSON object a line."""
    folder = load_pack(pack)
    exam = read_exam(folder.pack, folder.folder)
    rows = (json.dumps(row, ensure_ascii=False) for row in to_inspect(exam.cases))
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    click.echo(f"{len(exam.cases)} cases are in {file}")


def _known(folder: PackFolder) -> list[Case]:
    path = folder.folder / FOLDER / CASES
    return read_cases(path) if path.is_file() else []


def _write(folder: PackFolder, known: Sequence[Case], cases: Sequence[Case]) -> None:
    """Nothing is written where one of them does not fit."""
    if not cases:
        click.echo(f"0 cases added, {len(known)} in all")
        return
    where = folder.folder / FOLDER
    ids = {case.id for case in known}
    if twice := [case.id for case in cases if case.id in ids]:
        raise PackError(f"the exam has a case {twice[0]} already; give the new one its own id, or take the old one out")
    whole = checked(folder.pack, where, [*known, *cases])
    where.mkdir(exist_ok=True)
    (where / CASES).write_text(dump_cases(whole), encoding="utf-8")
    parts = ", ".join(f"{name} {count}" for name, count in sorted(tally(whole).items()))
    click.echo(f"{len(cases)} cases added, {len(whole)} in all: {parts or 'none'}")


async def _offered(
    folder: PackFolder, home: Path, db: str | None, known: set[str], tags: Mapping[str, str], *, yes: bool
) -> list[Case]:
    """The cases from reviews that a curator said yes to."""
    if db is None and not (home / "agentflow.db").is_file():
        raise click.UsageError(f"there is no run in {home}; name its folder with --out, or its database with --db")
    console = Console()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(db or f"sqlite:///{home / 'agentflow.db'}"))
        documents = await stack.enter_async_context(Documents.open(remembered(home).get(Documents.name), home))
        jobs = [job for job in await store.jobs(folder.pack.name) if job.id not in known and job.erased_at is None]
        found = [tagged(case, tags) for job in jobs if (case := await _candidate(folder, store, job)) is not None]
        taken = [case for case in found if yes or _says_yes(console, case)]
        for case in taken:
            if case.file is not None:
                data = await documents.get(Path(case.file).name)
                await asyncio.to_thread(_keep, data, folder.folder / FOLDER / case.file)
    return taken


async def _candidate(folder: PackFolder, store: Store, job: Job) -> Case | None:
    answers = [
        (attempt.made, attempt.output)
        for attempt in await store.attempts(job.id)
        if attempt.source == PERSON and attempt.accepted and attempt.made is not None and attempt.item is None
    ]
    given = {"input": job.input}
    if folder.pack.workflow.takes is Document:
        given = {"file": f"{FILES}/{Document.model_validate(job.input).sha256}"}
    return reviewed(folder.pack, job.id, given, answers, job.outcome)


def _says_yes(console: Console, case: Case) -> bool:
    for line in _shown(case):
        console.print(printable(line), soft_wrap=True)
    return click.confirm("take it into the exam?", default=False)


def _shown(case: Case) -> Iterator[str]:
    yield f"job {case.id}, to {case.part}: {case.file or json.dumps(case.input, ensure_ascii=False)}"
    for name, gold in case.gold.items():
        told: Any = json.dumps(gold, ensure_ascii=False, indent=1)
        yield f"{name}: {told}"


def _keep(data: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
