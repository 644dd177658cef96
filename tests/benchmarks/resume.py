"""Benchmark of resuming: `python -m tests.benchmarks.resume` kills a run at random moments until it ends.

Runs `agentflow run domains/invoices` on 40 documents with SIGKILL at random moments, starts the same command again each
time, and at the end holds results, jobs and books against each other.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.benchmarks.report import Metric, finish

ROOT = Path(__file__).parents[2]
PACK = ROOT / "domains" / "invoices"


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of documents; the pack's samples where it is not given")
    parser.add_argument("--quick", action="store_true", help="four kills instead of twenty")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the metrics to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kills = 4 if args.quick else 20
        metrics = measure(Path(scratch), kills=kills, seed=args.seed, documents=args.data)
    finish("resume", metrics, args.json)


def measure(home: Path, *, kills: int, seed: int, documents: Path | None = None, limit: int = 40) -> list[Metric]:
    """Kills runs at `kills` moments while they had work left, lets each end, and counts what should not be there."""
    rng, killed = random.Random(seed), 0
    found: Counter[str] = Counter()
    for number in range(kills):
        if killed >= kills:
            break
        out = home / str(number)
        killed += _killed_until_done(_command(out, limit, documents), out, rng, limit, kills - killed)
        last = subprocess.run(
            _command(out, limit, documents), cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
        )
        found.update(_counts(out, limit, last))
    wrong = [Metric(name, count, None, None, 0, "at most") for name, count in found.items()]
    return [Metric("kills that hit a run with work left", killed, None, None, kills, "at least"), *wrong]


def _command(out: Path, limit: int, documents: Path | None) -> list[str]:
    command = [sys.executable, "-m", "agentflow.cli", "run", str(PACK), "--out", str(out), "--limit", str(limit)]
    return [*command, str(documents)] if documents else command


def _killed_until_done(command: list[str], out: Path, rng: random.Random, limit: int, most: int) -> int:
    """Kills and starts again until nothing is left to do; how many of the kills hit a run with work left."""
    hits = 0
    while hits < most and _left(out, limit):
        hits += _killed(command, rng.uniform(1.0, 5.0)) and _left(out, limit) > 0
    return hits


def _left(out: Path, limit: int) -> int:
    """Inputs that have neither ended nor reached a person."""
    if not (out / "agentflow.db").exists():
        return limit
    with closing(sqlite3.connect(out / "agentflow.db", timeout=30)) as jobs:
        try:
            [[done]] = jobs.execute(
                "SELECT count(*) FROM job WHERE status IN ('finished', 'awaiting_review')"
            ).fetchall()
        except sqlite3.OperationalError:
            return limit  # killed before the first migration was through
    return limit - done


def _killed(command: list[str], after: float) -> bool:
    """Whether the run was still going when it was killed with all its children."""
    process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    going = process.poll() is None
    if going:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return going


def _counts(out: Path, limit: int, last: subprocess.CompletedProcess[str]) -> dict[str, int]:
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    inputs = Counter(line["input"] for line in lines)
    posted = sum(line["outcome"] == "Posted" for line in lines)
    delivered = sum(line["status"] == "delivered" for line in lines)
    with closing(sqlite3.connect(out / "books.db")) as books:
        [[entries, keys]] = books.execute("SELECT count(*), count(DISTINCT key) FROM posting").fetchall()
    with closing(sqlite3.connect(out / "agentflow.db")) as jobs:
        [[begun]] = jobs.execute("SELECT count(*) FROM effect WHERE done_at IS NULL").fetchall()
        [[charged]] = jobs.execute("SELECT count(*) FROM job WHERE price_minor > 0").fetchall()
    return {
        "inputs without one line of their own": abs(limit - sum(count == 1 for count in inputs.values())),
        "inputs that failed": sum(line["status"] == "failed" for line in lines),
        "invoices with other than one posting": abs(entries - posted) + entries - keys,
        "effects left open": begun,
        "jobs charged beyond those delivered": abs(charged - delivered),
        "runs that ended with an error": int(last.returncode != 0),
    }


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
