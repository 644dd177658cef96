"""Whoever is killed in the middle of whatever, the ledger adds up."""

import json
import subprocess
import sys


def test_the_ledger_is_right_after_its_writers_were_killed_at_random(database: str):
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.ledger.tellers", database, "60", "7"],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    told = json.loads(done.stdout)
    assert told["faults"] == []
    assert all(told[table] > 0 for table in ("job", "charge", "credit", "dispute", "statement", "expired"))
