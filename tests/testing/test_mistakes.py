"""Mistakes look like those that models make: another value of the page, a changed digit, a swapped party."""

import pytest

from agentflow.testing import Outcome, Request, Slip, mistake
from agentflow.testing.mistakes import leaves, plain, replaced

PAGE = "[case:7] Invoice 4711 of 2026-03-04  net 1.000,00  tax 190,00  total 1.190,00  deposit 50,00"
INVOICE = {
    "supplier_name": "Nordwind GmbH",
    "buyer_name": "Hafen AG",
    "net_total": "1000.00",
    "gross_total": "1190.00",
    "issue_date": "2026-03-04",
    "paid": False,
    "kind": "invoice",
    "lines": [{"price": "50.00", "note": None}],
}
SCHEMA = {
    "properties": {"kind": {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}]}},
    "$defs": {"Kind": {"enum": ["invoice", "credit", "reminder"]}},
}


def slip(name: str, number: int = 0, outcome: Outcome = Outcome.INDEPENDENT, answer=INVOICE, text: str = PAGE):
    leaf = next(leaf for leaf in leaves(answer) if leaf.name == name)
    return mistake(Slip(leaf, outcome, number, answer, Request(model="m", text=text, schema=SCHEMA)))


def test_the_values_of_an_answer_are_found_and_null_is_left_alone():
    assert [leaf.name for leaf in leaves(INVOICE)][-2:] == ["kind", "lines.0.price"]


def test_a_party_is_swapped_for_the_other_one():
    assert slip("supplier_name") == "Hafen AG"


def test_an_amount_is_taken_from_another_field_or_from_elsewhere_on_the_page():
    made = {slip("gross_total", number) for number in range(8)}
    assert made == {"1000.00", "190.00", "50.00"}


def test_a_detectable_amount_is_misread_into_one_that_is_not_on_the_page():
    made = slip("gross_total", outcome=Outcome.DETECTABLE)
    assert made != "1190.00"
    assert len(made) == len("1190.00")
    assert sum(a != b for a, b in zip(made, "1190.00", strict=True)) == 1


def test_a_choice_is_taken_from_the_choices_of_the_schema():
    assert {slip("kind", number) for number in range(4)} == {"credit", "reminder"}


def test_a_truth_value_is_turned_round():
    assert slip("paid") is True


def test_a_date_stays_a_date():
    assert slip("issue_date", 27) == "2026-04-01"


@pytest.mark.parametrize("value", [17, 3.5, "A-42", "abc", "", "2026-02-30"])
def test_wrong_values_without_a_page_never_run_out_or_repeat(value):
    made = [slip("x", number, answer={"x": value}, text="no numbers") for number in range(100)]
    assert len({*made, value}) == 101
    assert {type(one) for one in made} == {type(value)}


def test_a_number_that_is_not_read_off_the_page_is_not_taken_from_it():
    assert slip("x", answer={"x": 17}, text="[case:3] step 2 of 100") == 18


def test_a_whole_number_of_the_page_is_mistaken_for_another_of_it():
    assert {slip("x", number, answer={"x": 12}, text="12 pieces on 3 pallets") for number in range(3)} == {3}


def test_a_quoted_value_is_mistaken_together_with_its_quote():
    answer = {"gross_total": {"value": "1190.00", "quote": "1.190,00"}}
    assert slip("gross_total", answer=answer) == {"value": "1000.00", "quote": "1.000,00"}


def test_the_right_answer_stays_as_it_is():
    changed = replaced(INVOICE, ("lines", 0, "price"), "5.00")
    assert (changed["lines"][0]["price"], INVOICE["lines"][0]["price"]) == ("5.00", "50.00")


@pytest.mark.parametrize(("printed", "value"), [("1.234,56", "1234.56"), ("-0,05", "-0.05"), ("1'000.00", "1000.00")])
def test_amounts_are_read_in_any_notation(printed, value):
    assert plain(printed) == value
