"""How the benchmark of models counts: votes, wrong fields, and the part of the documents that decides."""

from decimal import Decimal

import pytest

from domains.invoices.records import Invoice
from tests.benchmarks.invoice_exam import spelled
from tests.benchmarks.invoice_models import Done, majority, silent


def done(cluster: str, wrong: int, *, delivered: bool = True) -> Done:
    return Done(cluster, delivered, fields=10, wrong=wrong, cost=Decimal(0))


def test_a_majority_is_taken_field_by_field():
    said = [
        Invoice(invoice_number="1", net_total=Decimal(5)),
        Invoice(invoice_number="2", net_total=Decimal(7)),
        Invoice(invoice_number="1", net_total=Decimal(7)),
    ]
    assert majority(said) == Invoice(invoice_number="1", net_total=Decimal(7))


def test_no_wrong_field_in_n_proves_no_better_than_three_in_n():
    metric = silent("arm", [done("a", 0), done("b", 0), done("c", 4, delivered=False)], 0.01)
    assert (metric.value, metric.high) == (0, pytest.approx(3 / 20))


def test_wrong_fields_count_among_those_that_were_delivered():
    assert silent("arm", [done("a", 1), done("b", 0)], None).value == pytest.approx(1 / 20)


def test_a_name_that_differs_in_case_or_punctuation_alone_is_no_mistake():
    truth = Invoice(supplier_name="Müller & Söhne GmbH", invoice_number="A-1")
    assert spelled(Invoice(supplier_name="MÜLLER & SÖHNE, GmbH", invoice_number="A-2"), truth) == Invoice(
        supplier_name="Müller & Söhne GmbH", invoice_number="A-2"
    )
