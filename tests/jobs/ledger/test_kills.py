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


def test_a_settlement_or_a_credit_that_is_killed_at_any_of_its_statements_left_nothing_of_itself(database: str):
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.ledger.cuts", database],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(one["faults"] == [] for one in told)
    for act, before, after in (("settle", (0, 0, 0), (1, 0, 1)), ("give", (1, 0, 1), (1, 1, 2))):
        *cuts, through = [one for one in told if one["act"] == act]
        assert len(cuts) >= 7
        assert {(one["charge"], one["credit"], one["transfer"]) for one in cuts} == {before}
        assert (through["charge"], through["credit"], through["transfer"]) == after
        assert [one["status"] for one in cuts] == ["finished" if act == "give" else "queued"] * len(cuts)
    assert told[-1]["told"] == ["charge.created", "charge.credited", "job.finished", "job.queued"]
