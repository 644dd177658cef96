"""The law of one field: how likely its sources are to answer so, if a value is the right one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import comb
from typing import NamedTuple

from agentflow.engine.trust.figures import CODE, UNSEEN, FieldFigures, SourceFigures
from agentflow.engine.trust.traps import Trapped, Ways, given_bins, ways

UNMEASURED = (0.05, 0.5)
"""How often an unmeasured check is taken to object to a right value, and to a wrong one; its passing says nothing."""


@dataclass(frozen=True, slots=True)
class SourceLaw:
    """One source's rates."""

    name: str
    systematic: float
    slip: float
    abstain: float
    fault: float
    spread: float | None


@dataclass(frozen=True, eq=False)
class Law:
    """The rates of a field's sources, each for itself and together. Two laws are the same only if they are one."""

    sources: tuple[SourceLaw, ...]
    wrong_values: float
    trapped: Ways
    """Every way in which systematic mistakes can fall on the sources, with its probability."""
    checks: dict[str, tuple[float, float]]
    """By check: how often it objects to a right value, and to a wrong one."""
    places: dict[str, int] = field(default_factory=dict[str, int])
    """By source: its place in every tuple that has an entry a source."""


class Verdict(NamedTuple):
    """How likely the checks were to say what they said of a value, if it is right and if it is wrong."""

    right: float = 1.0
    wrong: float = 1.0
    blocked: bool = False
    """True if a check keeps the value from leaving its step."""


class Pattern(NamedTuple):
    """All that was said of a field, without the values themselves."""

    counts: tuple[tuple[int, ...], ...] = ()
    """By candidate, then by source: how often it gave the value."""
    verdicts: tuple[Verdict, ...] = ()
    """By candidate."""
    empty: int = -1
    """Which candidate is the empty value; -1 where none is."""
    misses: tuple[int, ...] = ()
    """By source: calls that ended without an answer."""


def field_law(
    figures: FieldFigures, sources: Sequence[str], code: frozenset[str], bins: Mapping[str, int] | None = None
) -> Law:
    """The law of a field that `sources` are asked for; those in `code` are functions.

    `bins` says how sure of their values the sources are that have spoken: the law is then that of such cases.
    """
    found = {name: source_figures(figures, name, code) for name in sources}
    order = sorted(sources, key=lambda name: -found[name].systematic.mean)
    laws = tuple(source_law(name, found[name]) for name in order)
    checks = {name: (each.alarm.mean, each.catch.mean) for name, each in figures.checks.items()}
    wrong_values = min((each.wrong_values for each in found.values()), default=1.0)
    sure = tuple(_in_bin(law, found[law.name], (bins or {}).get(law.name, UNSEEN)) for law in laws)
    traps = ways([law.systematic for law in laws], [[figures.overlap(a, b) for b in order] for a in order])
    traps = given_bins(traps, [law.systematic for law in laws], [law.systematic for law in sure])
    return Law(sure, wrong_values, traps, checks, {name: i for i, name in enumerate(order)})


def source_figures(figures: FieldFigures, name: str, code: frozenset[str]) -> SourceFigures:
    """A source's figures for a field, or its prior."""
    return figures.sources.get(name, CODE if name in code else SourceFigures())


def verdict(law: Law, objections: dict[str, int], passed: Sequence[str]) -> Verdict:
    """What checks say of a value: `objections` by check, with how many fields each speaks of at once."""
    right = wrong = 1.0
    for name, fields in objections.items():
        alarm, catch = law.checks.get(name, UNMEASURED)
        catch = max(catch, UNMEASURED[1])
        # One of several fields is wrong: the objection speaks against each of them by its share.
        right, wrong = right * max(alarm, catch * (fields - 1) / fields), wrong * catch
    for name in passed:
        if name in law.checks:
            alarm, catch = law.checks[name]
            right, wrong = right * (1 - alarm), wrong * (1 - catch)
    return Verdict(right, wrong, blocked=1 in objections.values())


@lru_cache(400_000)
def weigh(law: Law, pattern: Pattern) -> tuple[float, ...]:
    """The posterior probability of each candidate; what is missing to 1 belongs to values that nobody gave.

    With n answers of one source, c of them t: L(t) = (1-s)(1-e)^c (e/M)^(n-c) + s [all equal, not t]/M. Sources
    multiply, except that mistakes which they share are one event: the sum runs over who is trapped by which.
    """
    count = len(pattern.counts)
    values = max(law.wrong_values, count - 1)
    active = tuple(i for i in range(len(law.sources)) if _spoke(pattern, i))
    trapped = _told_apart(law, active)
    given = [frozenset(v for v in range(count) if pattern.counts[v][i]) for i in active]
    stuck = [_stuck(law.sources[i], pattern, i) for i in active]
    total: list[float] = []
    for truth in range(count + 1):
        free = [_free(law.sources[i], pattern, i, truth, values) for i in active]
        likelihood = sum(p * _together(way, given, free, stuck, truth, values) for p, way in trapped)
        for value, said in enumerate(pattern.verdicts):
            likelihood *= said.right if value == truth else said.wrong
        total.append(likelihood)
    total[-1] *= max(values + 1 - count, 0.0)
    whole = sum(total)
    return tuple(each / whole for each in total[:-1]) if whole else (0.0,) * count


