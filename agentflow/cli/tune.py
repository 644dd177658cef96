"""agentflow tune: the ladders that keep a promise at least cost, from what an exam has kept."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agentflow.cli.exam_stamps import of_figures, of_sources
from agentflow.cli.run import parse_usd
from agentflow.engine.models import read_models
from agentflow.engine.trust.figures import Figures, Tuned
from agentflow.errors import ConfigError
from agentflow.exams.calibration import as_json, calibrate
from agentflow.exams.cases import Exam, read_exam
from agentflow.exams.certify import Promise
from agentflow.exams.keeping import FILE, Kept
from agentflow.exams.ladder_replay import Weighing
from agentflow.exams.planning import current
from agentflow.exams.tune import Found, Option, Wish, tune
from agentflow.exams.tune_cases import asked_of, one_a_document, one_a_vendor
from agentflow.exams.tune_files import changes
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step
from agentflow.jobs.packs import PackFolder, load_pack

MOST_LINES = 30
"""Lines of a file's diff that are shown."""
LADDER = '"ladder": {'
SHOWN = 3
"""Other ladders that are shown beside the one chosen."""


@click.command("tune")
@click.argument("pack")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    required=True,
    help="The share of silent errors that is allowed, such as .01.",
)
@click.option(
    "--delta", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05, show_default=True,
    help="How often an exam may prove what is not so.",
)  # fmt: skip
@click.option("--max-cost", "most", metavar="USD", callback=parse_usd, help="What a case's calls may cost in the mean.")
@click.option("--run", "home", type=click.Path(path_type=Path), help="The exam's folder.  [default: out/NAME/exam]")
@click.option(
    "--roles", type=click.Path(path_type=Path), help="The exam's --roles, if it had any.  [default: PACK/models.toml]"
)
@click.option("--faults", type=click.Path(exists=True, path_type=Path), help="The exam's --faults, if it had any.")
@click.option(
    "--once", type=click.Choice(["document", "vendor"]), default="document", show_default=True,
    help="What the proof counts once: vendor where documents of a vendor are misread together.",
)  # fmt: skip
@click.option("--step", "only", help="Only this step.")
@click.option("--write", is_flag=True, help="Write the files; else only their diff is shown.")
def command(
    pack: str,
    alpha: float,
    delta: float,
    most: Decimal | None,
    home: Path | None,
    roles: Path | None,
    faults: Path | None,
    once: str,
    only: str | None,
    *,
    write: bool,
) -> None:
    """Choose for each step of PACK whom to ask, in which order, how often, and how sure an answer must be.

    Of what a step then passes on by itself, at most a share ALPHA is silently wrong, with confidence 1 - DELTA:
    searched on the exam's `tune` cases and certified on its `certify` cases. Run `agentflow exam PACK` first; what it
    asked of other models, or of the pack or a case as it was, proves nothing and is left out. A case that is not
    passed on costs what a person costs: `human_cost` in exam/exam.toml.

    Exit code: 0 where every step's ladder is certified, 1 where one is not, 2 where the command is wrong.
    """
    folder, console = load_pack(pack), Console()
    exam = read_exam(folder.pack, folder.folder)
    kept = _kept(home or Path("out") / folder.pack.name / "exam")
    steps = _steps(folder.pack, only)
    wish = Wish(Promise(alpha, delta / max(1, len(steps))), _review(exam), None if most is None else float(most))
    keys = _keys(exam, kept, of_sources(folder, roles, faults), console)
    figures = calibrate(exam, kept, keys, of_figures(folder, roles, faults))
    if not any(step.name in figures.steps for step in steps):
        why = "no source of a step was asked alone of a tune case; run it without --models pack"
        why = why if exam.of("tune") else "its cases have no tune split; add cases"
        raise ConfigError(f"the exam tells nothing to choose by: {why}")
    found: list[Found] = []
    for step in steps:
        if (each := _tuned(exam, kept, keys, step, figures, wish, once)) is not None:
            found.append(each)
            _show(console, each)
            console.print(_counted(exam, once), soft_wrap=True)
            if alpha > (step.policy.alpha or 1):
                text = (
                    f"  that is looser than alpha={step.policy.alpha:g}, which the pack states: state there what it is"
                )
                console.print(text, style="bold", soft_wrap=True)
        else:
            console.print(_untuned(step, figures, wish), soft_wrap=True)
    _files(folder, figures, found, write=write)
    raise SystemExit(0 if len(found) == len(steps) and all(each.ladder for each in found) else 1)


def _steps(pack: Pack, only: str | None) -> list[Step]:
    """Raises ConfigError where there is none."""
    found = [step for step in pack.workflow.steps if step.policy.ladder]
    if only is not None and only not in [step.name for step in found]:
        names = ", ".join(step.name for step in found)
        raise ConfigError(f"{pack.name} has no step {only} that asks a ladder; it has {names or 'none'}")
    return [step for step in found if only in (None, step.name)]


def _kept(home: Path) -> Kept:
    """Raises ConfigError where no exam was run."""
    if not (home / FILE).is_file():
        raise ConfigError(f"{home} holds no exam; run agentflow exam first, or name its folder: --run DIR")
    return Kept(home)


