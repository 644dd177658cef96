"""Traps: the ways in which systematic mistakes fall on the sources of a field, one by one and together."""

from collections.abc import Sequence
from math import prod

Trapped = tuple[int, ...]
"""By source: the number of the mistake that it makes on the case; -1 where it makes none."""

Ways = tuple[tuple[float, Trapped], ...]
"""Every way with its probability."""


def ways(rates: Sequence[float], shares: Sequence[Sequence[float]]) -> Ways:
    """Each source in turn makes a mistake that an earlier one made, or one of its own, or none.

    `rates` of systematic mistakes, the highest first; `shares` of an earlier source's mistakes that a later one makes
    too, by both.
    """
    found: dict[Trapped, float] = {(): 1.0}
    for place, rate in enumerate(rates):
        follow = [_follow(rates[first], rate, shares[first][place]) for first in range(place)]
        taken = sum(p * (1 - _clear(way, follow)) for way, p in found.items())
        own = max(0.0, rate - taken) / (1 - taken) if taken < 1 else 0.0
        found = {grown: p for way, before in found.items() for grown, p in _grown(way, before, follow, own)}
    return tuple((p, way) for way, p in found.items() if p > 0)


def given_bins(found: Ways, rates: Sequence[float], sure: Sequence[float]) -> Ways:
    """The ways on cases on which the sources are so sure that they make mistakes at the rates `sure`.

    Bayes: P(bin | trapped) is P(trapped | bin) P(bin) / P(trapped).
    """
    told = enumerate(zip(rates, sure, strict=True))
    odds = [(i, now / s, (1 - now) / (1 - s)) for i, (s, now) in told if now != s and 0 < s < 1]
    if not odds:
        return found
    weighed = [(p * prod(free if way[i] < 0 else caught for i, caught, free in odds), way) for p, way in found]
    whole = sum(p for p, _ in weighed)
    return tuple((p / whole, way) for p, way in weighed if p > 0)


def _grown(way: Trapped, before: float, follow: Sequence[float], own: float) -> list[tuple[Trapped, float]]:
    """The way with one more source: it follows a mistake made so far, makes its own, or none."""
    grown, clear = list[tuple[Trapped, float]](), before
    for root in _roots(way):
        grown.append(((*way, root), clear * follow[root]))
        clear *= 1 - follow[root]
    return [*grown, ((*way, len(way)), clear * own), ((*way, -1), clear * (1 - own))]


def _follow(first: float, other: float, share: float) -> float:
    """Two sources cannot share more mistakes than either makes."""
    return min(share, other / first) if first else 0.0


def _roots(way: Trapped) -> list[int]:
    return [place for place, root in enumerate(way) if root == place]


def _clear(way: Trapped, follow: Sequence[float]) -> float:
    return prod(1 - follow[root] for root in _roots(way))
