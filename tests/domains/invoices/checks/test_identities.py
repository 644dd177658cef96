"""Arithmetic of invoices: what adds up passes, what does not is told with its numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Evidence, Problem
from domains.invoices.checks import (
    due_follows,
    line_totals,
    lines_add_up,
    signs,
    tax_bases_add_up,
    tax_rows_add_up,
    tax_rows_hold,
    totals_add_up,
)
from domains.invoices.records import Invoice, Line, Tax

MONEY = st.decimals(min_value=0, max_value=10**7, places=2)


def amounts(**values: str | None) -> Invoice:
    return Invoice(**{name: value and Decimal(value) for name, value in values.items()})


def adds_up(invoice: Invoice) -> list[Problem]:
    sums = (totals_add_up, due_follows, tax_rows_hold, tax_rows_add_up, tax_bases_add_up, lines_add_up)
    return [problem for check in sums for problem in check(invoice)]


def errors(problems):
    return [problem.code for problem in problems if problem.severity == "error"]


def notes(problems):
    return [problem.code for problem in problems if problem.severity == "note"]


def line(quantity: str, price: str, total: str, rate: str | None = None) -> Line:
    return Line(
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        line_total=Decimal(total),
        tax_rate=rate and Decimal(rate),
    )


def printed(*lines: Line, **values: str) -> Invoice:
    seen = {f"lines.{n}.line_total": Evidence(trust=0.9, source="device", page=1) for n in range(len(lines))}
    return amounts(**values).model_copy(update={"lines": list(lines), "evidence": seen})


@given(net=MONEY, tax=MONEY, paid=MONEY)
def test_totals_that_follow_from_each_other_pass(net, tax, paid):
    gross = net + tax
    invoice = Invoice(net_total=net, tax_total=tax, gross_total=gross, prepaid=paid, amount_due=gross - paid)
    assert adds_up(invoice) == []


@given(net=MONEY, tax=MONEY, off=st.decimals(min_value="0.02", max_value=1000, places=2))
def test_a_gross_total_that_is_off_is_an_error(net, tax, off):
    problem = adds_up(Invoice(net_total=net, tax_total=tax, gross_total=net + tax + off))[0]
    assert (problem.code, problem.path, problem.severity) == ("total_mismatch", "gross_total", "error")
    assert str(net) in problem.message
    assert str(net + tax + off) in problem.message


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({"net_total": "100"}, []),
        ({"net_total": "99.98", "tax_total": "0", "gross_total": "100.00", "rounding": "0.02"}, []),
        ({"gross_total": "100", "amount_due": "100"}, []),
        ({"gross_total": "99.98", "amount_due": "100.00", "rounding": "0.02"}, []),
        ({"gross_total": "100", "amount_due": "40", "prepaid": "60"}, []),
        ({"gross_total": "100", "amount_due": "200", "prepaid": "-100"}, []),
        ({"gross_total": "100", "amount_due": "40", "prepaid": "50"}, ["due_mismatch"]),
    ],
)
def test_the_amount_due_follows_from_the_gross_total(values, codes):
    assert errors(adds_up(amounts(**values))) == codes


def test_a_due_that_nothing_explains_is_an_error_where_it_may_be_misread():
    told = amounts(gross_total="100", amount_due="40")
    read = told.model_copy(update={"evidence": {"amount_due": Evidence(trust=0.9, source="device", page=1)}})
    assert errors(adds_up(read)) == ["due_unexplained"]
    assert notes(adds_up(told)) == ["due_unexplained"]


def taxed(tax_total: str, *rows: tuple[str, str, str]) -> Invoice:
    taxes = [Tax(rate=Decimal(rate), base=Decimal(base), amount=Decimal(amount)) for rate, base, amount in rows]
    return Invoice(tax_total=Decimal(tax_total), taxes=taxes)


@pytest.mark.parametrize(
    ("invoice", "codes"),
    [
        (taxed("21.00", ("19", "100", "19.00"), ("7", "28.57", "2.00")), []),
        (taxed("21.01", ("19", "100", "19.01"), ("7", "28.57", "2.00")), []),
        (taxed("25.00", ("19", "100", "19.00"), ("7", "28.57", "2.00")), ["tax_sum_mismatch"]),
        (taxed("29.00", ("19", "100", "29.00")), ["tax_row_mismatch"]),
    ],
)
def test_tax_rows_keep_their_rates_and_add_up(invoice, codes):
    assert errors(adds_up(invoice)) == codes


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({"net_total": "30"}, []),
        ({"net_total": "25", "gross_total": "30"}, []),
        ({"net_total": "27"}, ["lines_differ"]),
        ({}, []),
    ],
)
def test_lines_that_differ_from_the_totals_are_noted_as_allowances(values, codes):
    problems = adds_up(printed(line("1", "10", "10"), line("2", "10", "20"), **values))
    assert notes(problems) == codes
    assert errors(problems) == []


@pytest.mark.parametrize(
    "one",
    [
        line("3", "3.33", "9.99"),
        line("3", "3.3333", "10.00"),
        line("500", "12.00", "60.00"),
        line("250", "0.01", "3.10"),
        line("2", "10.00", "23.80", "19"),
        line("2", "11.90", "20.00", "19"),
        line("-2", "10.00", "-20.00"),
    ],
)
def test_line_totals_pass_by_price_base_rounded_price_or_tax(one):
    assert line_totals(printed(one, net_total="1000")) == []


def test_a_misread_line_total_is_an_error_where_nothing_vouches_for_it():
    problems = line_totals(printed(line("3", "10.00", "35.00"), net_total="30"))
    assert [(p.code, p.path, p.severity) for p in problems] == [("line_mismatch", "lines.0.line_total", "error")]


@pytest.mark.parametrize(
    "invoice",
    [
        printed(line("3", "10.00", "35.00"), net_total="35"),
        printed(line("3", "10.00", "27.00"), net_total="99"),
        printed(line("3", "10.00", "35.00"), net_total="99").model_copy(update={"evidence": {}}),
    ],
    ids=["the sum vouches for it", "a discount", "copied from XML"],
)
def test_a_line_total_that_can_be_meant_is_only_noted(invoice):
    assert notes(line_totals(invoice)) == ["line_mismatch"]
    assert errors(line_totals(invoice)) == []


def test_totals_of_different_signs_are_an_error():
    assert errors(signs(amounts(net_total="-10", tax_total="2", gross_total="-8"))) == ["signs_mixed"]


@pytest.mark.parametrize("code", ["380", "381", None])
def test_negative_totals_are_noted_as_a_credit(code):
    invoice = amounts(net_total="-10", tax_total="0", gross_total="-10").model_copy(update={"type_code": code})
    assert notes(signs(invoice)) == ["negative_total"]
    assert errors(signs(invoice)) == []


def test_positive_totals_are_no_problem():
    assert signs(amounts(net_total="10", tax_total="2", gross_total="12")) == []
