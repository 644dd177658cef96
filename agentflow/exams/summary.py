"""Summary: what a candidate's marks come to, each figure with its 95 % interval clustered by vendor or document."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from agentflow.exams.intervals import Estimate, by_key, quantile, ratio, share
from agentflow.exams.scoring import FieldMark, Mark, Marks, Result


@dataclass(frozen=True)
class Summary:
    """What marks come to."""

    cases: int
    clusters: int
    runs: int
    right: Estimate
    silent: Estimate
    """Wrong, and nobody was told."""
    review: Estimate
    failed: Estimate
    passes: tuple[Estimate, ...]
    """pass^1 ... pass^K: the share of cases of which so many trials are all right."""
    consistency: Estimate
    """The share of pairs of trials of a case that come to the same."""
    cost: Estimate
    """USD a run."""
    cost_per_right: Estimate
    """USD a right outcome: all that was spent over those that came out right."""
    p50: Estimate
    """Seconds."""
    p95: Estimate


@dataclass(frozen=True)
class FieldSummary:
    """What became of one field over all runs."""

    seen: int
    right: Estimate
    silent: Estimate
    review: Estimate


@dataclass(frozen=True)
class Told:
    """All of a candidate's figures."""

    candidate: str
    whole: Summary
    fields: Mapping[str, FieldSummary]
    """By `Record.path`, `*` for the places of a list."""
    steps: Mapping[str, Summary]
    step_fields: Mapping[str, Mapping[str, FieldSummary]]
    tags: Mapping[str, Mapping[str, Summary]]
    """By tag and its value."""
    wrong: Mapping[str, int]
    """By case: how many of its runs were silently wrong."""


def told_of(marks: Marks) -> Told:
    """The figures of a candidate."""
    return Told(
        candidate=marks.candidate,
        whole=summary_of(marks.whole),
        fields=fields_of(marks.whole),
        steps={name: summary_of(each) for name, each in marks.steps.items()},
        step_fields={name: fields_of(each) for name, each in marks.steps.items()},
        tags=_tags(marks.whole),
        wrong=Counter(mark.case for mark in marks.whole if mark.result == "wrong"),
    )


def summary_of(marks: Sequence[Mark]) -> Summary:
    """The figures of some runs, one at least."""
    cases = by_key((mark.case, mark) for mark in marks)
    trials = min((len(each) for each in cases.values()), default=0)

    def part(result: Result) -> Estimate:
        return share((mark.group, float(mark.result == result)) for mark in marks)

    return Summary(
        cases=len(cases),
        clusters=len({mark.group for mark in marks}),
        runs=len(marks),
        right=part("right"),
        silent=part("wrong"),
        review=part("review"),
        failed=part("failed"),
        passes=tuple(_passes(cases, k) for k in range(1, trials + 1)),
        consistency=share((each[0].group, _same(each)) for each in cases.values() if len(each) > 1),
        cost=ratio((mark.group, float(mark.cost), 1.0) for mark in marks),
        cost_per_right=ratio((mark.group, float(mark.cost), float(mark.result == "right")) for mark in marks),
        p50=quantile([(mark.group, mark.seconds) for mark in marks], 0.5),
        p95=quantile([(mark.group, mark.seconds) for mark in marks], 0.95),
    )


def fields_of(marks: Sequence[Mark]) -> dict[str, FieldSummary]:
    """The figures of each field."""
    rows = by_key((each.path, (mark.group, each)) for mark in marks for each in mark.fields)
    return {path: _field(each) for path, each in sorted(rows.items())}


def _field(rows: Sequence[tuple[str, FieldMark]]) -> FieldSummary:
    def part(result: Result) -> Estimate:
        return share((group, float(each.result == result)) for group, each in rows)

    return FieldSummary(len(rows), part("right"), part("wrong"), part("review"))


def _tags(marks: Sequence[Mark]) -> dict[str, dict[str, Summary]]:
    found = by_key(((name, value), mark) for mark in marks for name, value in mark.tags.items())
    tags: dict[str, dict[str, Summary]] = {}
    for (name, value), each in sorted(found.items()):
        tags.setdefault(name, {})[value] = summary_of(each)
    return tags


def _passes(cases: Mapping[str, Sequence[Mark]], k: int) -> Estimate:
    """Of n trials of a case with c right, k that are drawn without putting back are all right C(c, k) / C(n, k) of the
    time: the mean over cases estimates pass^k without bias (tau-bench, 2024)."""
    rows = ((each[0].group, _all_right(each, k)) for each in cases.values() if len(each) >= k)
    return share(rows)


def _all_right(marks: Sequence[Mark], k: int) -> float:
    return comb(sum(mark.result == "right" for mark in marks), k) / comb(len(marks), k)


def _same(marks: Sequence[Mark]) -> float:
    pairs = comb(len(marks), 2)
    return sum(comb(n, 2) for n in Counter((mark.result, mark.came) for mark in marks).values()) / pairs
