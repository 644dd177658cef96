"""`agentflow bill` shows what is owed, gives back, and proves the sums, on the books of a real run."""

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentflow.cli import group
from agentflow.jobs.ledger.bill import as_csv, as_html, money
from tests.cli.packs import write_pack


def agentflow(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(a) for a in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a run with one letter filed (0.40), one empty (0.05) and one that waits for a person."""
    agentflow("run", write_pack(tmp_path, "a b c", "", "HELLO"), "--out", tmp_path / "out")
    return tmp_path / "out"


def statement(out: Path, *options: str) -> dict[str, object]:
    return json.loads(agentflow("bill", "--out", out, "statement", "--format", "json", *options).stdout)


def test_a_statement_holds_what_was_verified_and_nothing_that_waits(out: Path):
    told = statement(out)
    assert told["total_minor"] == 45
    assert sorted(line["outcome"] for line in told["lines"]) == ["Empty", "Filed"]
    assert all(line["verification"].startswith("vf_") for line in told["lines"])


def test_a_closed_statement_is_not_billed_again(out: Path):
    assert statement(out, "--close")["title"] == "Statement 1"
    assert (statement(out)["total_minor"], statement(out)["lines"]) == (0, [])


def test_a_dispute_that_is_accepted_is_given_back_and_stands_on_the_next_statement(out: Path):
    job = next(line["job"] for line in statement(out, "--close")["lines"] if line["outcome"] == "Filed")
    opened = agentflow("bill", "--out", out, "dispute", job, "--reason", "wrong", "--field", "words=4")
    name = opened.output.split()[1]
    assert agentflow("bill", "--out", out, "decide", name, "accepted", "--by", "anna").exit_code == 0
    told = statement(out)
    assert (told["total_minor"], told["lines"][0]["kind"]) == (-40, "credit (dispute)")
    assert agentflow("bill", "--out", out, "verify").exit_code == 0


def test_a_credit_is_given_once_a_request_and_never_more_than_the_charge(out: Path):
    job = next(line["job"] for line in statement(out)["lines"] if line["outcome"] == "Filed")
    give = ("bill", "--out", out, "credit", job)
    for _ in range(2):
        assert agentflow(*give, "0.10", "--reason", "goodwill", "--request", "r1").output.startswith("credited 0.10")
    assert statement(out)["total_minor"] == 35
    too_much = agentflow(*give, "0.31", "--reason", "goodwill", "--request", "r2")
    assert "more than what is left" in str(too_much.exception)
    assert "no amount" in str(agentflow(*give, "much", "--reason", "goodwill", "--request", "r3").exception)


def test_the_audit_fails_where_the_sums_were_tampered_with(out: Path):
    assert agentflow("bill", "--out", out, "verify").exit_code == 0
    with sqlite3.connect(out / "agentflow.db") as books:
        books.execute("UPDATE spend_account SET charged_minor = charged_minor + 1")
    found = agentflow("bill", "--out", out, "verify")
    assert found.exit_code == 1
    assert "what an account was charged" in found.output


def test_the_books_have_to_be_named(tmp_path: Path):
    assert "name the books" in agentflow("bill", "verify").output
    assert "there is no run in" in agentflow("bill", "--out", tmp_path, "verify").output


LINE = {
    "date": "2026-01-01T00:00:00Z",
    "kind": "charge",
    "job": "job_1",
    "input": "=cmd|' /C calc'!A0",
    "pack": "p",
    "outcome": "<script>alert(1)</script>",
    "amount_minor": -40,
    "currency": "USD",
    "price_list": "l",
    "verification": "v",
}


def test_a_cell_is_never_a_formula_and_an_amount_stays_a_number():
    row = next(csv.DictReader(io.StringIO(as_csv([LINE]))))
    assert row["input"].startswith("'=")
    assert row["amount"] == "-0.40"


def test_the_printed_bill_shows_names_as_text_and_loads_nothing():
    head = {"title": "Statement 1", "tenant": "a&b", "currency": "USD", "until": "now", "total_minor": -40}
    page = as_html(head, [LINE])
    assert "<script>" not in page
    assert "http" not in page
    assert "-0.40 USD" in page


def test_money_has_the_decimals_of_its_currency():
    assert (money(240, "EUR"), money(240, "JPY"), money(-1, "KWD")) == ("2.40", "240", "-0.001")


def test_margins_stand_as_a_table_as_csv_and_as_json(out: Path):
    with sqlite3.connect(out / "agentflow.db") as books:
        [job] = books.execute("SELECT id FROM job WHERE outcome = 'Filed'").fetchone()
        values = ("c1", job, "count", "small", "=m1", 1, 1, 100_000, 1.0, "2026-01-01", None, None, None)
        books.execute(f"INSERT INTO cost_line VALUES ({','.join('?' * len(values))})", values)
    margin = ("bill", "--out", out, "margin")
    assert "letters     3      1  0.45 USD  0.100000  0.000000    0.350000" in agentflow(*margin).output
    assert json.loads(agentflow(*margin, "--json").output)["lines"][0]["margin_usd_micros"] == 350_000
    row = next(csv.DictReader(io.StringIO(agentflow(*margin, "--by", "model", "--csv").output)))
    assert (row["model"], row["cost_usd"], row["margin_usd"]) == ("'=m1", "0.100000", "")
    assert "no margin (-): a job is paid for as a whole" in agentflow(*margin, "--by", "step").output


def test_a_cap_is_set_and_ended_and_never_below_what_is_used(out: Path):
    tell = ("bill", "--out", out, "cap")
    assert agentflow(*tell, "0.90").output == "local has a cap of 0.90 USD\n"
    refused = agentflow(*tell, "0.10")
    assert "set no cap below" in str(refused.exception)
    assert agentflow(*tell, "none").output == "local has no cap\n"


def test_every_command_tells_its_help_though_no_books_are_named():
    for name in ("cap", "credit", "decide", "dispute", "margin", "statement", "verify"):
        told = agentflow("bill", name, "--help")
        assert (told.exit_code, f"bill {name}" in told.output) == (0, True)


def test_the_books_may_be_named_behind_the_command_too(out: Path):
    before = agentflow("bill", "--out", out, "statement", "--format", "csv").output
    assert agentflow("bill", "statement", "--format", "csv", "--out", out).output == before
    assert agentflow("bill", "statement", "--format=csv", f"--out={out}").output == before


def test_a_margin_of_nothing_says_what_there_is_none_of(out: Path):
    assert agentflow("bill", "--out", out, "margin", "--by", "model").output == "no model was called\n"
