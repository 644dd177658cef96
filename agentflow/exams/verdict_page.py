"""The verdict page: one HTML file, without a script or anything from outside, that says what can be left to whom."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from agentflow.exams.cases import Exam
from agentflow.exams.intervals import Estimate
from agentflow.exams.report import Report
from agentflow.exams.summary import FieldSummary, Summary, Told
from agentflow.exams.verdict import CHECKING, RIGHT, Condition, Judgement, judged
from agentflow.exams.verdict_picture import picture, plain

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c }
h1 { font-size: 1.8rem; margin-bottom: .2rem } h2 { font-size: 1.2rem; margin-top: 2.2rem }
.word { display: inline-block; padding: .1rem .6rem; border-radius: .3rem; color: #fff; font-weight: 600 }
.automate { background: #1e7b4f } .assist { background: #b36b00 } .not-yet { background: #a3282f }
table { border-collapse: collapse; width: 100%; margin-bottom: 1rem; font-variant-numeric: tabular-nums }
th:first-child { width: 30% } .small { white-space: nowrap } p.small, div.small { white-space: normal }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
.yes { color: #1e7b4f } .open { color: #b36b00 } .no { color: #a3282f } .small { color: #555; font-size: .85rem }
svg { width: 100%; height: auto }
"""
SAYS = {
    "automate": "It can be left to {candidate}: a person sees only what it hands over itself.",
    "assist": "Let {candidate} propose and a person decide: not all of the three conditions are proven.",
    "not yet": "Leave it to a person: no candidate saves enough of the work so far.",
}
WHOLE = {"pack": "the pack as it is"}
"""A candidate that is no model, in words."""
MARKS = {"yes": "✓ holds", "open": "? not proven", "no": "✗ does not hold"}
MOST = 10
"""Rows of a table of errors."""


def page(report: Report, exam: Exam) -> str:
    """The page."""
    found = judged(report, exam)
    title = f"{report.pack}: what can be left to a machine"
    body = "\n".join(_body(report, exam, found)) if found else "<h1>Nothing was run</h1>"
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f'<!doctype html>\n<html lang="en"><head>{head}{view}</head><body>\n{body}\n</body></html>\n'


def _body(report: Report, exam: Exam, found: Sequence[Judgement]) -> Iterator[str]:
    first = found[0]
    told = next(each for each in report.told if each.candidate == first.candidate)
    yield f"<h1>{escape(report.pack)}: {_word(first)}</h1>"
    yield f"<p>{escape(SAYS[first.word].format(candidate=WHOLE.get(first.candidate, first.candidate)))}</p>"
    yield f'<p class="small">{_basis(report, told.whole)}</p>'
    yield f"<h2>The three conditions, for {escape(first.candidate)}</h2>"
    yield _table(("condition", "found", "95 % interval", "asked for", ""), map(_condition, first.conditions))
    yield f"<h2>What would change this</h2>{_list(first.changes or ('Nothing is open: all three are proven.',))}"
    yield f"<h2>Cost and quality</h2>{picture(report.told, first.candidate)}"
    yield _table(
        ("candidate", "", "right", "silently wrong", "a person sees", "USD a case", "with a person's work"),
        (_candidate(each, next(t for t in report.told if t.candidate == each.candidate)) for each in found),
    )
    yield from _others(found[1:])
    yield f"<h2>Where the errors of {escape(first.candidate)} are</h2>"
    yield from _errors(told)
    yield from _bars(report)
    yield f"<h2>How to read this</h2>{_list(_notes(report, exam, told.whole))}"


def _word(each: Judgement) -> str:
    return f'<span class="word {each.word.replace(" ", "-")}">{each.word}</span>'


def _basis(report: Report, whole: Summary) -> str:
    trials = "once" if report.trials == 1 else f"{report.trials} times"
    step = f", the step {escape(report.step)} alone" if report.step else ""
    left = "" if report.complete else " Not all of it was run: the figures are of what was."
    cases = f"{report.cases} cases of {whole.clusters} documents"
    return f"{cases} whose right answer is known, each run {trials}{step}.{left}"


def _condition(each: Condition) -> tuple[str, ...]:
    limit = "not stated" if each.limit is None else f"{each.sense} {_figure(each.limit, each.unit)}"
    value = "-" if each.found.value is None else _figure(each.found.value, each.unit)
    return escape(_asks(each)), value, _interval(each.found, each.unit), limit, _mark(each.stands)


def _asks(each: Condition) -> str:
    told = {
        "right often enough": "Right often enough: cases that come out right with nobody looking",
        "reliably enough": "Reliably enough: cases that come out wrong and nobody is told",
        "cheaper than a person": "Cheaper than a person: USD a case, with a person's work on all that is not right",
    }
    return told[each.name]


