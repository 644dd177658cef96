"""Records taken apart into leaf fields, and put together again from several."""

from decimal import Decimal

import pytest

from agentflow import Evidence, Record
from agentflow.engine.trust.values import confidences, evidence_of, is_shape, leaves, put_together
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
