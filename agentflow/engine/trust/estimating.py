"""Estimating: the figures of a step, counted from an exam's answers to cases whose truth is known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log
from typing import Any, NamedTuple

from agentflow.engine.trust.evidence import UNANSWERED, Ties
from agentflow.engine.trust.figures import (
    CODE,
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
from agentflow.engine.trust.law import answers, caught, source_law
from agentflow.engine.trust.observing import Observation

ROUNDS = 30
"""Of expectation and maximisation; rates of 1 % stand to four digits after ten."""
ALIKE = tuple(1 - (1 - (i + 0.5) / 16) ** (1 / 8) for i in range(16))
"""How alike the answers to one case may be, 1 / (spread + 1): sixteen equal parts of Beta(1, 8), whose mean is the
prior's spread of 8."""

Unit = tuple[str | int, str]
"""One field of one case."""


class Tally(NamedTuple):
    """What one source said of one field of one case, over all its calls."""

    right: int
    wrong: tuple[tuple[Any, int], ...]
    """By wrong value."""
    empty: int
    """Answers that leave the field empty though it has a value."""
    misses: int
    """Calls without an answer."""
    fillable: bool
    """True if the field has a value."""

    @property
    def slips(self) -> int:
        """Wrong answers, whatever they say."""
        return sum(count for _, count in self.wrong)

    @property
    def stuck(self) -> bool:
        """Whether all answers are the same wrong value."""
        return len(self.wrong) == 1 and not self.right and not self.empty


Tallies = Mapping[Unit, Tally]


@dataclass(frozen=True)
class Fit:
    """A source's figures, and how likely each unit is to be one of its systematic mistakes."""

    figures: SourceFigures
    trapped: Mapping[Unit, float]


