"""The ceiling of the guarantee: what no rule that keeps its promise can go beyond, whatever it reckons.

In a law under which a share `c` of cases, and any larger one, is wrong more often than alpha, no rule may accept so
much in more than delta of the exams. A near one raises the odds that an answer is wrong until the promise is just
broken; by Neyman and Pearson the likelihood ratio tells it best from the true law, and how often it does at delta
bounds how often any rule accepts `c` where it may.
"""

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.guarantee_worlds import World

LEVELS, GRID = 60, 4_001
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """The law of a world's signal: normal, and `mu` higher where the answer is right."""

    world: World

    @cached_property
    def mu(self) -> float:
        """The distance of the two means, in standard deviations."""
        return 2**0.5 * NormalDist().inv_cdf(self.world.auc)

    @cached_property
    def grid(self) -> Array:
        """Signals."""
        return np.linspace(-7, 7 + self.mu, GRID)

    @cached_property
    def mass(self) -> Array:
        """How likely each signal of the grid is."""
        right, wrong = (np.exp(-((self.grid - mean) ** 2) / 2) for mean in (self.mu, 0.0))
        density = (1 - self.world.error) * right + self.world.error * wrong
        return density / density.sum()

    @cached_property
    def odds(self) -> Array:
        """The log odds that an answer is wrong, by signal."""
        return np.log(self.world.error / (1 - self.world.error)) - self.mu * self.grid + self.mu**2 / 2


def ceiling(world: World, delta: float, cases: int, runs: int, seed: int) -> float:
    """The most that a rule may accept on average, as a share of the ideal."""
    signal, random = Signal(world), np.random.default_rng(seed)
    step = world.ideal / LEVELS
    power = [1.0, *(_power(signal, step * level, delta, cases, runs, random) for level in range(1, LEVELS))]
    beyond = delta * (1 - world.ideal)  # there the world itself breaks the promise
    return (sum(power) * step + beyond) / world.ideal


def _power(signal: Signal, coverage: float, delta: float, cases: int, runs: int, random: np.random.Generator) -> float:
    """How often the likelihood ratio tells the world from the nearest one that breaks the promise at that coverage."""
    inside = np.cumsum(signal.mass[::-1])[::-1] <= coverage
    mass, true, alpha = signal.mass, _chance(signal.odds), signal.world.alpha
    rise = _shift(mass[inside] / mass[inside].sum(), signal.odds[inside], alpha)
    # Beyond, no case is better than alpha: else who accepts more than the coverage would keep the promise after all.
    broken = np.where(inside, _chance(signal.odds + rise), np.maximum(true, alpha))
    wrong, right = np.log(true / broken), np.log((1 - true) / (1 - broken))

    def ratios(chance: Array) -> Array:
        at = random.choice(GRID, (runs, cases), p=mass)
        return np.where(random.random((runs, cases)) < chance[at], wrong[at], right[at]).sum(axis=1)

    return float(np.mean(ratios(true) >= np.quantile(ratios(broken), 1 - delta)))


def _shift(mass: Array, odds: Array, alpha: float) -> float:
    """By how much the log odds rise until a share alpha of what is accepted is wrong."""
    low, high = 0.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if float(mass @ _chance(odds + middle)) < alpha else (low, middle)
    return high


def _chance(odds: Array) -> Array:
    return 1 / (1 + np.exp(-odds))
