"""Comparing: two runs of the same cases, paired: what broke, what mended, and whether chance alone would do that."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

from agentflow.exams.intervals import Estimate, by_key
from agentflow.exams.scoring import Mark

FLIPS, DRAWS = 4000, 1000
"""Of the test by permutation, and of the bootstrap."""
EXACT = 500
"""Clusters that differ of which the law of their sum is worked out."""
LEVEL = 0.05
"""A regression is significant where chance alone makes one this large no more often."""


@dataclass(frozen=True)
class Change:
    """How a share differs between two runs, by the pairs of one case and trial that differ."""

    before: float
    now: float
    difference: Estimate
    """Now less before; bootstrap of the clusters."""
    fewer: int
    """Pairs of which only the earlier is in the share."""
    more: int
    """Pairs of which only the later is."""
    p: float
    """McNemar's exact test (1947), two-sided, of pairs that are independent; of clusters, that of their sums."""


@dataclass(frozen=True)
class Comparison:
    """Two candidates on the same cases."""

    name: str
    against: str
    pairs: int
    right: Change
    silent: Change
    worse: float
    """P that chance alone makes the worse of both changes, fewer right or more silently wrong, so large."""
    better: float
    broke: tuple[str, ...]
    """Cases that are right less often than they were."""
    mended: tuple[str, ...]

    @property
    def regression(self) -> bool:
        """Whether it has become worse, and not by chance."""
        return self.worse <= LEVEL


Pair = tuple[Mark, Mark]
Step = tuple[str, int, int]
"""Of one pair: its cluster, and by how much right and silently wrong have risen, each -1, 0 or 1."""


def compare(name: str, now: Sequence[Mark], against: str, before: Sequence[Mark], *, seed: int = 1) -> Comparison:
    """The comparison over the runs that both have, a case and trial each. Raises ValueError where there are none."""
    earlier = {(mark.case, mark.trial): mark for mark in before}
    pairs = [(earlier[mark.case, mark.trial], mark) for mark in now if (mark.case, mark.trial) in earlier]
    if not pairs:
        raise ValueError(f"{name} and {against} have no case in common")
    worse, better = by_chance(pairs, seed)
    broke, mended = _turned(pairs)
    return Comparison(
        name=name,
        against=against,
        pairs=len(pairs),
        right=_change(pairs, "right", seed),
        silent=_change(pairs, "wrong", seed),
        worse=worse,
        better=better,
        broke=broke,
        mended=mended,
    )


def holm(comparisons: Sequence[Comparison], level: float = LEVEL) -> list[Comparison]:
    """Those that have become worse, of several looked at together (Holm, 1979)."""
    found: list[Comparison] = []
    for place, each in enumerate(sorted(comparisons, key=lambda each: each.worse)):
        if each.worse > level / (len(comparisons) - place):
            break
        found.append(each)
    return found


def by_signs(rises: Sequence[int]) -> float:
    """The two-sided p of the clusters' sum where each may as well have come out the other way round.

    Exact up to EXACT clusters that differ, McNemar's test where each is one pair; above, by the normal law (Durkalski,
    2003), which deceives too often among few: at 8 clusters of one size in 7.5 % of runs at a level of 5 %.
    """
    sizes, total = Counter(abs(rise) for rise in rises if rise), abs(sum(rises))
    if sizes.total() > EXACT:
        return _two_sided(total / sqrt(sum(n * size**2 for size, n in sizes.items())))
    law = {0: 1.0}
    for size, n in sizes.items():
        law = _with_signs(law, size, n)
    return min(1.0, sum(p for found, p in law.items() if abs(found) >= total))


def _with_signs(law: Mapping[int, float], size: int, n: int) -> dict[int, float]:
    """The law of a sum with `n` more that are `size` or its opposite."""
    found: dict[int, float] = defaultdict(float)
    for ups in range(n + 1):
        chance, moved = comb(n, ups) / 2**n, size * (2 * ups - n)
        for before, p in law.items():
            found[before + moved] += p * chance
    return found


def _rise(before: Mark, now: Mark, result: str) -> int:
    return int(now.result == result) - int(before.result == result)


