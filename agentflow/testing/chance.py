"""Chance that can be asked twice: uniform numbers that follow from what they are asked for, and from nothing else."""

import hashlib
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from math import cos, pi, sin
from statistics import NormalDist

MASK = (1 << 64) - 1
NORMAL = NormalDist()
_STEP = 0x9E3779B97F4A7C15
_GRID = 4_096

Id = int | str
"""Cases, steps, models: an int counts as it is, a string by its hash."""


def mix(x: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the result hangs on every bit of `x`."""
    x &= MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def key(a: int, b: int = 0, c: int = 0, d: int = 0, e: int = 0) -> int:
    """64 bits that stand for up to five numbers in this order."""
    return mix(
        a * 0x9E3779B97F4A7C15
        + b * 0xD1B54A32D192ED03
        + c * 0xABC98388FB8FAC03
        + d * 0x8CB92BA72F3D8DD7
        + e * 0xF1357AEA2E62A9C5
    )


def word(name: Id) -> int:
    """The number that stands for a name."""
    return name if type(name) is int else hashed(str(name))


@lru_cache(65_536)
def hashed(name: str) -> int:
    """`digest` of a short text that is asked for again and again."""
    return digest(name)


def digest(text: str) -> int:
    """64 bits of a text's BLAKE2 hash: the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def uniform(key: int, salt: int) -> float:
    """A number in [0, 1); another one for every salt."""
    return (mix(key + salt * _STEP) >> 11) * 2.0**-53


def normal(key: int, salt: int) -> float:
    """A number of the standard normal law."""
    return NORMAL.inv_cdf(min(max(uniform(key, salt), 1e-12), 1 - 1e-12))


def beta(a: float, b: float, at: float) -> float:
    """The value that a share `at` of the Beta(a, b) law lies below; exact to about 1/4096 of the mass."""
    points, masses = _beta_table(a, b)
    return points[min(bisect_left(masses, at), _GRID - 1)]


@lru_cache(64)
def _beta_table(a: float, b: float) -> tuple[list[float], list[float]]:
    """Points x = sin^2 t and the mass up to them: in t the density has no pole at the ends for a, b >= 1/2."""
    angles = [(i + 0.5) * pi / 2 / _GRID for i in range(_GRID)]
    weights = [sin(t) ** (2 * a - 1) * cos(t) ** (2 * b - 1) for t in angles]
    total = sum(weights)
    return [sin(t) ** 2 for t in angles], [mass / total for mass in accumulate(weights)]