def _keys(exam: Exam, kept: Kept, stamps: Mapping[str, str], console: Console) -> list[str]:
    """The runs that tell of the sources as they are. Raises ConfigError where there are none."""
    keys, alone = current(exam, stamps, kept), [end.run for end in kept.ends.values() if end.candidate in stamps]
    old = len(set(alone) - set(keys))
    if old and not keys:
        raise ConfigError(
            "the exam has asked other models, or the pack or its cases have changed since; run it again, or name its "
            "--roles or --faults here too"
        )
    if old:
        console.print(f"{old} runs are left out: of other models, or of the pack or cases as they were")
    return keys


def _review(exam: Exam) -> float:
    """USD. Raises ConfigError where the pack does not say what a person costs."""
    if exam.settings.human_cost is None:
        raise ConfigError(
            f'say what a case costs where a person does it: human_cost = "2.50" in {exam.folder}/exam.toml'
        )
    return float(exam.settings.human_cost)


def _tuned(
    exam: Exam, kept: Kept, keys: Sequence[str], step: Step, figures: Figures, wish: Wish, once: str
) -> Found | None:
    measured = figures.steps.get(step.name)
    if measured is None:
        return None
    search = asked_of(exam, kept, keys, step, ("tune",))
    alone = one_a_vendor if once == "vendor" else one_a_document
    held = alone(asked_of(exam, kept, keys, step, ("certify",)))
    weighing = Weighing(
        measured, dict(step.ties), step.policy.promises, frozenset(step.sources), len(step.signature.makes) == 1
    )
    return tune(step.name, search, held, weighing, wish)


def _counted(exam: Exam, once: str) -> str:
    """What the proof rests on, where it matters."""
    cases = exam.of("certify")
    documents, vendors = len({case.own for case in cases}), len({case.group for case in cases})
    if once == "vendor" or vendors == documents:
        return f"  a {once} is counted once"
    return (
        f"  {documents} documents of {vendors} vendors certify, a document counted once: too many where a vendor's "
        "documents are misread together; --once vendor counts each vendor once"
    )


def _untuned(step: Step, figures: Figures, wish: Wish) -> str:
    if step.name not in figures.steps:
        return f"{step.name}: no source was asked alone for it; run agentflow exam for all of its ladder"
    limit = "" if wish.most is None else f" for {wish.most:g} USD a case"
    return (
        f"{step.name}: NOT certified; on the tune cases no ladder of its sources accepts anything{limit} of which "
        f"{wish.promise.alpha:.2%} at most is silently wrong: it needs better sources or checks, or a looser promise"
    )


def _files(folder: PackFolder, figures: Figures, found: list[Found], *, write: bool) -> None:
    new = {each.step: each.ladder for each in found}
    ladders = {name: ladder for name, ladder in (_before(folder, figures) | new).items() if ladder is not None}
    roles = list(read_models(folder.models))
    made = changes(folder.folder, folder.pack, ladders, as_json(figures), roles)
    for change in made:
        click.echo(_shortened(change.diff))
        if write:
            change.write()
    click.echo(_ending(len(made), write=write))


def _shortened(diff: str) -> str:
    """A diff's head and all that it says of ladders: counts by the hundred tell nobody anything."""
    kept: list[str] = []
    left, end = 0, ""
    for number, line in enumerate(diff.rstrip("\n").split("\n")):
        if not end and line[1:].lstrip().startswith(LADDER):
            end = line[1:].partition(LADDER)[0] + "}"
        if number < MOST_LINES or end:
            kept += [f"... {left} lines", line] if left else [line]
            left = 0
        else:
            left += 1
        end = "" if end and line[1:].startswith(end) else end
    return "\n".join([*kept, *([f"... {left} lines"] if left else []), ""])


def _before(folder: PackFolder, figures: Figures) -> dict[str, Tuned | None]:
    """The ladders that the pack has; of steps that are measured."""
    before = Figures.model_validate(folder.pack.calibration).steps
    return {name: each.ladder for name, each in before.items() if name in figures.steps}


def _ending(count: int, *, write: bool) -> str:
    if not count:
        return "the files are as they should be"
    return "written" if write else "nothing is written yet; --write does it"


def _show(console: Console, found: Found) -> None:
    table = Table(
        "ladder", "calls, USD a case", "with people", "accepted", "wrong", title=found.step, title_justify="left"
    )
    review = found.wish.review
    for option in (found.option, *found.others[:SHOWN]):
        wrong = f"{option.done.silent:.2%}"
        table.add_row(
            _name(option), f"{option.calls:.4g}", f"{option.total(review):.4g}", f"{option.proven:.0%}", wrong
        )
    console.print(table)
    proven = found.certificate.bar is not None
    console.print("certified:" if proven else "NOT certified; the step stays as it is:", style="" if proven else "bold")
    for line in found.told:
        console.print(f"  {line}", soft_wrap=True)
    if proven:
        done = found.done
        console.print(f"  it costs {done.cost / max(1, done.cases):.4g} USD a case, what people cost included")


def _name(option: Option) -> str:
    rungs = (
        f"{name} >= {bar:.4f}" if 0 < bar <= 1 else name for name, bar in zip(option.rungs, option.bars, strict=True)
    )
    return ", ".join(rungs)
