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
        metrics = measure(Path(scratch) / "out", kills=kills, seed=args.seed, documents=args.data)
    finish("resume", metrics, args.json)


def measure(out: Path, *, kills: int, seed: int, documents: Path | None = None, limit: int = 40) -> list[Metric]:
    """Kills the run `kills` times, lets it end, and counts what should not be there."""
    command = [sys.executable, "-m", "agentflow.cli", "run", str(PACK), "--out", str(out), "--limit", str(limit)]
    command += [str(documents)] if documents else []
    rng, done, killed = random.Random(seed), 0, 0
    while killed < kills and done < 3:
        if _killed(command, rng.uniform(0.5, 6.0)):
            killed += 1
        else:
            done += 1  # it ended before the kill: the rest of the kills hit a run that has nothing left to do
    last = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    return _counts(out, limit, killed, last)


def _killed(command: list[str], after: float) -> bool:
    """Whether the run was still going when it was killed with all its children."""
    process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    going = process.poll() is None
    if going:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return going


def _counts(out: Path, limit: int, killed: int, last: subprocess.CompletedProcess[str]) -> list[Metric]:
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    inputs = Counter(line["input"] for line in lines)
    posted = [line["job"] for line in lines if line["outcome"] == "Posted"]
    with closing(sqlite3.connect(out / "books.db")) as books:
        [[entries, keys]] = books.execute("SELECT count(*), count(DISTINCT key) FROM posting").fetchall()
    with closing(sqlite3.connect(out / "agentflow.db")) as jobs:
        [[begun]] = jobs.execute("SELECT count(*) FROM effect WHERE done_at IS NULL").fetchall()
        [[charged]] = jobs.execute("SELECT count(*) FROM job WHERE price_minor > 0").fetchall()
    delivered = sum(line["status"] == "delivered" for line in lines)
    exact = {
        "kills that hit a running job": (killed, None),
        "inputs with one line each": (sum(count == 1 for count in inputs.values()), limit),
        "inputs at an end or with a person": (sum(line["status"] != "failed" for line in lines), limit),
        "postings beyond one an invoice": (entries - len(posted) + entries - keys, 0),
        "effects left open": (begun, 0),
        "jobs charged beyond those delivered": (abs(charged - delivered), 0),
        "exit code of the last run": (last.returncode, 0),
    }
    return [
        Metric(name, value, None, None, bar, "at most" if bar == 0 else "at least")
        for name, (value, bar) in exact.items()
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


if __name__ == "__main__":
    main()
