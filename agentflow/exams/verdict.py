"""Verdict: whether a job can be left to a candidate, by three conditions, and what would change that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from agentflow.exams.cases import Exam, Settings
from agentflow.exams.intervals import Estimate, wilson
from agentflow.exams.report import Report, Sense
from agentflow.exams.summary import Summary, Told

Word = Literal["automate", "assist", "not yet"]
Stands = Literal["yes", "open", "no"]
"""`open`: the interval holds the limit, and more cases would tell."""

RIGHT, SILENT = 0.5, 0.01
"""Asked for where a pack states no bars: half of the cases without a person, one in a hundred silently wrong."""
CHECKING = 0.25
"""What it takes a person to check a proposal, of what it takes to do the case."""
MOST_CASES = 1_000_000


@dataclass(frozen=True)
class Condition:
    """One of the three."""

    name: str
    found: Estimate
    limit: float | None
    """None where the pack states none that it could be held against."""
    sense: Sense
    unit: Literal["share", "USD"] = "share"
    more: int | None = None
    """Cases more that would settle it, were they as these; None where it is settled, or none would help."""

    @property
    def stands(self) -> Stands:
        """Whether it holds for the whole interval, for none of it, or for a part."""
        if self.limit is None or self.found.value is None or self.found.low is None or self.found.high is None:
            return "open"
        good, bad = (
            (self.found.low, self.found.high) if self.sense == "at least" else (-self.found.high, -self.found.low)
        )
        limit = self.limit if self.sense == "at least" else -self.limit
        return "yes" if good >= limit else "no" if bad < limit else "open"


@dataclass(frozen=True)
class Judgement:
    """What can be left to a candidate."""

    candidate: str
    word: Word
    conditions: tuple[Condition, ...]
    total: Estimate
    """USD a case, a person's work on what is not right included; nothing where no human cost is stated."""
    changes: tuple[str, ...]
    """What would change the word, in words."""


def judged(report: Report, exam: Exam) -> list[Judgement]:
    """The candidates, the one to take first."""
    found = [_judgement(each, exam) for each in report.told]
    ranked = sorted(found, key=_rank)
    return [_with_prices(each, ranked, report, exam.settings) for each in ranked]


def frontier(told: Sequence[Told]) -> list[Told]:
    """The candidates that none is both cheaper and right more often than, from the cheapest."""
    best, kept = -1.0, list[Told]()
    for each in sorted(told, key=lambda each: (each.whole.cost.value or 0, -(each.whole.right.value or 0))):
        if (each.whole.right.value or 0) > best:
            best = each.whole.right.value or 0
            kept.append(each)
    return kept


def _judgement(told: Told, exam: Exam) -> Judgement:
    whole, settings = told.whole, exam.settings
    total = _total(whole, settings)
    conditions = (
        _condition("right often enough", whole.right, _right(settings), "at least", whole),
        _condition("reliably enough", whole.silent, _silent(exam), "at most", whole),
        Condition("cheaper than a person", total, _human(settings), "at most", "USD"),
    )
    return Judgement(told.candidate, _word(whole, settings, conditions), conditions, total, tuple(_changes(conditions)))


def _condition(name: str, found: Estimate, limit: float, sense: Sense, whole: Summary) -> Condition:
    condition = Condition(name, found, limit, sense)
    more = _more(found, limit, sense, whole.cases) if condition.stands == "open" else None
    return Condition(name, found, limit, sense, more=more)


def _word(whole: Summary, settings: Settings, conditions: Sequence[Condition]) -> Word:
    """A person's work is saved by a proposal that is right so often that checking all of them costs less."""
    if all(each.stands == "yes" for each in conditions):
        return "automate"
    human, right = _human(settings), whole.right.value or 0
    cost = (whole.cost.value or 0) / human if human else 0
    return "assist" if right > CHECKING + cost and right >= RIGHT else "not yet"


