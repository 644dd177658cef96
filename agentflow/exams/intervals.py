"""Intervals: shares, means and quantiles of runs that are clustered, several of one case and cases of one vendor."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentflow.engine.trust.figures import Rate

Z = 1.959963984540054
"""Two-sided 95 %."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where nothing was seen that tells it."""

    value: float | None
    low: float | None
    high: float | None
    worth: float | None = None
    """Of a share: as many independent rows would tell it as well."""


NOTHING = Estimate(None, None, None)


def share(rows: Iterable[tuple[str, float]]) -> Estimate:
    """A share of rows, each with its cluster and 0, 1 or what lies between.

    Wilson's interval (1927) of as many independent rows as the clustered ones are worth: their number over the design
    effect, the ratio of the linearised variance between clusters to that of independent rows (Kish, 1965), less what
    few clusters leave in doubt (Korn and Graubard, 1998). Where all rows are alike the effect
    cannot be seen; no more rows than clusters are counted then.
    """
    sums = _sums((cluster, value, 1.0) for cluster, value in rows)
    n = sum(count for _, count in sums)
    if not n:
        return NOTHING
    p = sum(value for value, _ in sums) / n
    independent = worth(p, sums)
    return Estimate(p, *wilson(p, independent), independent)


def worth(p: float, sums: Sequence[tuple[float, float]]) -> float:
    """As how many independent rows so many in clusters count, given each cluster's sum and rows, and their share."""
    n, clusters = sum(count for _, count in sums), len(sums)
    independent = p * (1 - p) / n if n else 0.0
    if independent <= 1e-12 or clusters < 2:
        return float(clusters)
    variance = clusters / (clusters - 1) * sum((value - p * count) ** 2 for value, count in sums) / n**2
    return (min(n, n * independent / variance) if variance > 0 else n) * (Z / student(clusters - 1)) ** 2


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Cornish and Fisher's expansion), within 1 % from four degrees on."""
    first = (Z**3 + Z) / (4 * freedom)
    return Z + first + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)


def wilson(p: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share `p` of `n` independent rows."""
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


def ratio(rows: Iterable[tuple[str, float, float]]) -> Estimate:
    """The sum of one thing over the sum of another, by clusters: linearised (Cochran, 1977, section 6.4)."""
    sums = _sums(rows)
    below, clusters = sum(count for _, count in sums), len(sums)
    if not below:
        return NOTHING
    value = sum(above for above, _ in sums) / below
    if clusters < 2:
        return Estimate(value, None, None)
    spread = sum((above - value * count) ** 2 for above, count in sums)
    half = Z * math.sqrt(clusters / (clusters - 1) * spread) / below
    return Estimate(value, value - half, value + half)


def quantile(rows: Sequence[tuple[str, float]], q: float) -> Estimate:
    """The `q` quantile; its ends are the quantiles at the ends of the share's own interval (Woodruff, 1952)."""
    if not rows:
        return NOTHING
    values = sorted(value for _, value in rows)
    found = values[_place(q, len(values))]
    sums = _sums((cluster, float(value <= found), 1.0) for cluster, value in rows)
    below = sum(value for value, _ in sums) / len(rows)
    low, high = wilson(q, worth(below, sums))
    return Estimate(found, values[_place(low, len(values))], values[_place(high, len(values))])


def by_key(rows: Iterable[tuple[K, T]]) -> Mapping[K, list[T]]:
    """The rows of each key."""
    found: dict[K, list[T]] = defaultdict(list)
    for key, row in rows:
        found[key].append(row)
    return found


def _place(q: float, n: int) -> int:
    return min(n - 1, max(0, math.ceil(q * n) - 1))


def _sums(rows: Iterable[tuple[str, float, float]]) -> list[tuple[float, float]]:
    above: dict[str, float] = defaultdict(float)
    below: dict[str, float] = defaultdict(float)
    for cluster, value, count in rows:
        above[cluster] += value
        below[cluster] += count
    return [(above[cluster], below[cluster]) for cluster in above]


def of_rate(rate: Rate) -> Estimate:
    """A counted rate with the middle 95 % of its Beta law."""
    if rate.hits <= 0 or rate.misses <= 0:
        return Estimate(rate.mean, *((0.0, 1.0) if rate.hits + rate.misses == 0 else (rate.mean, rate.mean)))
    low, high = (_beta_quantile(part, rate.hits, rate.misses) for part in (0.025, 0.975))
    return Estimate(rate.mean, low, high)


def _beta_quantile(part: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_below(middle, a, b) < part else (low, middle)
    return (low + high) / 2


def beta_below(x: float, a: float, b: float) -> float:
    """P(X <= x) of a Beta law: the regularised incomplete beta function, as its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_below(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """1 / (1 + d1 / (1 + d2 / (1 + ...))), by Lentz's method."""
    above, below = 1.0, 1 / _off_zero(1 - (a + b) * x / (a + 1))
    value = below
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            below, above = 1 / _off_zero(1 + step * below), _off_zero(1 + step / above)
            value *= below * above
        if abs(below * above - 1) < 1e-10:
            break
    return value


def _off_zero(x: float) -> float:
    return x if abs(x) > 1e-30 else 1e-30
