"""An attempt at a case whose truth is known, as rows to count."""

from agentflow import Evidence
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.observing import Observation, observed
from agentflow.engine.trust.verdict import Attempt
from tests.engine.trust.answers import SUMS, Bill, Kept, Line, Other, Sums, failed, gave, sums, wrong


def rows(attempt: Attempt, truth: object, **more: object) -> dict[str, Observation]:
    """By path."""
    found = observed("one", 2, attempt, truth, **more)  # pyright: ignore[reportArgumentType]
    return {row.path: row for row in found}


def test_every_field_is_a_row_with_its_truth():
    found = rows(sums("a", 1, 2, 4), Sums(net=1, tax=2, total=3))
    assert {path: (row.value, row.truth) for path, row in found.items()} == {
        "net": (1, 1),
        "tax": (2, 2),
        "total": (4, 3),
    }
    assert {(row.case, row.source, row.trial) for row in found.values()} == {("one", "a", 2)}


def test_a_fault_of_the_answer_is_one_row_and_one_of_the_network_none():
    assert [row.fault for row in observed("one", 0, failed("a"), Sums(net=1))] == ["wrong_form"]
    assert observed("one", 0, failed("a", "model_unreachable"), Sums(net=1)) == []


def test_a_list_of_the_wrong_length_is_wrong_in_its_length_alone():
    line = Line(item="x", amount=1)
    found = rows(gave("a", Bill(lines=[line])), Bill(lines=[line, line]))
    assert (found["lines.#"].value, found["lines.#"].truth) == (1, 2)
    assert "lines.0.item" not in found
    assert "number" in found


def test_a_part_that_is_missing_is_left_empty():
    found = rows(gave("a", Bill()), Bill(vendor=Line(item="x", amount=1)))
    assert (found["vendor.#"].value, found["vendor.#"].truth) == (None, "Line")
    assert estimate(found.values()).fields["vendor.#"].sources["a"].abstain.mean > 0.1


def test_a_record_of_the_wrong_type_is_wrong_in_its_type_alone():
    found = rows(gave("a", Other(net=1)), Sums(net=1), one_type=False)
    assert {path: (row.value, row.truth) for path, row in found.items()} == {"#": ("Other", "Sums")}


def test_a_row_tells_which_checks_object_to_the_field():
    found = rows(gave("a", Sums(net=1), wrong("net")), Sums(net=2))
    assert found["net"].said == {"seen": True}
    assert found["tax"].said == {"seen": False}


def test_a_check_that_ties_fields_objects_to_all_of_them():
    found = rows(sums("a", 1, 2, 4), Sums(net=1, tax=2, total=3), ties=SUMS)
    assert all(found[path].said == {"adds_up": True} for path in ("net", "tax", "total"))


def test_a_row_tells_how_sure_the_source_is():
    made = Kept(net=1, total=2, evidence={"net": Evidence(trust=0.7, source="a")})
    found = rows(gave("a", made), Kept(net=1, total=2))
    assert (found["net"].confidence, found["total"].confidence) == (0.7, None)


def test_a_list_without_items_is_left_empty():
    found = rows(gave("a", Bill()), Bill(lines=[Line(item="x", amount=1)]))
    assert (found["lines.#"].value, found["lines.#"].truth) == (None, 1)
