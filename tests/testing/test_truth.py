"""The truth finds the case that a prompt is about."""

from pathlib import Path

import pytest

from agentflow.errors import ConfigError
from agentflow.testing import Gold, GoldLine, Request, by_line, by_marker, dump_lines, read_truth
from agentflow.testing.truth import sha256

LINES = [
    GoldLine(case="a", answer={"total": "1.00"}, sha256=sha256("text of a"), tags=["vendor:ACME"]),
    GoldLine(case="b", answer={"total": "2.00"}, form="Sum", key="Invoice no. 4711"),
    GoldLine(case="b", answer={"lines": []}, form="Lines"),
]


def request(text: str, form: str = "Sum", images: tuple[str, ...] = ()) -> Request:
    return Request(model="m", text=text, form=form, images=images)


def test_a_marker_names_the_case():
    truth = by_marker({"17": {"value": 17}})
    assert truth(request("what is [case:17]?")) == Gold("17", {"value": 17})
    assert truth(request("what is [case:18]?")) is None


def test_a_function_can_make_the_answer_of_any_case():
    assert by_marker(lambda case: int(case) + 1)(request("[case:41]")) == Gold("41", 42)


@pytest.mark.parametrize("text", ["[case:a]", "text of a"])
def test_a_case_is_found_by_its_marker_or_the_hash_of_the_text(text):
    assert by_line(LINES)(request(text)) == Gold("a", {"total": "1.00"}, ("vendor:ACME",))


def test_a_case_is_found_by_the_hash_of_its_picture():
    assert by_line(LINES)(request("", images=(sha256("text of a"),))) is not None


def test_a_case_is_found_by_a_text_that_only_its_prompt_holds():
    truth = by_line(LINES)
    assert truth(request("page 1: Invoice no. 4711")) == Gold("b", {"total": "2.00"})
    assert truth(request("page 1: Invoice no. 4712")) is None


def test_a_case_with_several_forms_answers_in_the_one_that_is_asked():
    assert by_line(LINES)(request("[case:b]", form="Lines")) == Gold("b", {"lines": []})
    assert by_line(LINES)(request("[case:b]", form="Other")) is None


def test_a_truth_file_is_read_as_it_was_written(tmp_path: Path):
    path = tmp_path / "truth.jsonl"
    path.write_text(dump_lines(LINES), encoding="utf-8")
    assert read_truth(str(path))(request("[case:a]")) == Gold("a", {"total": "1.00"}, ("vendor:ACME",))


def test_a_truth_can_be_named_in_python():
    assert read_truth("tests.testing.test_truth:any_case")(request("x")) == Gold(1, "x")
    with pytest.raises(ConfigError, match="cannot be imported"):
        read_truth("tests.testing.test_truth:no_such")


def any_case(asked: Request) -> Gold:
    return Gold(1, asked.text)
