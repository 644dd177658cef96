"""agentflow exam: a pack and its models on cases whose right answer is known."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agentflow.cli.exam_add import add, export
from agentflow.cli.exam_shown import show
from agentflow.cli.exam_stamps import of_figures, of_sources
from agentflow.cli.run import STOPPED, alone, parse_connections, parse_usd
from agentflow.connectors.opening import open_connectors
from agentflow.engine.answer import Binder
from agentflow.engine.budget import Budget
from agentflow.engine.models import Models, read_models
from agentflow.errors import ConfigError
from agentflow.exams.asking import by_gold
from agentflow.exams.calibration import as_json as figures_json
from agentflow.exams.calibration import calibrate
from agentflow.exams.candidates import MORE, Candidate, candidates_of
from agentflow.exams.cases import Exam, read_exam
from agentflow.exams.comparing import Comparison, compare
from agentflow.exams.keeping import FILE, Ended, Kept
from agentflow.exams.planning import Plan
from agentflow.exams.report import Report, as_json, held_of
from agentflow.exams.running import Told as Went
from agentflow.exams.running import examine
from agentflow.exams.scoring import Marks, marks_of
from agentflow.exams.stamping import stamps_of
from agentflow.exams.summary import told_of
from agentflow.exams.verdict_page import page
from agentflow.jobs.packs import PackFolder, load_pack, read_connect
from agentflow.testing import Twin, read_faulty, read_truth


class ByDefault(click.Group):
    """A group whose first command is meant where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Group`."""
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group("exam", cls=ByDefault)
def command() -> None:
    """Measure a pack and its models on cases whose right answer is known.

    `agentflow exam PACK` runs the exam; `agentflow exam run --help` tells its options.

    \b
    agentflow exam add tickets cases.csv             columns id, input.FIELD (or file), gold.RECORD.FIELD, tags.NAME
    agentflow exam tickets --trials 3 --max-cost 5   writes verdict.html, report.json and calibration.json
    agentflow exam tickets --faults faulty.toml      a rehearsal with faulty models, without a key
    agentflow tune tickets --alpha .01               chooses ladders from what it found
    """


@command.command("run")
@click.argument("pack")
@click.option("--models", "names", metavar="A,B", help="Candidates: roles, sources of a ladder, `pack`, a models.toml.")
@click.option("--roles", type=click.Path(path_type=Path), help="Which model each role is.  [default: PACK/models.toml]")
@click.option("--trials", type=click.IntRange(1), default=3, show_default=True, help="How often each case is run.")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(["tune", "certify", "hold"]), help="Only its cases."
)
@click.option("--step", help="Examine one step alone; those before it are given where the gold tells them.")
@click.option(
    "--against", metavar="RUN", help="Compare with the exam in this folder; RUN:NAME for one of its candidates."
)
@click.option(
    "--faults",
    type=click.Path(exists=True, path_type=Path),
    help="Ask the faulty models of this faulty.toml, with the gold as truth, instead; free and without a key.",
)
@click.option("--max-cost", metavar="USD", callback=parse_usd, help="What models may cost, all starts together.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for what is found.  [default: out/NAME/exam]")
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Runs under way at once.")
@click.option(
    "--connect", metavar="NAME=URL", multiple=True, callback=parse_connections, help="What a connector reads."
)
@click.option("--json", "printed", is_flag=True, help="Print report.json.")
def run(pack: str, out: Path | None, printed: bool, **given: Any) -> None:
    """Run every case of PACK's exam so many times for each candidate, and tell what came out.

    Effects are never done. Writes report.json, verdict.html, calibration.json and attempts.jsonl. The same command
    again goes on where it stopped, and asks for nothing twice. Connectors read what exam/connect.toml names.

    Exit code: 0 all is well, 1 a stated bar is missed, something has become worse or not all was run, 2 the command is
    wrong.
    """
    folder = load_pack(pack)
    exam = read_exam(folder.pack, folder.folder)
    home = out or Path("out") / folder.pack.name / "exam"
    console = Console(stderr=printed)
    options = Options(folder=folder, exam=exam, home=home, **given)
    try:
        with alone(home, None):
            report = asyncio.run(_examined(options, console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing is lost: the same command goes on from here")
        raise SystemExit(STOPPED) from None
    if printed:
        click.echo((home / "report.json").read_text(encoding="utf-8"))
    else:
        show(report, home, console, None if options.faults else pack)
    raise SystemExit(0 if report.ok and report.complete else 1)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command was given."""

    folder: PackFolder
    exam: Exam
    home: Path
    names: str | None
    roles: Path | None
    trials: int
    splits: Sequence[Any]
    step: str | None
    against: str | None
    faults: Path | None
    max_cost: Decimal | None
    concurrency: int
    connect: Mapping[str, str]


async def _examined(options: Options, console: Console) -> Report:
    if options.against is not None:  # better said before anything is paid for
        _other(options.against, options.home)
    kept = Kept(options.home)
    candidates = _candidates(options, kept)
    cases = options.exam.of(*options.splits) if options.splits else options.exam.cases
    plan = Plan(options.exam, cases, candidates, options.trials, options.step)
    try:
        async with AsyncExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            connect = {**read_connect(options.exam.folder / "connect.toml"), **options.connect}
            connectors = await open_connectors(stack, options.folder.pack, scratch, connect)
            tell = stack.enter_context(following(plan.size, console))
            went = await examine(plan, kept, connectors, concurrency=options.concurrency, tell=tell)
    finally:
        kept.close()
    return _told(options, plan, kept, went)


def _candidates(options: Options, kept: Kept) -> tuple[Candidate, ...]:
    """Raises ConfigError where a name is none."""
    names = [name.strip() for name in (options.names or "").split(",") if name.strip()]
    left = None if options.max_cost is None else max(Decimal(0), options.max_cost - kept.spent)
    budget = Budget(left, mend=MORE)
    tables = [Path(name) for name in names if name.endswith(".toml")]
    binder, roles, stamps = _models(options, budget)
    found: list[Candidate] = []
    plain = [name for name in names if not name.endswith(".toml")]
    if plain or not tables:
        found += candidates_of(options.folder.pack, binder, roles, plain, stamps)
    for table in tables:
        found.append(_under(options, table, budget))
    return tuple(found)


def _models(options: Options, budget: Budget) -> tuple[Binder, list[str], dict[str, str]]:
    """What binds the roles, their names, and what each one's answers hang on."""
    stamps = of_sources(options.folder, options.roles, options.faults)
    if options.faults is not None:
        faulty = read_faulty(options.faults)
        truth = read_truth(faulty.truth) if faulty.truth else None
        return Twin(faulty, by_gold(truth), budget=budget), list(faulty.models), stamps
    configs = read_models(options.roles or options.folder.models)
    return Models(configs, budget), list(configs), stamps


def _under(options: Options, table: Path, budget: Budget) -> Candidate:
    """The pack as it is, with the models of another models.toml."""
    configs = read_models(table)
    stamps = stamps_of(options.folder.pack, configs, options.folder.folder)
    whole = candidates_of(
        options.folder.pack, Models(configs, budget), [], ["pack"], {**stamps.models, "": stamps.pack}
    )
    return Candidate(table.stem, whole[0].models, whole[0].stamp, None, whole[0].figures)


def _told(options: Options, plan: Plan, kept: Kept, went: Went) -> Report:
    """The report, with its files written."""
    exam, home = options.exam, options.home
    marks = marks_of(exam, kept, went.keys)
    told = tuple(told_of(each) for each in marks)
    if not told:
        raise ConfigError(_nothing(plan, went))
    figures = calibrate(exam, kept, went.keys, of_figures(options.folder, options.roles, options.faults))
    report = Report(
        pack=exam.pack.name,
        cases=len(plan.cases),
        trials=plan.trials,
        step=plan.step,
        spent=kept.spent,
        complete=went.done == plan.size,
        told=told,
        held=held_of(told, exam.settings.bars),
        comparisons=_compared(options, marks),
        unreached=went.unreached,
        figures=figures,
    )
    _write(home / "report.json", as_json(report, exam))
    (home / "verdict.html").write_text(page(report, exam), encoding="utf-8")
    if figures.steps:
        _write(home / "calibration.json", figures_json(figures))
    return report


def _nothing(plan: Plan, went: Went) -> str:
    """Why there is nothing to tell."""
    if went.capped:
        return f"the money has ended before any run had; {MORE}"
    if went.unreached:
        return f"{went.unreached} runs met no model that answers; the same command tries them again"
    if not plan.size:
        return "no case is in these splits"
    of = f"step {plan.step}" if plan.step else "anything that was run"
    return f"no case tells what is right for {of}; nothing can be said of it"


def _compared(options: Options, marks: Sequence[Marks]) -> tuple[Comparison, ...]:
    """Each candidate with the one of its name in the other run, or with the one that is named."""
    if options.against is None:
        return ()
    where, name, own = _other(options.against, options.home)
    other = Kept(where)
    try:
        before = {each.candidate: each for each in marks_of(options.exam, other, other.latest)}
    except ValidationError as error:
        kind = error.title
        raise ConfigError(f"--against {where}: what it keeps is no {kind} as the pack has it; run it again") from error
    if name and name not in before:
        raise ConfigError(f"--against {where}: it has no candidate {name}; it has {', '.join(before)}")
    others = [each for each in marks if not (own and each.candidate == name)]
    pairs = [(each, before[name or each.candidate]) for each in others if name or each.candidate in before]
    if not pairs:
        raise ConfigError(f"--against {where}: no candidate is in both; say which as {where}:NAME")
    try:
        return tuple(compare(now.candidate, now.whole, then.candidate, then.whole) for now, then in pairs)
    except ValueError as error:
        raise ConfigError(f"--against {where}: {error}") from error


def _other(against: str, home: Path) -> tuple[Path, str, bool]:
    """The folder of the other run, the candidate, and whether it is this very exam. Raises ConfigError."""
    where, _, name = against.partition(":")
    own = Path(where).resolve() == home.resolve()
    if not own and not (Path(where) / FILE).is_file():
        raise ConfigError(f"--against {where}: name the folder of another exam, which holds {FILE}")
    if own and not name:
        raise ConfigError(f"--against {where}: that is this exam; name one of its candidates, as {where}:NAME")
    return Path(where), name, own


def _write(path: Path, told: Any) -> None:
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def following(total: int, console: Console) -> Generator[Callable[[Ended], None]]:
    """Says how far the exam is and what it has cost, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    spent = Decimal(0)
    if not console.is_terminal:
        console.print(f"{total} runs; on a terminal the progress is shown")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=total)

        def tell(ended: Ended) -> None:
            nonlocal spent
            spent += ended.cost
            progress.update(task, advance=1, description=f"{ended.candidate}, case {ended.case}: {spent:.4f} USD")

        yield tell


command.add_command(add)
command.add_command(export)
