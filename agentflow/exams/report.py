"""Report: what an exam has found, as report.json says it: figures, bars, and what changed against another run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any, Literal

from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, StepFigures
from agentflow.exams.cases import Bars, Exam
from agentflow.exams.comparing import Comparison, holm
from agentflow.exams.intervals import Estimate, of_rate
from agentflow.exams.summary import Summary, Told

Sense = Literal["at least", "at most"]


@dataclass(frozen=True)
class Held:
    """A figure of a candidate held against a bar of the pack's."""

    candidate: str
    bar: str
    sense: Sense
    limit: float
    found: Estimate

    @property
    def ok(self) -> bool:
        """False too where nothing was seen that tells it."""
        if self.found.value is None:
            return False
        return self.found.value >= self.limit if self.sense == "at least" else self.found.value <= self.limit

    @property
    def sure(self) -> bool:
        """Whether the whole interval is on the good side."""
        end = self.found.low if self.sense == "at least" else self.found.high
        return end is not None and (end >= self.limit if self.sense == "at least" else end <= self.limit)


@dataclass(frozen=True)
class Report:
    """What an exam has found."""

    pack: str
    cases: int
    trials: int
    step: str | None
    spent: Decimal
    """USD, all starts of the exam together."""
    complete: bool
    """False where the money ended first, or models were away."""
    told: tuple[Told, ...]
    held: tuple[Held, ...]
    comparisons: tuple[Comparison, ...] = ()
    unreached: int = 0
    """Runs that met no model; the next start does them."""
    figures: Figures = field(default_factory=Figures)
    """How each source errs, as calibration.json has it."""

    @property
    def regressions(self) -> list[Comparison]:
        """The candidates that have become worse, and not by chance."""
        return holm(self.comparisons)

    @property
    def ok(self) -> bool:
        """Whether every stated bar is reached and nothing has become worse."""
        return all(held.ok for held in self.held) and not self.regressions


def held_of(told: Sequence[Told], bars: Bars) -> tuple[Held, ...]:
    """Every candidate against every bar that is stated."""
    return tuple(held for each in told for held in _held(each.candidate, each.whole, bars))


def _held(name: str, whole: Summary, bars: Bars) -> list[Held]:
    cost = None if bars.cost is None else float(bars.cost)
    found: list[tuple[str, Sense, float | None, Estimate]] = [
        ("right", "at least", bars.right, whole.right),
        ("silent", "at most", bars.silent, whole.silent),
        ("passes", "at least", bars.passes, whole.passes[-1] if whole.passes else Estimate(None, None, None)),
        ("cost", "at most", cost, whole.cost_per_right),
        ("seconds", "at most", bars.seconds, whole.p95),
    ]
    return [Held(name, bar, sense, limit, each) for bar, sense, limit, each in found if limit is not None]


def as_json(report: Report, exam: Exam) -> dict[str, Any]:
    """The content of report.json. Every figure is `{"value", "low", "high"}` with its 95 % interval, null where none.

    `candidates` have `end_to_end`, `fields`, `steps`, `tags` and `silently_wrong`, runs by case; `sources`, by step,
    how often each source errs, what two of them share and what each check catches; `bars` and `comparisons` have what
    decides the exit code.
    """
    human = exam.settings.human_cost
    return {
        "pack": report.pack,
        "pack_version": exam.pack.version,
        "cases": report.cases,
        "trials": report.trials,
        "step": report.step,
        "spent": str(report.spent),
        "complete": report.complete,
        "unreached": report.unreached,
        "human_cost": None if human is None else str(human),
        "ok": report.ok,
        "candidates": {each.candidate: _candidate(each) for each in report.told},
        "bars": [plain(held) | {"ok": held.ok, "sure": held.sure} for held in report.held],
        "sources": {
            name: _sources(each.every) | {"checks": _checks(each)} for name, each in report.figures.steps.items()
        },
        "comparisons": [plain(each) | {"regression": each in report.regressions} for each in report.comparisons],
    }


def _sources(every: FieldFigures) -> dict[str, Any]:
    rates = ("systematic", "slip", "fault", "abstain")
    found = {
        name: {rate: plain(of_rate(getattr(each, rate))) for rate in rates} for name, each in every.sources.items()
    }
    return {"errs": found, "shared": {pair: plain(of_rate(rate)) for pair, rate in every.shared.items()}}


def _checks(figures: StepFigures) -> dict[str, Any]:
    """What each check catches of the wrong values of a field, and alarms of the right ones; of an identity, of all."""
    by_field = {path: _said(each.checks) for path, each in figures.fields.items() if each.checks}
    return by_field | ({"*": _said(figures.identities)} if figures.identities else {})


def _said(checks: Mapping[str, CheckFigures]) -> dict[str, Any]:
    return {
        name: {rate: plain(of_rate(getattr(each, rate))) for rate in ("catch", "alarm")}
        for name, each in checks.items()
    }


def _candidate(told: Told) -> dict[str, Any]:
    return {
        "end_to_end": plain(told.whole),
        "fields": plain(told.fields),
        "steps": {name: plain(each) | {"fields": plain(told.step_fields[name])} for name, each in told.steps.items()},
        "tags": plain(told.tags),
        "silently_wrong": dict(sorted(told.wrong.items(), key=lambda each: -each[1])),
    }


def plain(value: Any) -> Any:
    """Frozen values as JSON; amounts of money as text."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON is anything
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType] - as above
    return value
