"""The official rules run on UBL and CII, our own few on ZUGFeRD 1."""

from pathlib import Path

import pytest

from domains.invoices.einvoice import Rules
from domains.invoices.einvoice.rules import problems
from domains.invoices.einvoice.schematron import fired

from .documents import CII, CREDIT_NOTE, UBL, ZUGFERD1

BREAKS = [
    (UBL, "ubl", ">242.00<", ">243.00<", {"BR-CO-15", "BR-CO-16"}),
    (UBL, "ubl", "<cbc:ID>LM-88</cbc:ID>", "", {"BR-02"}),
    (UBL, "ubl", "Percent>21<", "Percent>20<", {"BR-CO-17", "BR-S-09"}),
    (UBL, "ubl", 'unitCode="C62"', 'unitCode="pieces"', {"BR-CL-23"}),
    (CREDIT_NOTE, "ubl", "CreditNoteTypeCode>381", "CreditNoteTypeCode>7", {"BR-CL-01"}),
    (CII, "cii", "<ram:ID>TX/2025/19</ram:ID>", "", {"BR-02"}),
    (CII, "cii", "GrandTotalAmount>745.20", "GrandTotalAmount>745.21", {"BR-CO-15", "BR-CO-16"}),
    (CII, "cii", 'unitCode="WEE"', 'unitCode="weeks"', {"BR-CL-23"}),
    (CII, "cii", "InvoiceCurrencyCode>EUR", "InvoiceCurrencyCode>EURO", {"BR-CL-04", "BR-CO-15"}),
    (CII, "cii", "<ram:CalculatedAmount>", '<ram:CalculatedAmount currencyID="EUR">', {"CII-DT-031"}),
    (ZUGFERD1, "zugferd1", "<ram:ID>TX/2025/19</ram:ID>", "", {"ZF1-02"}),
    (ZUGFERD1, "zugferd1", "GrandTotalAmount>745.20", "GrandTotalAmount>745.21", {"ZF1-CO-15", "ZF1-CO-16"}),
    (ZUGFERD1, "zugferd1", "CalculatedAmount>124.20", "CalculatedAmount>120.20", {"ZF1-CO-14", "ZF1-CO-17"}),
    (ZUGFERD1, "zugferd1", "TypeCode>380", "TypeCode>7", {"ZF1-CL-01"}),
    (ZUGFERD1, "zugferd1", "InvoiceCurrencyCode>EUR", "InvoiceCurrencyCode>Euro", {"ZF1-CL-04", "ZF1-CO-15"}),
]


@pytest.fixture
async def rules():
    async with Rules.open(None, Path()) as opened:
        yield opened


@pytest.mark.parametrize(("text", "syntax"), [(UBL, "ubl"), (CREDIT_NOTE, "ubl"), (CII, "cii"), (ZUGFERD1, "zugferd1")])
async def test_a_sound_invoice_breaks_no_rule(rules, text, syntax):
    assert await rules.broken(text.encode(), syntax) == []


async def test_each_broken_rule_is_named(rules):
    for text, syntax, right, wrong, expected in BREAKS:
        broken = await rules.broken(text.replace(right, wrong).encode(), syntax)
        fatal = {problem.reference for problem in broken if problem.severity == "error"}
        assert fatal == expected, (syntax, right)


async def test_a_document_that_saxon_cannot_check_is_a_problem_and_no_crash(rules):
    found = await rules.broken(UBL.replace('"EUR">200.00<', '"EUR">two hundred<').encode(), "ubl")
    assert "XML" in {problem.reference for problem in found}


def test_a_problem_names_the_rule_the_field_and_what_to_do():
    [problem] = problems([("BR-02", "fatal", "An Invoice shall have an Invoice number (BT-1).")])
    assert (problem.code, problem.reference, problem.path) == ("rule_broken", "BR-02", "invoice_number")
    assert problem.message == (
        "BR-02: An Invoice shall have an Invoice number (BT-1). Ask the supplier for a corrected invoice."
    )


def test_a_rule_broken_in_many_places_is_one_problem():
    [problem] = problems([("BR-CL-23", "fatal", "Unit code MUST be coded")] * 3)
    assert "(in 3 places)" in problem.message


def test_a_warning_is_a_note():
    assert [problem.severity for problem in problems([("UBL-CR-143", "warning", "Not used")])] == ["note"]


def test_the_worker_function_can_be_called_directly():
    assert [rule for rule, _, _ in fired(UBL.replace("LM-88", "").encode(), "ubl")] == ["BR-02"]