def _total(whole: Summary, settings: Settings) -> Estimate:
    """What is not right is done by a person: now where it is in review, later where it was silently wrong."""
    human, cost, right = _human(settings), whole.cost, whole.right
    if human is None or cost.value is None or right.value is None:
        return Estimate(None, None, None)
    low, high = cost.low if cost.low is not None else cost.value, cost.high if cost.high is not None else cost.value
    ends = (max(0.0, low) + human * (1 - (right.high or 0)), high + human * (1 - (right.low or 0)))
    return Estimate(cost.value + human * (1 - right.value), *ends)


def _changes(conditions: Sequence[Condition]) -> Iterator[str]:
    for each in conditions:
        if each.more is not None:
            cases = "one more case" if each.more == 1 else f"{each.more:,} more cases"
            yield f"{each.name}: {cases}, as often right as these, would prove it"
        elif each.stands == "open" and each.limit is None:
            yield f"{each.name}: state human_cost, USD a case, in exam/exam.toml"
        elif each.stands != "yes" and each.unit == "share":
            yield f"{each.name}: more cases will not help, {_better(each)}"


def _better(each: Condition) -> str:
    limit = 100 * (each.limit or 0)
    return f"it has to come to {each.sense} {limit:g} %, and stands at {100 * (each.found.value or 0):.1f} %"


def _more(found: Estimate, limit: float, sense: Sense, cases: int) -> int | None:
    """Cases more until the interval is on the good side of the limit, were the share the same."""
    p, worth = found.value, found.worth
    if p is None or not worth or (p <= limit if sense == "at least" else p >= limit):
        return None
    low, high = 1, MOST_CASES
    while low < high:
        middle = (low + high) // 2
        ends = wilson(p, middle)
        good = ends[0] >= limit if sense == "at least" else ends[1] <= limit
        low, high = (low, middle) if good else (middle + 1, high)
    more = ceil(low * cases / worth) - cases
    return None if low >= MOST_CASES else max(1, more)


def _with_prices(each: Judgement, ranked: Sequence[Judgement], report: Report, settings: Settings) -> Judgement:
    """With what a fall of the candidate's price would change."""
    whole = next(told.whole for told in report.told if told.candidate == each.candidate)
    told = list(_prices(each, ranked[0], whole, settings))
    return Judgement(each.candidate, each.word, each.conditions, each.total, (*each.changes, *told))


def _prices(each: Judgement, first: Judgement, whole: Summary, settings: Settings) -> Iterator[str]:
    human, cost = _human(settings), whole.cost.value
    if human is None or not cost or whole.right.value is None or first.total.value is None:
        return
    if each.conditions[-1].stands == "no":
        yield _fall(human * whole.right.value, cost, "be cheaper than a person")
    elif each.candidate != first.candidate and each.word == first.word:
        yield _fall(first.total.value - human * (1 - whole.right.value), cost, f"be as cheap as {first.candidate}")


def _fall(affordable: float, cost: float, to: str) -> str:
    if affordable >= cost:
        return f"its price may rise by {100 * (affordable / cost - 1):.0f} % and it would still {to}"
    if affordable <= 0:
        return f"no fall of its price would make it {to}: what is not right costs too much"
    return f"its price has to fall by {100 * (1 - affordable / cost):.0f} % to {to}"


def _rank(each: Judgement) -> tuple[int, float, float]:
    words: tuple[Word, ...] = ("automate", "assist", "not yet")
    right = each.conditions[0].found.value or 0
    return words.index(each.word), each.total.value if each.total.value is not None else -right, -right


def _right(settings: Settings) -> float:
    return RIGHT if settings.bars.right is None else settings.bars.right


def _silent(exam: Exam) -> float:
    """The bar, else the loosest promise of the pack's own policies."""
    if exam.settings.bars.silent is not None:
        return exam.settings.bars.silent
    alphas = [step.policy.alpha for step in exam.pack.workflow.steps if step.policy.alpha is not None]
    return max(alphas, default=SILENT)


def _human(settings: Settings) -> float | None:
    return None if settings.human_cost is None else float(settings.human_cost)
