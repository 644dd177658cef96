"""agentflow run: a pack on documents, with progress, results and a summary."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agentflow.cli.inputs import Input, find_files, read_inputs, submit
from agentflow.cli.places import documents_option
from agentflow.cli.results import (
    STATUS,
    SUMMARISED,
    Line,
    Results,
    line_of,
    printable,
    refused,
    show,
    summarise,
    told_first,
)
from agentflow.connectors.documents import Documents
from agentflow.engine.models import read_models
from agentflow.engine.roster import log as waiting
from agentflow.errors import AgentflowError
from agentflow.jobs.opening import open_runner
from agentflow.jobs.packs import PackFolder, load_pack
from agentflow.jobs.promises import asked_a_person
from agentflow.jobs.runner import Runner, is_document

STOPPED = 130
CONNECTED = "connect.json"


def parse_connections(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """NAME=URL pairs as a mapping."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise click.BadParameter(f"{wrong[0]}: write NAME=URL, as in vendors=book.csv")
    return dict(pair.split("=", 1) for pair in pairs)


def parse_usd(_: click.Context, __: click.Parameter, text: str | None) -> Decimal | None:
    """An amount of USD."""
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation:
        raise click.BadParameter(f"{text} is no amount of money; write 2.50") from None
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise click.BadParameter("a budget is 0 or more")
    return amount


@click.command("run")
@click.argument("pack")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for results and jobs.  [default: out/NAME]")
@click.option(
    "--models", type=click.Path(path_type=Path), help="Which model each role is.  [default: PACK/models.toml]"
)
@click.option("--db", metavar="URL", help="Job database.  [default: sqlite file in the out folder]")
@click.option("--concurrency", type=click.IntRange(1), default=4, show_default=True, help="Inputs under way at once.")
@click.option("--budget", metavar="USD", callback=parse_usd, help="What models may cost in this run.")
@click.option("--limit", type=click.IntRange(1), help="Take only the first N inputs.")
@click.option(
    "--connect", metavar="NAME=URL", multiple=True, callback=parse_connections, help="What a connector reads."
)
@documents_option
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    pack: str,
    paths: tuple[str, ...],
    out: Path | None,
    models: Path | None,
    db: str | None,
    concurrency: int,
    budget: Decimal | None,
    limit: int | None,
    connect: dict[str, str],
    documents: str | None,
    as_json: bool,
) -> None:
    """Run PACK on files, folders or patterns; on its own samples where no PATH is given.

    Writes results.jsonl, a line an input as it finishes, and summary.json. The same command again goes on where
    it stopped: a finished input is never done or charged twice.

    Exit code: 0 every input reached an end or waits for a person, 1 some failed, 2 the command is wrong.
    """
    folder = load_pack(pack)
    files = find_files(paths or [_shown(folder.samples)])
    inputs = list(read_inputs(files, documents=is_document(folder.pack)))[:limit]
    if not inputs:
        raise click.UsageError("there is nothing to do: the paths hold no files")
    home = out or Path("out") / folder.pack.name
    options: dict[str, Any] = {
        "home": home,
        "database": db,
        "connect": folder.connections(connect, samples=not paths) | ({Documents.name: documents} if documents else {}),
        "models": read_models(models or folder.models),
        "budget": budget,
    }
    raise SystemExit(_guarded(folder, inputs, options, concurrency, as_json))


def remember(home: Path, connect: Mapping[str, str]) -> None:
    """Keeps what the run is connected to, for its reviews; only its owner may read it, a URL may hold a password."""
    file = home / CONNECTED
    file.touch(mode=0o600)
    file.write_text(json.dumps(dict(connect)), encoding="utf-8")


def remembered(home: Path) -> dict[str, str]:
    """What the run in `home` was connected to; nothing where there was none."""
    file = home / CONNECTED
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _shown(path: Path) -> str:
    """As a user would write it: seen from here, where it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@contextmanager
def alone(home: Path, database: str | None) -> Generator[None]:
    """Nobody else works on these jobs meanwhile. Raises click.UsageError where somebody does."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{home} cannot be made: {error.strerror}; name another folder with --out") from None
    files = [home / "run.lock"]
    if database and database.startswith("sqlite:///"):
        files.append(Path(database.removeprefix("sqlite:///") + ".lock"))
    with ExitStack() as stack:
        try:
            for file in files:
                stack.enter_context(FileLock(file, timeout=0))
        except Timeout:
            mend = "wait for it, or name another folder with --out"
            raise click.UsageError(f"another run is using {files[-1].parent}; {mend}") from None
        yield


