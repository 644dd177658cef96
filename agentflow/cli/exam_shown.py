"""What `agentflow exam` prints: a line a candidate, then what misses a bar and what has become worse."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agentflow.cli.results import printable
from agentflow.exams.comparing import Comparison
from agentflow.exams.intervals import Estimate
from agentflow.exams.report import Held, Report
from agentflow.exams.verdict_picture import plain

CENT = 0.01
MOST = 8
"""Cases that are named."""


def show(report: Report, home: Path, console: Console, pack: str | None) -> None:
    """Prints the report, and what may be done with its figures: nothing where no `pack` is named."""
    trials = f"{report.trials} trials" if report.trials > 1 else "1 trial"
    step = f", step {report.step}" if report.step else ""
    table = Table(title=f"{report.pack}: {report.cases} cases, {trials}{step}", title_justify="left")
    table.add_column("candidate", no_wrap=True)
    for name in ("right", "silently wrong", "in review", f"right {report.trials}x", "USD a right one", "p95 s"):
        table.add_column(name, justify="right")
    for each in report.told:
        whole = each.whole
        shares = (percent(found) for found in (whole.right, whole.silent, whole.review))
        passes = percent(whole.passes[-1]) if whole.passes else ""
        table.add_row(printable(each.candidate), *shares, passes, usd(whole.cost_per_right), seconds(whole.p95))
    console.print(table)
    for line in told(report):
        console.print(printable(line), soft_wrap=True)
    console.print(f"spent {report.spent:.4f} USD; report.json and verdict.html are in {home}", soft_wrap=True)
    if report.figures.steps and pack:
        place = "" if home == Path("out") / report.pack / "exam" else f" --run {home}"
        console.print(
            f"how often sources err is in calibration.json there; runs go by the one beside pack.py: copy it, or "
            f"choose ladders by it and write both: agentflow tune {printable(pack)} --alpha .01{place} --write",
            soft_wrap=True,
        )


def told(report: Report) -> Iterator[str]:
    """What there is to say beside the table."""
    if report.unreached:
        yield f"{report.unreached} runs met no model that answers; the same command tries them again"
    elif not report.complete:
        yield "not all was run, the money has ended: the same command with a higher --max-cost goes on"
    yield from (_missed(held) for held in report.held if not held.ok)
    for each in report.comparisons:
        yield from _compared(each, worse=each in report.regressions)


def percent(found: Estimate) -> str:
    """`97.5 %`, and its interval on a line of its own."""
    if found.value is None:
        return "-"
    return f"{100 * found.value:.1f} %\n{100 * (found.low or 0):.1f}-{100 * (found.high or 0):.1f}"


def usd(found: Estimate) -> str:
    """An amount of USD: to four places, and to two figures below that."""
    if found.value is None:
        return "-"
    return f"{found.value:.4f}" if found.value >= CENT or not found.value else plain(found.value)


def seconds(found: Estimate) -> str:
    """To a tenth."""
    return "-" if found.value is None else f"{found.value:.1f}"


def _missed(held: Held) -> str:
    value = "nothing was seen of it" if held.found.value is None else f"{held.found.value:.4g}"
    return f"missed: {held.candidate}: {held.bar} is {value}, the pack states {held.sense} {held.limit:g}"


def _compared(each: Comparison, *, worse: bool) -> Iterator[str]:
    told = "has become worse" if worse else "has not become worse beyond chance"
    right, silent = each.right, each.silent
    yield (
        f"{each.name} {told} (p = {each.worse:.3g}): right {100 * right.before:.1f} -> {100 * right.now:.1f} %, "
        f"silently wrong {100 * silent.before:.1f} -> {100 * silent.now:.1f} %"
    )
    for name, cases in (("broke", each.broke), ("mended", each.mended)):
        if cases:
            more = f" and {len(cases) - MOST} more" if len(cases) > MOST else ""
            yield f"  {name}: {', '.join(cases[:MOST])}{more}"
