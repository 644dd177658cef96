"""Benchmark of chains: `python -m tests.benchmarks.chain` runs steps under the layer on models with known errors."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.chain_peers import RULES, follow
from tests.benchmarks.chain_steps import LOST, Row, grid, ratio
from tests.benchmarks.chain_world import SMALL, Errors, Split, twin
from tests.benchmarks.report import Metric, finish, wilson

SPLITS: tuple[Split, ...] = ((0.6, 0.4, 0.0), (0.6, 0.3, 0.1), (0.9, 0.09, 0.01))
TIGHT = 0.05
"""Share of chains that may be lost where calls are held against the bound."""


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    finish("chain", measure(steps=500 if args.quick else 2_000, seed=args.seed), args.json)


def measure(*, steps: int, seed: int) -> list[Metric]:
    """The metrics of all parts."""
    metrics: list[Metric] = []
    for split in SPLITS:
        metrics += known_split(split, steps, seed)
    return [*metrics, *peers(10 * steps, seed)]


def known_split(split: Split, steps: int, seed: int) -> list[Metric]:
    """One source whose figures are known."""
    name = name_of(split)
    bounded, rows = grid(split, TIGHT, steps, seed), grid(split, LOST, steps, seed)
    return [
        Metric(f"calls / bound, {name}", ratio(bounded, TIGHT), None, None, 1.2, "at most"),
        lowest(f"P(right) / ceiling, {name}, lowest of 12", rows),
    ]


def lowest(name: str, rows: Sequence[Row]) -> Metric:
    """The row that comes least near to the ceiling."""
    row = min(rows, key=lambda row: row.of_ceiling)
    low, high = (1 - row.slipped - s * 1.96 * row.error for s in (1, -1))
    return Metric(name, row.of_ceiling, low**row.length, high**row.length, 0.98)


def peers(steps: int, seed: int) -> list[Metric]:
    """P(chain right) of the naive rules at 100 steps, p = .05, 60/30/10."""
    errors = Errors(0.05, (0.6, 0.3, 0.1))
    found: list[Metric] = []
    for name, rule in RULES.items():
        took = follow(rule, twin({SMALL: errors}, seed=seed), range(steps))
        share = sum(t.right for t in took) / steps
        low, high = wilson(share, steps)
        found.append(Metric(f"P(100 right), {name}", share**100, low**100, high**100, None))
        found.append(Metric(f"calls a step, {name}", sum(t.calls for t in took) / steps, None, None, None))
    return found


def name_of(split: Split) -> str:
    """`60/30/10`."""
    return "/".join(f"{100 * share:g}" for share in split)


if __name__ == "__main__":
    main()
