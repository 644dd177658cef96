"""Tuning: the ladder of a step that keeps a promise at least cost, searched on one split and certified on another."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from agentflow.engine.trust.figures import Rung, Tuned
from agentflow.exams.certify import Certificate, Promise, Scored, advice, certify, first_look
from agentflow.exams.ladder import REFUSED, Bars, Climb, Done, Silent, cheapest, done, place
from agentflow.exams.ladder_replay import Asked, Skips, Weighing, climbs
from agentflow.exams.router import route

TIGHTER = (1.0, 0.7, 0.5, 0.35)
"""Parts of alpha that bars are chosen for: a ladder that just keeps alpha on one split seldom proves it on another."""
MOST_CALLS = 4
"""Rungs of a ladder; more were asked for by none that was cheapest."""


@dataclass(frozen=True)
class Wish:
    """What is asked of a step's ladder."""

    promise: Promise
    review: float
    """USD that a person's look at a case costs."""
    most: float | None = None
    """USD that the calls of a case may cost in the mean."""


@dataclass(frozen=True)
class Option:
    """A ladder and what it made of the cases that it was chosen on."""

    rungs: tuple[str, ...]
    bars: Bars
    done: Done
    proven: float
    """The share of cases that it would accept if only what these cases prove were accepted."""
    calls: float
    """USD a case."""

    def total(self, review: float) -> float:
        """USD a case with the people who do what is not proven."""
        return self.calls + review * (1 - self.proven)


@dataclass(frozen=True)
class Found:
    """A step's best ladder, and what the other split proves of it."""

    step: str
    wish: Wish
    option: Option
    skips: Skips
    """The rungs that cases of a kind are not asked at."""
    certificate: Certificate
    done: Done
    """On the split that certifies, with the certified bar."""
    others: tuple[Option, ...]
    """The best ladders of other sources, the cheapest first."""
    told: tuple[str, ...]
    """For people: what is proven, and how many more cases would prove what."""

    @property
    def ladder(self) -> Tuned | None:
        """As calibration.json keeps it; None where nothing is proven."""
        bar = self.certificate.bar
        if bar is None:
            return None
        promise = self.wish.promise
        about = (
            f"silent error <= {promise.alpha:g} at {1 - promise.delta:.0%} confidence: {self.certificate.wrong} wrong "
            f"of {self.certificate.accepted} accepted, of {self.certificate.of} cases that it was not chosen on"
        )
        return tuned(self.option.rungs, self.option.bars, bar, about, self.skips)


def tuned(rungs: Sequence[str], bars: Sequence[float], bar: float = 0.0, about: str = "", skips: Skips = ()) -> Tuned:
    """A ladder as calibration.json keeps it. `bars` above 1 are those of rungs whose answer is never taken alone."""
    no_skips: Skips = [{} for _ in rungs]
    kept = (
        Rung(source=source, bar=None if least > 1 else max(least, 0.0), skip=_values(skip))
        for source, least, skip in zip(rungs, bars, skips or no_skips, strict=True)
    )
    return Tuned(rungs=tuple(kept), bar=bar, about=about)


def _values(skip: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {feature: tuple(values) for feature, values in skip.items()}


def tune(step: str, search: Sequence[Asked], held: Sequence[Asked], weighing: Weighing, wish: Wish) -> Found | None:
    """The cheapest ladder by the cases of `search`, certified on those of `held`; None where no ladder can be tried.

    What is certified is one ladder and one bar, chosen before `held` is looked at but for the bar, whose choice the
    bound allows for.
    """
    ranked = sorted(options(search, weighing, wish), key=lambda option: option.total(wish.review))
    if not ranked:
        return None
    best = ranked[0]
    skips = route(search, best.rungs, best.bars, weighing, wish.review)
    tried, other = (climbs(cases, best.rungs, weighing, skips) for cases in (search, held))
    on_search = scored(tried, best.bars)
    certificate = certify_ladder(other, best.bars, wish.promise, on_search, len(tried))
    bar = certificate.bar
    made = done(_above(other, best.bars, bar), best.bars, wish.review)
    rest = {frozenset(option.rungs): option for option in reversed(ranked) if set(option.rungs) != set(best.rungs)}
    others = tuple(sorted(rest.values(), key=lambda option: option.total(wish.review)))
    told = tuple(advice(certificate, on_search, len(tried)))
    return Found(step, wish, best, skips, certificate, made, others, told)


def certify_ladder(
    held: Sequence[Climb], bars: Bars, promise: Promise, tried: Sequence[Scored] = (), of: int = 0
) -> Certificate:
    """How far an answer that the ladder takes must be trusted; `tried` are those it took of `of` other cases."""
    first = first_look(tried, promise, of) if of else 0.0
    return certify(scored(held, bars), promise, first=first, of=len(held))


def scored(cases: Sequence[Climb], bars: Bars) -> list[Scored]:
    """The answers that the ladder takes."""
    taken = ((climb, place(climb, bars)) for climb in cases)
    return [Scored(climb[at].sure, not climb[at].right) for climb, at in taken if at is not None]


def _above(cases: Sequence[Climb], bars: Bars, bar: float | None) -> list[Climb]:
    """The cases with what is trusted less than the certified bar taken out of reach."""
    least = 2.0 if bar is None else bar
    return [_reviewed(climb) if _is_below(climb, bars, least) else climb for climb in cases]


def _is_below(climb: Climb, bars: Bars, least: float) -> bool:
    at = place(climb, bars)
    return at is not None and climb[at].sure < least


def _reviewed(climb: Climb) -> Climb:
    return tuple(replace(rung, sure=REFUSED) for rung in climb)


def options(search: Sequence[Asked], weighing: Weighing, wish: Wish) -> Iterator[Option]:
    """Every ladder that the answers allow, with its best bars."""
    for rungs in ladders(search, weighing):
        tried = climbs(search, rungs, weighing)
        for part in TIGHTER:
            found = cheapest(tried, Silent(part * wish.promise.alpha, wish.review)) if tried else None
            if found is None or not found.done.accepted:
                continue
            calls = (found.done.cost - wish.review * (found.done.cases - found.done.accepted)) / found.done.cases
            if wish.most is None or calls <= wish.most:
                proven = certify(scored(tried, found.bars), wish.promise, of=len(tried)).coverage
                yield Option(rungs, found.bars, found.done, proven, calls)


def ladders(search: Sequence[Asked], weighing: Weighing) -> Iterator[tuple[str, ...]]:
    """Sources in order of price, each as often as it has answered every case and as a ladder is long."""
    price, least = defaultdict[str, float](float), dict[str, int]()
    for case in search:
        for source, attempts in case.attempts.items():
            price[source] += sum(float(attempt.cost) for attempt in attempts) / max(1, len(attempts))
            least[source] = min(least.get(source, MOST_CALLS), len(attempts))
    names = sorted(least, key=lambda source: (price[source], source))
    most = [1 if source in weighing.code else min(2, least[source]) for source in names]
    for counts in product(*(range(n + 1) for n in most)):
        if 0 < sum(counts) <= MOST_CALLS:
            yield tuple(name for name, count in zip(names, counts, strict=True) for _ in range(count))
