"""Benchmark of chains: `python -m tests.benchmarks.chain` runs steps under the layer on models with known errors.

P1 holds chains against what their sources can reach and against the fewest calls that any rule needs; P1m solves the
towers of Hanoi a move a step; P5 meets a stream of unequal cases. `--whole` adds the run of a million moves.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import chain_hanoi, chain_pairs, chain_side, chain_steps, chain_stream
from tests.benchmarks.chain_picture import cascade, trade
from tests.benchmarks.chain_world import Split
from tests.benchmarks.report import Metric, finish


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps, runs and cases")
    parser.add_argument("--whole", action="store_true", help="only the run of 1,048,575 moves")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", type=split_of, action="append", help="one more split of errors, as 70/20/10")
    parser.add_argument("--json", type=Path, help="write the metrics to this file, and two pictures beside it")
    parser.add_argument("--picture", type=Path, help="write the picture of the cascade to this file")
    args = parser.parse_args()
    if args.whole:
        finish("chain, whole", chain_hanoi.metrics(runs=1, disks=chain_hanoi.WHOLE, seed=args.seed), args.json)
    metrics, first, second = measure(quick=args.quick, seed=args.seed, more=args.split or ())
    if args.json:
        args.json.with_suffix(".svg").write_text(first, encoding="utf-8")
        args.json.with_name(f"{args.json.stem}_stream.svg").write_text(second, encoding="utf-8")
    if args.picture:
        args.picture.write_text(first, encoding="utf-8")
    finish("chain", metrics, args.json)


def split_of(text: str) -> Split:
    """`70/20/10`: detectable, undetectable but independent, correlated, in percent. Raises ValueError."""
    d, u, c = (float(part) / 100 for part in text.split("/"))
    if abs(d + u + c - 1) > 1e-6:
        raise ValueError(f"{text} does not add up to 100")
    return d, u, c


def measure(*, quick: bool, seed: int, more: Sequence[Split] = ()) -> tuple[list[Metric], str, str]:
    """The metrics of all parts, the picture of the cascade, and that of the stream."""
    part = 8 if quick else 1
    metrics = chain_steps.metrics(steps=800 // part, exams=2 if quick else 6, seed=seed, more=more)
    metrics += chain_pairs.metrics(steps=6_000 // part, exams=2 if quick else 6, seed=seed)
    ways = chain_side.ways(10_000 // part, seed)
    metrics += [*chain_side.metrics(ways), *chain_side.overhead(4_000 // part, seed)]
    metrics += chain_hanoi.metrics(runs=100 // part, seed=seed)
    many = chain_stream.frontier(cases=10_000 // part, labels=3_000, seed=seed)
    exams = [chain_stream.frontier(cases=5_000 // part, labels=300, seed=seed + i) for i in range(4)]
    few = chain_stream.mean(exams)
    metrics += [*chain_stream.metrics(many, 3_000), *chain_stream.metrics(few, 300)[2:]]
    return metrics, cascade(ways), trade(many, few)


if __name__ == "__main__":
    main()
