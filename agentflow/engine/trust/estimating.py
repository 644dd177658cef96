"""Estimating: the figures of a step, counted from an exam's answers to cases whose truth is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from agentflow.engine.trust.binning import bins_of, edges_of
from agentflow.engine.trust.evidence import UNANSWERED, Ties
from agentflow.engine.trust.figures import (
    IDENTITY,
    Calls,
    CheckFigures,
    FieldFigures,
    Rate,
    SourceFigures,
    StepFigures,
    pair,
    pattern_of,
)
from agentflow.engine.trust.fitting import Fit, Tallies, Tally, Unit, fit
from agentflow.engine.trust.observing import Observation
from agentflow.engine.trust.pooling import HALF, Counts, beside, first_of_all, wrong_values

BINS = 6


def estimate(
    observations: Iterable[Observation],
    *,
    ties: Ties | None = None,
    code: frozenset[str] = frozenset(),
    edges: Mapping[str, Sequence[float]] | None = None,
) -> StepFigures:
    """The figures of a step from an exam, on top of the priors.

    Every source is asked several times a case: a mistake that it makes once is told from one that it always makes
    by what it says the other times; one call a case divides them as the priors do. `ties` names the fields that
    checks hold against each other, `code` the sources that are functions. Where a source says how sure it is, its
    rates are told by bins of equal size, or by those with the upper edges of `edges`, by source.
    """
    rows = [row for row in observations if row.fault is None or row.fault in UNANSWERED]
    patterns: dict[str, dict[str, dict[Unit, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for (source, unit), tally in _tallies(rows).items():
        patterns[pattern_of(unit[1])][source][unit] = tally
    start = first_of_all({row.source for row in rows}, code)
    exam, said = _Exam(_faults(rows), edges or {}), _said(rows, ties or {})
    alone = {pattern: exam.counted(tallies, start) for pattern, tallies in patterns.items()}
    fields = {
        pattern: exam.figures(tallies, beside(start, [each for p, each in alone.items() if p != pattern]))
        for pattern, tallies in patterns.items()
    }
    return StepFigures(
        every=exam.figures(_pooled(patterns.values()), start),
        fields={p: each.model_copy(update={"checks": said[p]}) if p in said else each for p, each in fields.items()},
        identities=_identities(rows, ties or {}),
        calls=_calls(rows),
    )


@dataclass(frozen=True)
class _Exam:
    """What all fields have in common."""

    faults: Mapping[str, tuple[int, int]]
    edges: Mapping[str, Sequence[float]]

    def counted(self, by_source: Mapping[str, Tallies], start: Counts) -> Counts:
        """What a field's answers add to `start`."""
        return self._fitted(by_source, start)[0]

    def figures(self, by_source: Mapping[str, Tallies], start: Counts) -> FieldFigures:
        """The figures of a field that starts from `start`."""
        counts, fits = self._fitted(by_source, start)
        sources = {name: self._binned(name, by_source[name], found.figures) for name, found in fits.items()}
        return FieldFigures(sources=sources, shared={key: counts.shared[key] for key in sorted(counts.shared)})

    def _fitted(self, by_source: Mapping[str, Tallies], start: Counts) -> tuple[Counts, Mapping[str, Fit]]:
        fits: dict[str, Fit] = {}
        agree = start.agree
        for _ in range(2):
            values = wrong_values(agree)
            fits = {
                name: fit(tallies, start.sources[name], self.faults.get(name, (0, 0)), values)
                for name, tallies in by_source.items()
            }
            agree = _agree(by_source, fits, start.agree)
        sources = {
            name: found.figures.model_copy(update={"wrong_values": wrong_values(agree)}) for name, found in fits.items()
        }
        fits = {name: replace(found, figures=sources[name]) for name, found in fits.items()}
        return Counts(sources, agree, _shared(by_source, fits, start)), fits

    def _binned(self, source: str, tallies: Tallies, figures: SourceFigures) -> SourceFigures:
        edges = self.edges.get(source) or edges_of(tallies, BINS)
        return figures.model_copy(update={"bins": bins_of(tallies, figures, tuple(edges))})


def _faults(rows: Sequence[Observation]) -> dict[str, tuple[int, int]]:
    """By source: calls without an answer, and with one."""
    calls = {(row.source, row.case, row.trial): row.fault is not None for row in rows}
    missed = Counter(source for (source, _, _), fault in calls.items() if fault)
    made = Counter(source for (source, _, _), fault in calls.items() if not fault)
    return {source: (missed[source], made[source]) for source in missed | made}


def _tallies(rows: Sequence[Observation]) -> dict[tuple[str, Unit], Tally]:
    """By source and unit. A call without an answer is one of every field of its case."""
    said: dict[tuple[str, Unit], list[Observation]] = defaultdict(list)
    missed: Counter[tuple[str, str | int]] = Counter()
    for row in rows:
        if row.fault is None:
            said[row.source, (row.case, row.path)].append(row)
    for source, case, _ in {(row.source, row.case, row.trial) for row in rows if row.fault is not None}:
        missed[source, case] += 1
    return {key: _tally(found, missed[key[0], key[1][0]]) for key, found in said.items()}


def _tally(rows: Sequence[Observation], misses: int) -> Tally:
    wrong = Counter(row.value for row in rows if row.value != row.truth and row.value is not None)
    empty = sum(row.value is None and row.truth is not None for row in rows)
    right = len(rows) - wrong.total() - empty
    told = (row for row in rows if row.confidence is not None and (row.value is not None or row.truth is None))
    sure = tuple((row.confidence or 0.0, row.value == row.truth) for row in told)
    return Tally(right, tuple(wrong.items()), empty, misses, rows[0].truth is not None, sure)


