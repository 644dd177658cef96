"""No cell of a table for people is a formula, and numbers stay numbers."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from agentflow.connectors.spreadsheets import write_csv
from agentflow.jobs.ledger.bill import as_csv

FORMULAS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1"]
FORMULAS += ["\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
LINE = {
    "date": "2026-01-01T00:00:00Z",
    "kind": "charge",
    "job": "job_1",
    "input": "a",
    "pack": "p",
    "outcome": "Posted",
    "amount_minor": -40,
    "currency": "USD",
    "price_list": "l",
    "verification": "v",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe(tmp_path: Path, text: str):
    write_csv(tmp_path / "t.csv", ["name", text], [[text, Decimal("-1.50")]])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["name", f"'{text}"], [f"'{text}", "-1.50"]]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("column", ["input", "pack", "outcome", "kind"])
def test_no_name_on_a_bill_is_calculated(text: str, column: str):
    row = next(csv.DictReader(io.StringIO(as_csv([LINE | {column: text}]), newline="")))
    assert row[column] == f"'{text}"
    assert row["amount"] == "-0.40"
