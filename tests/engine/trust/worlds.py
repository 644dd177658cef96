"""Worlds that answer by the law itself, drawn step by step: what the posterior is held against."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agentflow.engine.trust.buying import Need, Votes, cheapest, first_of, spared
from agentflow.engine.trust.figures import FieldFigures, Rate, SourceFigures, known, pair
from agentflow.engine.trust.law import Law, Pattern, Verdict, field_law, verdict, weigh
from agentflow.engine.trust.observing import Observation

TRUTH = 0
MISS = -1


@dataclass(frozen=True)
class Source:
    """How one source of a world errs."""

    systematic: float = 0.0
    slip: float = 0.0
    fault: float = 0.0
    spread: float | None = None


@dataclass(frozen=True)
class World:
    """Sources by name, from the one that makes most systematic mistakes; each follows the first into its own."""

    sources: Mapping[str, Source]
    overlap: float = 0.0
    """Share of the first source's systematic mistakes that each other makes too."""
    wrong: int = 3
    """Size of the space of wrong values."""
    checks: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """By check: how often it objects to a right value, and to a wrong one."""

    def figures(self) -> FieldFigures:
        """The world's own figures, known without doubt."""
        names = list(self.sources)
        sources = {
            name: SourceFigures(
                systematic=known(each.systematic),
                slip=known(each.slip),
                fault=known(each.fault),
                abstain=known(0),
                spread=each.spread,
                wrong_values=self.wrong,
            )
            for name, each in self.sources.items()
        }
        shared = {pair(a, b): known(self.overlap if a == names[0] else 0.0) for a in names for b in names if a < b}
        shared |= {pair(names[0], other): known(self.overlap) for other in names[1:]}
        return FieldFigures(sources=sources, shared=shared)

    def law(self) -> Law:
        """The law of the world."""
        return field_law(self.figures(), list(self.sources), frozenset())

    def case(self, rng: random.Random) -> "WorldCase":
        """A case: who is trapped by which value, and how hard it is for each."""
        first, *others = self.sources
        trap = {first: self._value(rng) if rng.random() < self.sources[first].systematic else None}
        for name in others:
            trap[name] = self._follow(rng, trap[first], self.sources[first].systematic, self.sources[name].systematic)
        return WorldCase(self, trap, {name: _ease(rng, each) for name, each in self.sources.items()})

    def _follow(self, rng: random.Random, before: int | None, first: float, own: float) -> int | None:
        share = min(self.overlap, own / first) if first else 0.0
        if before is not None and rng.random() < share:
            return before
        rest = (own - first * share) / (1 - first * share)
        return self._value(rng) if rng.random() < rest else None

    def _value(self, rng: random.Random) -> int:
        return rng.randint(1, self.wrong)


@dataclass(frozen=True)
class WorldCase:
    """One case of a world."""

    world: World
    trap: Mapping[str, int | None]
    fails: Mapping[str, float]

    def answer(self, name: str, rng: random.Random) -> int:
        """TRUTH, a wrong value from 1, or MISS."""
        source, fails = self.world.sources[name], self.fails[name]
        wrong = rng.random() < fails
        if wrong and rng.random() < source.fault / (source.fault + (1 - source.fault) * source.slip):
            return MISS
        trap = self.trap[name]
        return trap if trap is not None else (rng.randint(1, self.world.wrong) if wrong else TRUTH)


def pattern_of_answers(
    law: Law, said: Mapping[str, Sequence[int]], verdicts: Mapping[int, Verdict] | None = None
) -> tuple[list[int], Pattern]:
    """The values given, and the pattern of who said which."""
    values = list(dict.fromkeys(value for each in said.values() for value in each if value != MISS))
    names = [source.name for source in law.sources]
    counts = tuple(tuple(said.get(name, ()).count(value) for name in names) for value in values)
    misses = tuple(said.get(name, ()).count(MISS) for name in names)
    judged = tuple((verdicts or {}).get(value, Verdict()) for value in values)
    return values, Pattern(counts, judged, -1, misses)


@dataclass(frozen=True)
class Bought:
    """What the rule came to on one case."""

    value: int | None
    """None where a person is asked."""
    calls: Votes


def buy(
    case: WorldCase,
    rng: random.Random,
    law: Law,
    alpha: float,
    *,
    prices: Mapping[str, float],
    most: int = 5,
    pooled: bool = False,
) -> Bought:
    """Evidence bought as a step buys it, until a value is trusted 1 - alpha or no answers could make one so."""
    ladder, objects = tuple(prices), {}
    said: dict[str, list[int]] = {name: [] for name in ladder}
    while True:
        for value in (v for each in said.values() for v in each if v != MISS):
            objects.setdefault(value, _judged(case, law, value, rng))
        values, pattern = pattern_of_answers(law, said, objects)
        trust = weigh(law, pattern)
        order = sorted(range(len(values)), key=lambda i: (pattern.verdicts[i].blocked, -trust[i]))
        best = order[0] if order else None
        if best is not None and trust[best] >= 1 - alpha and not pattern.verdicts[best].blocked:
            return Bought(values[best], tuple(len(said[name]) for name in ladder))
        left = tuple(most - len(said[name]) for name in ladder)
        votes = cheapest((Need(law, pattern, 1 - alpha),), ladder, left, tuple(prices.values()))
        if votes is None:
            return Bought(None, tuple(len(said[name]) for name in ladder))
        source = ladder[first_of(votes, tuple(prices.values()))]
        if pooled and best is not None and rng.random() < spared(Need(law, turned(pattern, order), 1 - alpha), source):
            return Bought(values[best], tuple(len(said[name]) for name in ladder))
        said[source].append(case.answer(source, rng))


def turned(pattern: Pattern, order: Sequence[int]) -> Pattern:
    """The pattern with its candidates in another order."""
    counts, verdicts = (tuple(rows[i] for i in order) for rows in (pattern.counts, pattern.verdicts))
    return Pattern(counts, verdicts, pattern.empty, pattern.misses)


def exam(world: World, rng: random.Random, cases: int, trials: int, path: str = "x") -> list[Observation]:
    """Every source asked so often about every case."""
    rows: list[Observation] = []
    for number in range(cases):
        case = world.case(rng)
        for name in world.sources:
            for trial in range(trials):
                value = case.answer(name, rng)
                fault = "wrong_form" if value == MISS else None
                said = Observation(number, name, trial, path, value, TRUTH)
                rows.append(Observation(number, name, trial, fault=fault) if fault else said)
    return rows


def within(rate: Rate, truth: float, rng: random.Random) -> bool:
    """Whether the middle 95 % of the rate's Beta law hold the truth."""
    drawn = sorted(rng.betavariate(rate.hits, rate.misses) for _ in range(2000))
    return drawn[50] <= truth <= drawn[-51]


def _judged(case: WorldCase, law: Law, value: int, rng: random.Random) -> Verdict:
    rates = case.world.checks
    objects = [name for name, rate in rates.items() if rng.random() < rate[value != TRUTH]]
    return verdict(law, dict.fromkeys(objects, 1), [name for name in rates if name not in objects])


def _ease(rng: random.Random, source: Source) -> float:
    fails = source.fault + (1 - source.fault) * source.slip
    if source.spread is None or not 0 < fails < 1:
        return fails
    return rng.betavariate(source.spread * fails, source.spread * (1 - fails))