def _guarded(folder: PackFolder, inputs: Sequence[Input], options: Any, concurrency: int, as_json: bool) -> int:
    console = Console(stderr=as_json)
    try:
        with alone(options["home"], options["database"]):
            remember(options["home"], options["connect"])
            return asyncio.run(_run(folder, inputs, options, concurrency, as_json, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing is lost: the same command goes on from here")
        return STOPPED


async def _run(
    folder: PackFolder, inputs: Sequence[Input], options: Any, concurrency: int, as_json: bool, console: Console
) -> int:
    began, home, named = time.monotonic(), options["home"], _shown(folder.folder)
    async with open_runner(folder.pack, **options) as runner:
        if idle := runner.unconnected:
            names = ", ".join(idle)
            console.print(
                f"not connected: {names}; what they know is not checked. Connect them with --connect NAME=URL"
            )
        jobs = await runner.store.jobs(folder.pack.name)
        if not console.is_terminal:
            console.print(f"{len(inputs)} inputs; on a terminal the progress is shown")
        before = {job.id for job in jobs if job.status in STATUS and job.status != "failed"}
        results = Results(home / "results.jsonl", {job.id: STATUS.get(job.status, "") for job in jobs})
        try:
            lines = await _work(runner, inputs, concurrency, results, console)
        finally:
            results.close()
        asked = await asked_a_person(runner.store, folder.pack.name)
    if known := sum(line["job"] in before for line in lines):
        told = f"{known} of {len(lines)} inputs were done before, and stay as they are; --out DIR does them anew"
        console.print(told, soft_wrap=True)
    summary = summarise(folder.pack.name, lines, time.monotonic() - began, asked)
    (home / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(summary))
    else:
        show(summary, home, console, named, told_first(lines))
    return 1 if summary["failed"] else 0


async def _work(
    runner: Runner, inputs: Sequence[Input], concurrency: int, results: Results, console: Console
) -> list[Line]:
    lines: dict[int, Line] = {}
    waiting = iter(enumerate(inputs))

    async def worker(tell: Callable[[Line], None]) -> None:
        for place, given in waiting:
            line = await _one(runner, given)
            results.add(line)
            tell(line)
            lines[place] = {key: line[key] for key in SUMMARISED}  # what was read stays in the file, not in memory

    async with following(len(inputs), console) as tell, asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, len(inputs))):
            group.create_task(worker(tell))
    return [lines[place] for place in sorted(lines)]


async def _one(runner: Runner, given: Input) -> Line:
    try:
        job = await submit(runner, given)
        return line_of(given.name, await runner.run(job.id))
    except (AgentflowError, OSError, ValueError) as error:  # this input fails, and no other
        return refused(given.name, str(error))


@asynccontextmanager
async def following(total: int, console: Console) -> AsyncGenerator[Callable[[Line], None]]:
    """Says how far the run is, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=total)

        def tell(line: Line) -> None:
            name = printable(Path(line["input"]).name[:40])
            progress.update(task, advance=1, description=f"{name}: {line['status']}")

        waits = _Waits(progress, task)
        waiting.addHandler(waits)
        level = waiting.level
        waiting.setLevel(logging.INFO)
        try:
            yield tell
        finally:
            waiting.setLevel(level)
            waiting.removeHandler(waits)


class _Waits(logging.Handler):
    """Says that steps wait for a model: each time where that replaces what stands there, else once for each step."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        super().__init__()
        self._progress, self._task, self._told = progress, task, set[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        text = printable(record.getMessage())
        step = text.partition(" ")[0]
        if not self._progress.disable:
            self._progress.update(self._task, description=text)
        elif step not in self._told:
            self._told.add(step)
            self._progress.console.print(text, soft_wrap=True)
