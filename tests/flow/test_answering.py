"""What a model sent back becomes the record asked for, or the fault that keeps it from one."""

import pytest
from pydantic import BaseModel, Field

from agentflow.errors import AnswerError
from agentflow.flow.answering import fault_of, parse_answer


class Part(BaseModel):
    value: str | None = None


class Whole(BaseModel):
    part: Part | None = None
    count: int = Field(0, alias="n")


class Total(BaseModel):
    total: int


@pytest.mark.parametrize(
    "text",
    [
        '{"total": 3}',
        '```json\n{"total": 3}\n```',
        'The sum {of all lines} is this: {"total": 3}. Ask {me} for more.',
        'You asked for {}, here it is: {"total": 3}',
        'An example would be {"sum": 1}; mine is {"total": 3}',
    ],
)
def test_the_object_is_found_in_what_stands_around_it(text: str):
    assert parse_answer(Total, text) == Total(total=3)


@pytest.mark.parametrize("text", ["no", "{", "{" * 5000, '{"a":' * 5000, '{"total": 3', "[1, 2]"])
def test_what_holds_no_whole_object_is_not_json(text: str):
    with pytest.raises(AnswerError) as caught:
        parse_answer(Total, text)
    assert caught.value.code == "not_json"


def test_a_part_of_an_answer_that_was_cut_off_is_not_taken_for_the_answer():
    with pytest.raises(AnswerError) as caught:
        parse_answer(Whole, '{"part": {"value": "x"}, "n": 1')
    assert caught.value.code == "not_json"


def test_an_object_with_none_of_the_fields_is_of_the_wrong_form_though_every_field_may_be_left_out():
    with pytest.raises(AnswerError, match="value in place of part, count") as caught:
        parse_answer(Whole, '{"value": "x"}')
    assert caught.value.code == "wrong_form"


def test_an_alias_is_a_known_field_and_an_empty_object_is_an_answer_where_every_field_may_be_left_out():
    assert parse_answer(Whole, '{"n": 4}').count == 4
    assert parse_answer(Whole, "{}").part is None


@pytest.mark.parametrize(
    ("finish", "refusal", "content", "fault"),
    [
        ("stop", None, "x", None),
        ("stop", "I can't", None, "refused"),
        ("length", None, "x", "truncated"),
        ("content_filter", None, "", "content_filter"),
        ("stop", None, "", "empty"),
        ("error", None, "x", "finish_reason=error"),
    ],
)
def test_an_answer_of_no_use_says_why(finish, refusal, content, fault):
    assert fault_of(finish, refusal, content) == fault