def agreeing(law: Law, pattern: Pattern, candidate: int, votes: tuple[int, ...]) -> Pattern:
    """The pattern after further answers that all give `candidate`; a new value where it is none of those given."""
    rows = list(pattern.counts)
    verdicts = pattern.verdicts
    if candidate == len(rows):
        rows.append((0,) * len(law.sources))
        verdicts = (*verdicts, verdict(law, {}, tuple(law.checks)))
    rows[candidate] = tuple(a + b for a, b in zip(rows[candidate], votes, strict=True))
    return pattern._replace(counts=tuple(rows), verdicts=verdicts, misses=pattern.misses or (0,) * len(law.sources))


def source_law(name: str, figures: SourceFigures) -> SourceLaw:
    """The rates' means."""
    return SourceLaw(
        name,
        figures.systematic.mean,
        figures.slip.mean,
        figures.abstain.mean,
        figures.fault.mean,
        figures.spread,
    )


def _in_bin(law: SourceLaw, figures: SourceFigures, place: int) -> SourceLaw:
    if place == UNSEEN:
        return law
    found = figures.bins[place]
    return replace(law, systematic=found.systematic.mean, slip=found.slip.mean, spread=found.spread)


@lru_cache(4096)
def _told_apart(law: Law, active: tuple[int, ...]) -> Ways:
    """The ways as the sources that spoke can tell them apart."""
    found: dict[Trapped, float] = {}
    for p, way in law.trapped:
        names: dict[int, int] = {-1: -1}
        seen = tuple(names.setdefault(way[i], len(names) - 1) for i in active)
        found[seen] = found.get(seen, 0.0) + p
    return tuple((p, way) for way, p in found.items())


def _spoke(pattern: Pattern, source: int) -> bool:
    return bool(pattern.misses and pattern.misses[source]) or any(row[source] for row in pattern.counts)


def _together(
    way: Trapped,
    given: Sequence[frozenset[int]],
    free: Sequence[float],
    stuck: Sequence[float],
    truth: int,
    values: float,
) -> float:
    """The likelihood of all answers if the sources are trapped in this way."""
    likelihood = 1.0
    said: dict[int, frozenset[int]] = {}
    for place, root in enumerate(way):
        likelihood *= free[place] if root < 0 else stuck[place]
        if root >= 0:
            said[root] = said.get(root, frozenset()) | given[place]
    for value in said.values():
        if len(value) > 1 or truth in value:
            return 0.0
        likelihood /= values if value else 1.0
    return likelihood


def _free(law: SourceLaw, pattern: Pattern, source: int, truth: int, values: float) -> float:
    """The likelihood of a source's answers where it is not trapped."""
    right, wrong, left_out = 0, 0, False
    for value, row in enumerate(pattern.counts):
        if value == truth:
            right = row[source]
        elif value == pattern.empty:
            left_out = row[source] > 0
        else:
            wrong += row[source]
    misses = pattern.misses[source] if pattern.misses else 0
    abstains = 1.0 if truth == pattern.empty else (law.abstain if left_out else 1 - law.abstain)
    return abstains * answers(law, right, wrong, misses, values)


def _stuck(law: SourceLaw, pattern: Pattern, source: int) -> float:
    given = sum(row[source] for row in pattern.counts)
    return caught(law, given, pattern.misses[source] if pattern.misses else 0)


def answers(law: SourceLaw, right: int, wrong: int, misses: int, values: float) -> float:
    """How likely a source that is not trapped is to answer so.

    (1-e)^right (e/M)^wrong; the mean of it over the cases where they are not all alike (beta-binomial law). How
    failures divide into misses and slips is left out where it says nothing: it is the same for every truth.
    """
    if law.spread is None:
        return (1 - law.slip) ** right * (law.slip / values) ** wrong
    fails, form = _failures(law)
    hard, easy = law.spread * fails, law.spread * (1 - fails)
    share = _rise(easy, law.spread, right) * _rise(hard, law.spread + right, wrong + misses)
    return share * ((1 - form) / values) ** wrong


def caught(law: SourceLaw, given: int, misses: int) -> float:
    """How likely a trapped source is to answer as often as it did; which value it gives is told elsewhere.

    As likely as one that is not: the sum over how many of its answers would have been slips.
    """
    if law.spread is None or not law.fault:
        return 1.0
    return sum(comb(given, slips) * answers(law, given - slips, slips, misses, 1.0) for slips in range(given + 1))


def _failures(law: SourceLaw) -> tuple[float, float]:
    """The share of calls that fail in either way, and the share of those that give no answer."""
    fails = law.fault + (1 - law.fault) * law.slip
    return fails, law.fault / fails if fails else 0.0


def _rise(start: float, whole: float, steps: int) -> float:
    """start (start + 1) ... over whole (whole + 1) ..., so many steps."""
    product = 1.0
    for i in range(steps):
        product *= (start + i) / (whole + i)
    return product