def _mark(stands: str) -> str:
    return f'<span class="{stands}">{MARKS[stands]}</span>'


def _candidate(each: Judgement, told: Told) -> tuple[str, ...]:
    whole = told.whole
    shares = (_share(found) for found in (whole.right, whole.silent, whole.review))
    total = "-" if each.total.value is None else _figure(each.total.value, "USD")
    cost = "-" if whole.cost.value is None else _figure(whole.cost.value, "USD")
    return escape(each.candidate), _word(each), *shares, cost, total


def _others(found: Sequence[Judgement]) -> Iterator[str]:
    told = [f"{each.candidate}: {text}" for each in found for text in each.changes]
    if told:
        yield f'<div class="small">{_list(told)}</div>'


def _errors(told: Told) -> Iterator[str]:
    fields = sorted(told.fields.items(), key=lambda each: (-_seen(each[1].silent), -_seen(each[1].review)))
    wrong = [(path, each) for path, each in fields if _seen(each.silent) + _seen(each.review) > 0][:MOST]
    if wrong:
        yield _table(("field", "seen", "silently wrong", "a person sees"), (_field(*each) for each in wrong))
    steps = [(name, each) for name, each in told.steps.items() if _seen(each.right) < 1]
    if steps:
        yield _table(("step", "runs", "silently wrong", "a person sees"), (_row(*each) for each in steps))
    for tag, values in told.tags.items():
        worst = sorted(values.items(), key=lambda each: _seen(each[1].right))[:MOST]
        yield _table((escape(tag), "runs", "silently wrong", "a person sees"), (_row(*each) for each in worst))
    if told.wrong:
        cases = sorted(told.wrong.items(), key=lambda each: -each[1])[: 3 * MOST]
        yield f'<p class="small">Silently wrong at least once: {escape(", ".join(case for case, _ in cases))}</p>'
    elif not wrong:
        yield "<p>There are none.</p>"


def _field(path: str, each: FieldSummary) -> tuple[str, ...]:
    return escape(path), f"{each.seen}", _share(each.silent), _share(each.review)


def _row(name: str, each: Summary) -> tuple[str, ...]:
    return escape(name), f"{each.runs}", _share(each.silent), _share(each.review)


def _bars(report: Report) -> Iterator[str]:
    missed = [
        f"{held.candidate} misses its bar of {held.bar}, {held.sense} {held.limit:g}"
        for held in report.held
        if not held.ok
    ]
    worse = [f"{each.name} has become worse than {each.against} (p = {each.worse:.3g})" for each in report.regressions]
    if missed or worse:
        yield f"<h2>Stated and not reached</h2>{_list([*missed, *worse])}"


def _notes(report: Report, exam: Exam, whole: Summary) -> Iterator[str]:
    yield "A candidate that is a model's role answers alone at every step that asks one; pack is the pack as it is."
    yield f"{_limits(exam)} State your own in exam/exam.toml, under [bars]."
    yield "An interval holds the true figure in 95 of 100 such exams; cases of one document count together."
    if not whole.silent.value and whole.silent.high is not None:
        yield f"No silent error was seen; so few cases prove no better than {100 * whole.silent.high:.2g} %."
    unseen = len(exam.of("hold"))
    if exam.pack.calibration and report.cases > unseen:
        yield f"The pack goes by what tune and certify cases told; {unseen} cases it has not seen: --split hold."
    if exam.settings.human_cost is not None:
        yield f"A person who does a case alone costs {exam.settings.human_cost} USD, as the pack states."
    yield f"For assist, to check a proposal is taken for {100 * CHECKING:g} % of the work of doing the case."
    yield f"This exam cost {report.spent:.4f} USD. All figures are in report.json."


def _limits(exam: Exam) -> str:
    """Where the figures asked for come from."""
    bars, own = exam.settings.bars, "as the pack states"
    right = own if bars.right is not None else f"{100 * RIGHT:g} % unless stated"
    silent = own if bars.silent is not None else "what the pack's steps promise (alpha) unless stated"
    return f"Asked for: of right cases, {right}; of silently wrong ones, {silent}."


def _table(head: Sequence[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Cells are HTML."""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{body}</table>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _share(found: Estimate) -> str:
    if found.value is None:
        return "-"
    return f'{_figure(found.value, "share")} <span class="small">{_interval(found, "share")}</span>'


def _interval(found: Estimate, unit: str) -> str:
    if found.low is None or found.high is None:
        return ""
    return f"{_figure(found.low, unit)} to {_figure(found.high, unit)}"


def _figure(value: float, unit: str) -> str:
    return f"{100 * value:.1f} %" if unit == "share" else f"{plain(value)} USD"


def _seen(found: Estimate) -> float:
    return found.value or 0.0
