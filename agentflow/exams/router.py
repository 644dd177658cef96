"""The router: rungs that cases of a kind are better not asked at, by what is known before anybody is asked.

For each rung and each value of a feature the ladder is replayed with and without the rung. It is skipped where that
costs less by more than chance: by the one-sided interval of the mean difference, its level divided by the number of
kinds looked at. What is silently wrong then is for the certificate to say, which counts the cases as routed.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist, fmean, stdev

from agentflow.exams.ladder import Bars, Climb, place
from agentflow.exams.ladder_replay import Asked, Skips, Weighing, climbs

LEAST, MOST_KINDS = 20, 12
"""Cases of a kind that tell anything; values of a feature that are kinds, and no names."""
LEVEL = 0.05


def route(cases: Sequence[Asked], rungs: Sequence[str], bars: Bars, weighing: Weighing, review: float) -> Skips:
    """By rung: the values of features whose cases skip it. `review` is USD."""
    kinds = list(_kinds(cases))
    tests = max(1, len(kinds) * len(rungs))
    z = NormalDist().inv_cdf(1 - LEVEL / tests)
    skips: list[dict[str, tuple[str, ...]]] = [{} for _ in rungs]
    for feature, value in kinds:
        own = [case for case in cases if case.features.get(feature) == value]
        worst = _saving(own, rungs, bars, weighing, review, feature, value, z)
        if worst is not None:
            skips[worst][feature] = (*skips[worst].get(feature, ()), value)
    return tuple(skips)


def _kinds(cases: Sequence[Asked]) -> Iterator[tuple[str, str]]:
    """Features and values that enough cases have."""
    count: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for case in cases:
        for feature, value in case.features.items():
            count[feature][value] += 1
    for feature, values in count.items():
        if len(values) <= MOST_KINDS:
            yield from ((feature, value) for value, n in values.items() if LEAST <= n < len(cases))


def _saving(
    cases: Sequence[Asked],
    rungs: Sequence[str],
    bars: Bars,
    weighing: Weighing,
    review: float,
    feature: str,
    value: str,
    z: float,
) -> int | None:
    """The rung whose leaving out saves most, where that is no chance; None where there is none."""
    before = [_cost(climb, bars, review) for climb in climbs(cases, rungs, weighing)]
    best, found = 0.0, None
    for j in range(len(rungs)):
        skip: list[Mapping[str, Sequence[str]]] = [{feature: (value,)} if i == j else {} for i in range(len(rungs))]
        after = [_cost(climb, bars, review) for climb in climbs(cases, rungs, weighing, skip)]
        saved = [b - a for b, a in zip(before, after, strict=True)]
        if len(saved) >= LEAST and (low := fmean(saved) - z * stdev(saved) / math.sqrt(len(saved))) > best:
            best, found = low, j
    return found


def _cost(climb: Climb, bars: Bars, review: float) -> float:
    at = place(climb, bars)
    return sum(rung.cost for rung in climb[: len(climb) if at is None else at + 1]) + (review if at is None else 0.0)