def by_chance(pairs: Sequence[Pair], seed: int = 1) -> tuple[float, float]:
    """P of a change as bad, and of one as good, where earlier and later could as well change places.

    The signs of whole clusters are flipped, of right and silently wrong together, and the larger of both standardised
    changes is looked at (Westfall and Young, 1993): one test, however the two hang together.
    """
    rng = random.Random(seed)  # noqa: S311 - draws samples, hides nothing
    sums = _of_clusters([(b.group, _rise(b, n, "right"), _rise(b, n, "wrong")) for b, n in pairs])
    right, silent = (sqrt(sum(each[i] ** 2 for each in sums)) or 1.0 for i in (0, 1))
    alike = Counter(each for each in map(_upright, sums) if any(each))
    kinds = [(n, one / right, other / silent) for (one, other), n in alike.items()]
    good, bad = _extremes(sum(one for one, _ in sums) / right, sum(other for _, other in sums) / silent)
    as_bad = as_good = 1
    for _ in range(FLIPS):
        up, down = _flipped(kinds, rng)
        as_bad += down >= bad - 1e-9
        as_good += up >= good - 1e-9
    return as_bad / (FLIPS + 1), as_good / (FLIPS + 1)


def _extremes(right: float, silent: float) -> tuple[float, float]:
    """How much better, and how much worse."""
    return max(right, -silent), max(-right, silent)


def _flipped(kinds: Sequence[tuple[int, float, float]], rng: random.Random) -> tuple[float, float]:
    """`kinds`: how many clusters have changed alike, and how."""
    right = silent = 0.0
    for n, one, other in kinds:
        sign = 2 * rng.getrandbits(n).bit_count() - n
        right, silent = right + sign * one, silent + sign * other
    return _extremes(right, silent)


def _upright(each: tuple[int, int]) -> tuple[int, int]:
    """A change and its opposite are one kind: either is flipped into the other."""
    return max(each, (-each[0], -each[1]))


def _of_clusters(steps: Sequence[Step]) -> list[tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for cluster, right, silent in steps:
        before = found.get(cluster, (0, 0))
        found[cluster] = (before[0] + right, before[1] + silent)
    return list(found.values())


def _change(pairs: Sequence[Pair], result: str, seed: int) -> Change:
    rises = [(before.group, _rise(before, now, result)) for before, now in pairs]
    fewer, more = sum(rise < 0 for _, rise in rises), sum(rise > 0 for _, rise in rises)
    clusters = [(sum(each), len(each)) for each in by_key(rises).values()]
    return Change(
        before=sum(before.result == result for before, _ in pairs) / len(pairs),
        now=sum(now.result == result for _, now in pairs) / len(pairs),
        difference=_bootstrap(clusters, random.Random(seed)),  # noqa: S311 - draws samples, hides nothing
        fewer=fewer,
        more=more,
        p=by_signs([rise for rise, _ in clusters]),
    )


def _two_sided(z: float) -> float:
    return 2 * (1 - NormalDist().cdf(abs(z)))


def _bootstrap(clusters: Sequence[tuple[int, int]], rng: random.Random) -> Estimate:
    """The mean difference, with the middle 95 % of what clusters drawn with putting back give."""
    value = sum(rise for rise, _ in clusters) / sum(n for _, n in clusters)
    if len(clusters) < 2:
        return Estimate(value, None, None)
    drawn = sorted(_drawn(clusters, rng) for _ in range(DRAWS))
    return Estimate(value, drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS) - 1])


def _drawn(clusters: Sequence[tuple[int, int]], rng: random.Random) -> float:
    picked = rng.choices(clusters, k=len(clusters))
    return sum(rise for rise, _ in picked) / sum(n for _, n in picked)


def _turned(pairs: Sequence[Pair]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases that are right less often than before, and those that are more often."""
    rises = {case: sum(each) for case, each in by_key((n.case, _rise(b, n, "right")) for b, n in pairs).items()}
    return tuple(c for c, rise in rises.items() if rise < 0), tuple(c for c, rise in rises.items() if rise > 0)
