"""Planted errors are wrong in one thing, and the pack's checks are measured on them as they are."""

import random
from pathlib import Path

import pytest

from domains.invoices.reading import Reader
from tests.benchmarks.checks import alarmed, caught, clustered, picture, run
from tests.benchmarks.invoice_gold import ROOT, read_cases
from tests.benchmarks.invoice_world import desk
from tests.benchmarks.planting import KINDS, planted

SAMPLES = ROOT / "domains" / "invoices" / "samples"
ANSWER = {
    "issue_date": {"value": "2026-03-02", "quote": "02.03.2026"},
    "net_total": {"value": "100.00", "quote": "100,00"},
    "gross_total": {"value": "119.00", "quote": "119,00"},
    "po_number": None,
    "lines": [{"line_total": "40.00"}, {"line_total": "60.00"}],
    "taxes": [],
}
TEXT = "Invoice 02.03.2026 40,00 60,00 net 100,00 tax 19,00 total 119,00"


def test_every_kind_of_error_is_planted_and_none_leaves_the_answer_right():
    errors = planted(ANSWER, TEXT, random.Random(1))
    assert {error.kind for error in errors} == set(KINDS)
    assert all(error.answer != ANSWER for error in errors)


def test_a_wrong_field_is_a_value_of_the_same_page():
    wrong = [error for error in planted(ANSWER, TEXT, random.Random(1)) if error.kind == "wrong field"]
    assert {error.value for error in wrong if error.path == "net_total"} <= {"40.00", "60.00", "19.00", "119.00"}


def test_an_interval_of_trials_that_all_end_alike_goes_by_documents():
    share, low, high, n = clustered([("a", True)] * 50 + [("b", True)] * 50)
    assert (share, high, n) == (1.0, 1.0, 100)
    assert low == pytest.approx(0.342, abs=0.01)


async def test_the_checks_catch_wrong_totals_of_the_packs_own_samples_and_leave_right_ones_alone(tmp_path: Path):
    async with desk(SAMPLES, tmp_path) as (services, reader):
        cases = await first_cases(services, reader, 2)
        trials, right = await run(cases, services, seed=1)
    totals = [t for t in trials if t.kind == "wrong field" and t.path in ("net_total", "tax_total", "gross_total")]
    assert caught(totals)[0] >= 0.9
    assert alarmed(right)[0] == 0
    assert picture(trials, right).startswith("<svg")


async def first_cases(services, reader: Reader, count: int):
    from agentflow import Documents

    return (await read_cases(SAMPLES, services.connectors[Documents], reader, ("pdf_plain",)))[:count]