def _pooled(patterns: Iterable[Mapping[str, Tallies]]) -> dict[str, dict[Unit, Tally]]:
    pooled: dict[str, dict[Unit, Tally]] = defaultdict(dict)
    for by_source in patterns:
        for source, tallies in by_source.items():
            pooled[source] |= tallies
    return pooled


def _agree(by_source: Mapping[str, Tallies], fits: Mapping[str, Fit], before: Rate) -> Rate:
    """The share of pairs of slips that agree, whoever made them."""
    slips: dict[Unit, list[tuple[Any, int, float]]] = defaultdict(list)
    for source, tallies in by_source.items():
        for unit, tally in tallies.items():
            free = 1 - fits[source].trapped[unit]
            slips[unit] += [(value, count, free) for value, count in tally.wrong if free > 0]
    agree = apart = 0.0
    for found in slips.values():
        agree += sum(free * count * (count - 1) / 2 for _, count, free in found)
        for (a, n, p), (b, m, q) in combinations(found, 2):
            pairs = n * m * p * q
            agree, apart = agree + (pairs if a == b else 0.0), apart + (0.0 if a == b else pairs)
    return before.seen(agree, apart)


def _shared(by_source: Mapping[str, Tallies], fits: Mapping[str, Fit], start: Counts) -> dict[str, Rate]:
    """By pair: of the systematic mistakes of whichever makes more of them, those that the other makes too."""
    found: dict[str, Rate] = {}
    for one, other in combinations(sorted(by_source), 2):
        first, second = sorted((one, other), key=lambda source: -fits[source].figures.systematic.mean)
        hits = misses = 0.0
        for unit, tally in by_source[first].items():
            trapped = fits[first].trapped[unit]
            beside = by_source[second].get(unit)
            if trapped and beside and (beside.kind.given):
                same = beside.kind.stuck and beside.wrong[0][0] == tally.wrong[0][0]
                both = trapped * fits[second].trapped[unit] if same else 0.0
                hits, misses = hits + both, misses + trapped - both
        key = pair(one, other)
        found[key] = start.shared.get(key, HALF).seen(hits, misses)
    return found


def _said(rows: Sequence[Observation], ties: Ties) -> dict[str, dict[str, CheckFigures]]:
    """By pattern and check; a value counts once. Left out is a check that never objects: its passing says nothing."""
    verdicts: dict[tuple[str, str, Unit, Any], tuple[bool, bool]] = {}
    for row in rows:
        for name, objects in row.said.items():
            if name not in ties and row.fault is None:
                key = (pattern_of(row.path), name, (row.case, row.path), row.value)
                before = verdicts.get(key, (True, True))[0]
                verdicts[key] = (before and objects, row.value == row.truth)
    counted: Counter[tuple[str, str, bool, bool]] = Counter()
    for (pattern, name, _, _), (objects, right) in verdicts.items():
        counted[pattern, name, right, objects] += 1
    found: dict[str, dict[str, CheckFigures]] = defaultdict(dict)
    for pattern, name in {(p, n) for p, n, _, objects in counted if objects}:
        spoken = {key[2:]: n for key, n in counted.items() if key[:2] == (pattern, name)}
        found[pattern][name] = _check(CheckFigures(), spoken)
    return found


def _check(prior: CheckFigures, spoken: Mapping[tuple[bool, bool], int]) -> CheckFigures:
    """`spoken`: how often, by whether the value was right and whether the check objected."""

    def rate(before: Rate, right: bool) -> Rate:
        return before.seen(spoken.get((right, True), 0), spoken.get((right, False), 0))

    return CheckFigures(catch=rate(prior.catch, False), alarm=rate(prior.alarm, True))


def _identities(rows: Sequence[Observation], ties: Ties) -> dict[str, CheckFigures]:
    """By check that ties fields: of answers whose tied fields all have a value; the same set of values counts once."""
    answered: dict[tuple[str, str | int, int], list[Observation]] = defaultdict(list)
    for row in rows:
        if row.fault is None:
            answered[row.source, row.case, row.trial].append(row)
    found: dict[str, CheckFigures] = {}
    for name, paths in ties.items():
        sets: dict[Any, tuple[bool, bool]] = {}
        for call in answered.values():
            tied = [row for row in call if name in row.said and (pattern_of(row.path) in paths or row.path in paths)]
            if len(tied) > 1 and all(row.value is not None for row in tied):
                values = frozenset((row.path, row.value) for row in tied)
                sets[tied[0].case, values] = all(r.value == r.truth for r in tied), any(r.said[name] for r in tied)
        if sets:
            found[name] = _check(IDENTITY, Counter(sets.values()))
    return found


def _calls(rows: Sequence[Observation]) -> dict[str, Calls]:
    """What a call of each source took on average."""
    calls = {(row.source, row.case, row.trial): row for row in rows}
    by_source: dict[str, list[Observation]] = defaultdict(list)
    for (source, _, _), row in calls.items():
        by_source[source].append(row)
    return {
        source: Calls(
            cost=float(sum(row.cost for row in made)) / len(made), seconds=sum(row.seconds for row in made) / len(made)
        )
        for source, made in by_source.items()
    }
