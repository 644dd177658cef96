"""Exact facts about counted errors: what so many wrong of so many accepted prove, and how far one may look."""

import math
from collections.abc import Sequence
from functools import lru_cache

CLOSE = 40
"""Halvings of a bracket: far below what a count of cases can tell apart."""


def at_most(errors: int, n: int, rate: float) -> float:
    """P(no more than `errors` of `n`) where each is wrong with chance `rate`: the binomial distribution function."""
    if errors < 0:
        return 0.0
    if errors >= n or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    odds, log_none = rate / (1 - rate), n * math.log1p(-rate)
    if log_none > -700:
        term = total = math.exp(log_none)
        for k in range(1, errors + 1):
            term *= (n - k + 1) / k * odds
            total += term
        return min(1.0, total)
    logs = (_log_mass(k, n, rate) for k in range(errors + 1))
    return min(1.0, math.fsum(math.exp(log) for log in logs))


def _log_mass(k: int, n: int, rate: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return ways + k * math.log(rate) + (n - k) * math.log1p(-rate)


def upper(errors: int, n: int, delta: float) -> float:
    """The rate that `errors` of `n` are too few for at confidence 1 - delta (Clopper, Pearson 1934); 1 for n = 0."""
    if errors >= n:
        return 1.0
    low, high = errors / n, 1.0
    for _ in range(CLOSE):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(errors, n, middle) > delta else (low, middle)
    return high


def lower(errors: int, n: int, delta: float) -> float:
    """The rate that `errors` of `n` are too many for at confidence 1 - delta; 0 for n = 0."""
    return 1 - upper(n - errors, n, delta) if n else 0.0


def floor(n: int, delta: float) -> float:
    """What `n` accepted cases without an error prove: 1 - delta^(1/n), about ln(1/delta)/n. No exam proves less."""
    return 1 - delta ** (1 / n) if n else 1.0


def allowed(n: int, alpha: float, level: float) -> list[int]:
    """By number of accepted cases, from 0 to `n`: the most errors whose p-value against `alpha` is at most `level`.

    -1 where even no error proves nothing yet.
    """
    found, most, mass, below = [-1], -1, 0.0, 0.0
    for m in range(1, n + 1):
        # Of one case more: P(at most k) falls by alpha P(k); P(k) itself is then that of m cases.
        below -= alpha * mass
        mass = mass * (1 - alpha) * m / (m - most) if most >= 0 else 0.0
        while True:
            step = (1 - alpha) ** m if most < 0 else mass * (m - most) / (most + 1) * alpha / (1 - alpha)
            if below + step > level:
                break
            most, mass, below = most + 1, step, below + step
        found.append(most)
    return found


@lru_cache(512)
def looking(n: int, alpha: float, delta: float, first: int) -> tuple[int, ...]:
    """The most errors among the first m accepted, for m from 0 to `n`, so that whoever looks at every m from `first`
    on is deceived with probability `delta` at most, where every case is wrong with chance `alpha` or more.

    The boundary of a sequential test: the exact levels of `allowed` at the one level at which a walk of errors at
    rate `alpha` ever comes to lie on or below it with probability `delta`.
    """
    low, high = delta / 1000, delta
    for _ in range(12):
        middle = math.sqrt(low * high)
        low, high = (
            (middle, high) if _crossed(_from(first, allowed(n, alpha, middle)), alpha) <= delta else (low, middle)
        )
    return tuple(_from(first, allowed(n, alpha, low)))


def _from(first: int, boundary: Sequence[int]) -> list[int]:
    return [-1 if m < first else most for m, most in enumerate(boundary)]


def _crossed(boundary: Sequence[int], alpha: float) -> float:
    """P(a walk that steps up with chance `alpha` is ever on or below the boundary)."""
    top = boundary[-1] + 1
    alive, crossed, lowest = [1.0] + [0.0] * top, 0.0, 0
    for m in range(1, len(boundary)):
        highest = min(m, top)
        for k in range(highest, lowest, -1):
            alive[k] = alive[k] * (1 - alpha) + alive[k - 1] * alpha
        alive[lowest] *= 1 - alpha
        for k in range(lowest, boundary[m] + 1):
            crossed, alive[k], lowest = crossed + alive[k], 0.0, k + 1
    return crossed


def power(n: int, rate: float, alpha: float, delta: float) -> float:
    """P(so many accepted cases, wrong at `rate`, prove that it is below `alpha`)."""
    return at_most(allowed(n, alpha, delta)[n], n, rate)


def needed(alpha: float, delta: float, errors: int = 0) -> int:
    """Accepted cases, `errors` of them wrong, that prove a rate of `alpha` at most."""
    low, high = errors, errors + 1
    while at_most(errors, high, alpha) > delta:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at_most(errors, middle, alpha) <= delta else (middle, high)
    return high
