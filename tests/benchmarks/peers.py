"""Benchmark against other frameworks: `python -m tests.benchmarks.peers`.

The same documents, the same checks and the same faulty models over HTTP are given to agentflow, to bare LangGraph
with a RetryPolicy, to instructor with max_retries and to pydantic-ai with output validators and its FallbackModel,
each set up as its own documentation tells, each with the same number of tries. A mistake is seen by a check, or is
unseen and independent, or is unseen and systematic. Needs the `bench` extra.
"""

import argparse
import asyncio
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.peers_others import PACKAGES
from tests.benchmarks.peers_report import draw, metrics, rows, show
from tests.benchmarks.peers_run import Result, Stream, arms, run
from tests.benchmarks.peers_task import THREE_STEPS, Split, World, shown
from tests.benchmarks.report import Metric, finish

SPLITS: tuple[Split, ...] = ((0.6, 0.3, 0.1), (0.9, 0.09, 0.01))
ERRORS, OVERLAPS = (0.05, 0.10), (0.0, 0.1, 0.3, 0.6)
ALPHAS = (0.005, 0.001)
TRIES = 5
THREE = ", three steps"


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one world, fewer cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, help="documents in each world; 300, or 100 with --quick")
    parser.add_argument("--exam", type=int, default=300, help="cases of the exam that figures are estimated from")
    parser.add_argument(
        "--split", type=_split, action="append", help="errors seen / unseen / systematic, such as 70/25/5, instead"
    )
    parser.add_argument(
        "--json", type=Path, help="write what has a bar to this file; all figures and a picture beside it"
    )
    args = parser.parse_args()
    if missing := absent():
        sys.exit(f"the benchmark needs {', '.join(missing)}: pip install 'agentflow-framework[bench]'")
    worlds = _worlds(quick=args.quick, splits=args.split or SPLITS)
    found, done = asyncio.run(
        measure(worlds, cases=args.cases or (100 if args.quick else 300), exam=args.exam, seed=args.seed)
    )
    if args.json:
        args.json.with_suffix(".svg").write_text(draw(done), encoding="utf-8")
        whole = {world: rows(results) for world, results in done.items()}
        args.json.with_suffix(".rows.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    finish("peers", [metric for metric in found if metric.bar is not None], args.json)


def absent() -> list[str]:
    """The packages of the `bench` extra that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


async def measure(
    worlds: Sequence[World], *, cases: int, exam: int, seed: int, chained: bool = True
) -> tuple[list[Metric], dict[str, list[Result]]]:
    """Everything there is to tell, and the results by world; the last world also in three steps."""
    found: list[Metric] = []
    done: dict[str, list[Result]] = {}
    for world in worlds:
        everybody = arms(alphas=ALPHAS, told=("known", "estimated", "priors"), alone=not world.overlap)
        done[world.title] = await run(world, everybody, Stream(cases, seed), tries=TRIES, exam=exam)
        found += metrics(world, done[world.title])
        show(world, done[world.title])
    if chained:
        last, few = worlds[-1], arms(alphas=ALPHAS[:1], told=("known", "estimated"))
        stream = Stream(cases, seed, THREE_STEPS)
        done[last.title + THREE] = await run(last, few, stream, tries=TRIES, exam=exam)
        found += metrics(last, done[last.title + THREE], told=THREE)
        show(last, done[last.title + THREE], told=THREE)
    return found, done


def _worlds(*, quick: bool, splits: Sequence[Split]) -> list[World]:
    if quick:
        return [World(ERRORS[1], splits[0], OVERLAPS[2])]
    return [World(error, split, overlap) for split in splits for error in ERRORS for overlap in OVERLAPS]


def _split(text: str) -> Split:
    shares = [float(part) for part in text.split("/")]
    if len(shares) != 3 or not sum(shares):
        raise argparse.ArgumentTypeError("name three shares, such as 70/25/5")
    seen, unseen, systematic = (share / sum(shares) for share in shares)
    try:
        shown((seen, unseen, systematic))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return seen, unseen, systematic


if __name__ == "__main__":
    main()