def estimate(
    observations: Iterable[Observation], *, ties: Ties | None = None, code: frozenset[str] = frozenset()
) -> StepFigures:
    """The figures of a step from an exam, on top of the priors.

    Every source is asked several times a case: a mistake that it makes once is told from one that it always makes
    by what it says the other times; from one call a case both keep their priors. `ties` names the fields that checks
    hold against each other, `code` the sources that are functions.
    """
    rows = [row for row in observations if row.fault is None or row.fault in UNANSWERED]
    faults = _faults(rows)
    units = _tallies(rows)
    patterns: dict[str, dict[str, dict[Unit, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for (source, unit), tally in units.items():
        patterns[pattern_of(unit[1])][source][unit] = tally
    said = _said(rows, ties or {})
    fields = {p: _field(by_source, faults, said.get(p, {}), code) for p, by_source in patterns.items()}
    together = _pooled(patterns.values())
    every = _field(together, faults, {}, code)
    return StepFigures(every=every, fields=fields, identities=_identities(rows, ties or {}), calls=_calls(rows))


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
    return Tally(right, tuple(wrong.items()), empty, misses, rows[0].truth is not None)


def _pooled(patterns: Iterable[Mapping[str, Tallies]]) -> dict[str, dict[Unit, Tally]]:
    pooled: dict[str, dict[Unit, Tally]] = defaultdict(dict)
    for by_source in patterns:
        for source, tallies in by_source.items():
            pooled[source] |= tallies
    return pooled


def _field(
    by_source: Mapping[str, Tallies],
    faults: Mapping[str, tuple[int, int]],
    checks: dict[str, CheckFigures],
    code: frozenset[str],
) -> FieldFigures:
    priors = {source: CODE if source in code else SourceFigures() for source in by_source}
    fits: dict[str, Fit] = {}
    values = SourceFigures().wrong_values
    for _ in range(2):
        fits = {s: _fit(tallies, priors[s], faults.get(s, (0, 0)), values) for s, tallies in by_source.items()}
        values = _wrong_values(by_source, fits)
    sources = {s: fit.figures.model_copy(update={"wrong_values": values}) for s, fit in fits.items()}
    return FieldFigures(sources=sources, shared=_shared(by_source, fits), checks=checks)


def _fit(tallies: Tallies, prior: SourceFigures, faults: tuple[int, int], values: float) -> Fit:
    """Expectation and maximisation: which units are systematic mistakes by the rates, the rates by the units."""
    kinds = Counter((t.right, t.slips, t.misses, t.stuck, t.empty > 0, t.fillable) for t in tallies.values())
    figures = prior.model_copy(update={"fault": prior.fault.seen(*faults)})
    for _ in range(ROUNDS):
        figures = _better(kinds, figures, prior, values)
    figures = _honest(kinds, figures, prior, faults, values)
    return Fit(figures, {u: _trapped(figures, t.right, t.slips, t.misses, t.stuck, values) for u, t in tallies.items()})


Kind = tuple[int, int, int, bool, bool, bool]
"""Right answers, wrong ones, calls without one, all the same wrong value, some left empty, could be filled."""


def _better(kinds: Mapping[Kind, int], now: SourceFigures, prior: SourceFigures, values: float) -> SourceFigures:
    caught_, free, wrong, right, left_out, filled = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for (rights, slips, misses, stuck, empty, fillable), units in kinds.items():
        if rights + slips:
            trapped = _trapped(now, rights, slips, misses, stuck, values)
            caught_ += units * trapped
            free += units * (1 - trapped)
            wrong += units * (1 - trapped) * slips
            right += units * (1 - trapped) * rights
        elif empty:
            free += units
        if fillable and (rights + slips or empty):
            left_out += units * empty
            filled += units * (not empty)
    return now.model_copy(
        update={
            "systematic": prior.systematic.seen(caught_, free),
            "slip": prior.slip.seen(wrong, right),
            "abstain": prior.abstain.seen(left_out, filled),
            "spread": None if prior.spread is None else _spread(kinds, now, values),
        }
    )


def _trapped(figures: SourceFigures, right: int, slips: int, misses: int, stuck: bool, values: float) -> float:
    """How likely a unit is to be a systematic mistake."""
    if not stuck:
        return 0.0
    here, there = _both(figures, right, slips, misses, values)
    return here / (here + there) if here + there else 0.0


def _both(figures: SourceFigures, right: int, slips: int, misses: int, values: float) -> tuple[float, float]:
    """How likely such answers are as a systematic mistake, and as chance."""
    law = source_law("", figures)
    here = law.systematic * caught(law, right + slips, misses) / values
    return here, (1 - law.systematic) * answers(law, right, slips, misses, values)


def _spread(kinds: Mapping[Kind, int], now: SourceFigures, values: float) -> float:
    """The posterior mean of how alike the answers to a case are, as a spread."""
    logs: list[float] = []
    for alike in ALIKE:
        figures, total = now.model_copy(update={"spread": 1 / alike - 1}), 0.0
        for (right, slips, misses, stuck, _, _), units in kinds.items():
            here, there = _both(figures, right, slips, misses, values)
            total += units * log((here if stuck else 0.0) + there)
        logs.append(total)
    weights = [exp(each - max(logs)) for each in logs]
    mean = sum(w * a for w, a in zip(weights, ALIKE, strict=True)) / sum(weights)
    return 1 / mean - 1


def _honest(
    kinds: Mapping[Kind, int], now: SourceFigures, prior: SourceFigures, faults: tuple[int, int], values: float
) -> SourceFigures:
    """The rates with no more said to be counted than is known.

    Of systematic mistakes, what is lost because chance may have made them (Louis, 1982); of slips and faults, what
    is lost because answers to one case are alike: a case of n answers is worth n / (1 + (n - 1) alike).
    """
    units = unsure = answered = squares = 0.0
    for (right, slips, misses, stuck, _, _), n in kinds.items():
        trapped = _trapped(now, right, slips, misses, stuck, values)
        units += n * (right + slips > 0)
        unsure += n * trapped * (1 - trapped)
        answered += n * (right + slips)
        squares += n * (right + slips) ** 2
    rate = now.systematic.mean
    lost = min(1.0, unsure / (units * rate * (1 - rate))) if units and 0 < rate < 1 else 0.0
    alike = 0.0 if now.spread is None else 1 / (now.spread + 1)
    worth = 1 / (1 + (squares / answered - 1) * alike) if answered else 1.0
    return now.model_copy(
        update={
            "systematic": _worth(now.systematic, prior.systematic, 1 - lost),
            "slip": _worth(now.slip, prior.slip, worth),
            "fault": prior.fault.seen(worth * faults[0], worth * faults[1]),
        }
    )


def _worth(rate: Rate, prior: Rate, worth: float) -> Rate:
    """The rate with what was counted taken for so much of it."""
    return prior.seen(worth * (rate.hits - prior.hits), worth * (rate.misses - prior.misses))


def _wrong_values(by_source: Mapping[str, Tallies], fits: Mapping[str, Fit]) -> float:
    """One by the share of pairs of slips that agree; the prior is two pairs, of which one does."""
    slips: dict[Unit, list[tuple[Any, int, float]]] = defaultdict(list)
    for source, tallies in by_source.items():
        for unit, tally in tallies.items():
            free = 1 - fits[source].trapped[unit]
            slips[unit] += [(value, count, free) for value, count in tally.wrong if free > 0]
    agree = pairs = 0.0
    for found in slips.values():
        same = sum(free * count * (count - 1) / 2 for _, count, free in found)
        agree, pairs = agree + same, pairs + same
        for (a, n, p), (b, m, q) in combinations(found, 2):
            agree, pairs = agree + (n * m * p * q if a == b else 0.0), pairs + n * m * p * q
    return max(1.0, (pairs + 2) / (agree + 1))


def _shared(by_source: Mapping[str, Tallies], fits: Mapping[str, Fit]) -> dict[str, Rate]:
    """By pair: of the systematic mistakes of whichever makes more of them, those that the other makes too."""
    found: dict[str, Rate] = {}
    for one, other in combinations(sorted(by_source), 2):
        first, second = sorted((one, other), key=lambda source: -fits[source].figures.systematic.mean)
        hits = misses = 0.0
        for unit, tally in by_source[first].items():
            trapped = fits[first].trapped[unit]
            beside = by_source[second].get(unit)
            if trapped and beside and (beside.right or beside.wrong):
                same = beside.stuck and beside.wrong[0][0] == tally.wrong[0][0]
                both = trapped * fits[second].trapped[unit] if same else 0.0
                hits, misses = hits + both, misses + trapped - both
        found[pair(one, other)] = Rate(hits=1 + hits, misses=1 + misses)
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
