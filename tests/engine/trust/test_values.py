"""Records taken apart into leaf fields, and put together again from several."""

from decimal import Decimal
from typing import Any

import pytest

from agentflow import Evidence, Record
from agentflow.engine.trust.values import confidences, evidence_of, is_shape, leaves, put_together, shown
from tests.engine.trust.answers import Bill, Kept, Line, Sums


class Table(Record):
    rates: dict[str, Decimal] = {}
    tags: tuple[str, ...] = ()


def values(made: object) -> dict[str, object]:
    """The leaves that are no shapes."""
    return {path: value for path, value in leaves(made).items() if not is_shape(path)}


def test_a_leaf_has_the_path_that_leads_to_it():
    made = Bill(number="7", lines=[Line(item="x", amount=1)], vendor=Line(item="v", amount=2))
    assert values(made) == {
        "number": "7",
        "lines.0.item": "x",
        "lines.0.amount": 1,
        "vendor.item": "v",
        "vendor.amount": 2,
    }


def test_shapes_tell_types_lengths_and_keys():
    shapes = leaves(Table(rates={"b": Decimal(1), "a": Decimal(2)}, tags=("x", "y")))
    assert (shapes["#"], shapes["rates.#"], shapes["tags.#"]) == ("Table", ("a", "b"), 2)


def test_a_list_of_records_has_leaves_by_place():
    assert values([Line(item="x", amount=1), Line(item="y", amount=2)])["1.amount"] == 2


def test_an_amount_is_the_same_however_many_noughts_it_is_written_with():
    one, other = (leaves(Table(rates={"a": Decimal(text)})) for text in ("1.50", "1.5"))
    assert one == other
    assert hash(one["rates.a"]) == hash(other["rates.a"])


def test_evidence_is_no_field_of_the_answer():
    made = Kept(net=1, total=2, evidence={"net": Evidence(trust=0.5, source="a")})
    assert set(values(made)) == {"net", "total"}
    assert evidence_of(made) == "evidence"
    assert evidence_of(Sums(net=1)) is None


def test_what_a_record_says_of_its_own_values_is_told_by_path():
    assert confidences(Kept(net=1, total=2, evidence={"net": Evidence(trust=0.5, source="a")})) == {"net": 0.5}
    assert confidences(Sums(net=1)) == {}
    assert confidences([Sums(net=1)]) == {}


def test_a_record_takes_values_of_others():
    base = Bill(number="1", lines=[Line(item="x", amount=1)])
    other = Bill(number="2", lines=[Line(item="x", amount=5)])
    assert put_together(base, {"lines.0.amount": other}) == Bill(number="1", lines=[Line(item="x", amount=5)])


def test_items_of_a_list_take_values_of_others():
    base, other = ([Line(item=item, amount=amount)] for item, amount in (("x", 1), ("y", 2)))
    assert put_together(base, {"0.amount": other}) == [Line(item="x", amount=2)]


def test_a_value_brings_its_evidence_along():
    quote = Evidence(trust=0.5, source="b", quote="2")
    made = put_together(Kept(net=1, total=2), {"net": Kept(net=2, total=2, evidence={"net": quote})})
    assert made.evidence == {"net": quote}


class Even(Record):
    one: int
    two: int

    def model_post_init(self, context: object) -> None:
        if (self.one + self.two) % 2:
            raise ValueError("the sum is odd")


def test_values_that_make_no_valid_record_make_none():
    assert put_together(Even(one=1, two=1), {"one": Even(one=2, two=2)}) is None


@pytest.mark.parametrize(("path", "shape"), [("#", True), ("lines.#", True), ("lines", False), ("a#", False)])
def test_a_shape_is_told_by_its_path(path: str, shape: bool):
    assert is_shape(path) is shape


class Cells(Record):
    cells: dict[str, str | dict[str, str]] = {}
    box: tuple[int, int] = (0, 0)
    by_number: dict[int, int] = {}
    by_any: dict[int | str, int] = {}
    share: float | Decimal = 0.0


def test_a_key_that_looks_like_a_shape_hides_none():
    found = leaves(Cells(cells={"#": "x"}))
    assert found["cells.#"] != "x"
    assert "x" in found.values()


def test_keys_with_dots_are_told_from_tables_in_tables():
    found = leaves(Cells(cells={"a.b": {"c": "1"}, "a": {"b.c": "2"}, "a~1b": {"c": "3"}}))
    assert {"1", "2", "3"} <= set(found.values())


def test_keys_that_are_written_alike_have_each_a_path():
    assert {5, 6} <= set(leaves(Cells(by_any={7: 5, "7": 6})).values())


def test_people_are_shown_keys_as_they_are():
    [path] = [path for path, value in leaves(Cells(cells={"7.5~#": "x"})).items() if value == "x"]
    assert shown(path) == "cells.7.5~#"


@pytest.mark.parametrize(
    ("path", "base", "other"),
    [
        ("box.1", {"box": (1, 2)}, {"box": (1, 3)}),
        ("cells.7~15", {"cells": {"7.5": "a"}}, {"cells": {"7.5": "b"}}),
        ("by_number.7", {"by_number": {7: 1}}, {"by_number": {7: 2}}),
    ],
)
def test_tuples_and_tables_of_any_keys_take_values_of_others(path: str, base: dict[str, Any], other: dict[str, Any]):
    assert put_together(Cells(**base), {path: Cells(**other)}) == Cells(**other)


@pytest.mark.parametrize("kind", [float, Decimal])
def test_not_a_number_is_the_same_as_itself(kind: type):
    one, other = (leaves(Cells(share=kind("nan"))) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("text", ["", "  "])
def test_a_text_without_letters_is_no_value(text: str):
    assert leaves(Bill(number=text))["number"] is None
