"""Cases come from tables and from Inspect's samples, go out as samples, and come from what reviewers have corrected."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentflow import Pack, Price, Record, workflow
from agentflow.errors import PackError
from agentflow.exams.adapters import from_csv, read_any, reviewed, tagged, to_inspect
from agentflow.exams.cases import checked
from tests.exams.packs import case_of, letters


class Question(Record):
    text: str
    level: int = 0


class Answer(Record):
    text: str


async def reply(question: Question) -> Answer:
    return Answer(text=question.text)


plain = Pack(
    name="plain",
    workflow=workflow("plain", takes=Question, gives=Answer).step(reply).build(),
    prices={Answer: Price("0.01")},
)


def written(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


def test_a_row_of_a_table_is_a_case(tmp_path: Path):
    text = "id,input.number,input.text,gold.Reply.code,tags.vendor,split\n7,7,hello,107,acme,tune\n"
    (case,) = checked(letters, tmp_path, from_csv(written(tmp_path, "a.csv", text)))
    assert (case.id, case.part, case.tags) == ("7", "tune", {"vendor": "acme"})
    assert case.gold == {"Reply": {"code": "107"}}


def test_an_empty_cell_says_nothing_and_null_that_a_field_stays_empty(tmp_path: Path):
    text = "id,input.text,gold.Reply.topic,gold.Reply.code\n7,hello,,null\n"
    assert from_csv(written(tmp_path, "a.csv", text))[0].gold == {"Reply": {"code": None}}


def test_a_column_that_no_case_has_is_told(tmp_path: Path):
    with pytest.raises(PackError, match="no case has price; columns are id"):
        from_csv(written(tmp_path, "a.csv", "id,price\n1,2\n"))


def test_a_row_that_is_no_case_is_told_by_its_number(tmp_path: Path):
    with pytest.raises(PackError, match=r"a\.csv, row 2: gold"):
        from_csv(written(tmp_path, "a.csv", "id,input.text\n1,2\n"))


def test_what_was_exported_comes_back(tmp_path: Path):
    cases = [case_of(1), case_of(2, split="hold", document="d")]
    file = written(tmp_path, "a.jsonl", "".join(json.dumps(row) + "\n" for row in to_inspect(cases)))
    back = read_any(file, letters)
    assert [case.model_copy(update={"split": None}) for case in back] == [
        case.model_copy(update={"split": None}) for case in cases
    ]
    assert [case.part for case in back] == [case.part for case in cases]


def test_a_sample_has_the_fields_that_inspect_reads():
    (row,) = to_inspect([case_of(1)])
    assert set(row) == {"id", "input", "target", "metadata"}
    assert isinstance(row["input"], str)
    assert isinstance(row["target"], str)


def test_a_sample_of_plain_texts_goes_into_the_only_fields_there_are(tmp_path: Path):
    line = json.dumps({"id": 3, "input": "What is 1 + 1?", "target": "2", "metadata": {"topic": "sums"}})
    (case,) = read_any(written(tmp_path, "a.jsonl", line), plain)
    assert (case.input, case.gold, case.tags) == (
        {"text": "What is 1 + 1?"},
        {"Answer": {"text": "2"}},
        {"topic": "sums"},
    )


def test_plain_text_for_a_record_of_several_fields_is_told(tmp_path: Path):
    line = json.dumps({"id": 3, "input": "a", "target": "2"})
    with pytest.raises(PackError, match="plain text fits no Letter, which needs number, text"):
        read_any(written(tmp_path, "a.jsonl", line), letters)


def test_a_file_of_cases_is_read_as_it_is(tmp_path: Path):
    line = case_of(1).model_dump_json(exclude_defaults=True)
    assert read_any(written(tmp_path, "a.jsonl", line), letters) == [case_of(1)]


def test_what_a_person_answered_is_gold_and_so_is_the_outcome():
    answer: Any = {"topic": "a", "code": 3}
    case = reviewed(letters, "job_1", {"input": {"number": 1, "text": "a"}}, [("Reply", answer)], "Sent")
    assert case is not None
    assert case.gold == {"Reply": {"topic": "a", "code": 3}, "Sent": {}}


def test_a_job_that_nobody_answered_is_no_case():
    assert reviewed(letters, "job_1", {"input": {}}, [], "Sent") is None


def test_a_tag_is_taken_from_the_gold():
    assert tagged(case_of(1, tags={}), {"vendor": "Reply.topic", "none": "Reply.none"}).tags == {"vendor": "topic 1"}


def test_that_a_person_has_to_look_goes_out_as_a_sample_and_comes_back(tmp_path: Path):
    cases = [case_of(1, review=True, split="hold"), case_of(2, split="tune")]
    text = "".join(json.dumps(each) + "\n" for each in to_inspect(cases))
    assert read_any(written(tmp_path, "a.jsonl", text), letters) == cases


def test_a_line_of_json_may_hold_what_python_takes_for_the_end_of_a_line(tmp_path: Path):
    case = case_of(1, input={"number": 1, "text": "a\u2028b"}, split="tune")
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in to_inspect([case]))
    assert read_any(written(tmp_path, "a.jsonl", text), letters) == [case]


def test_a_column_that_takes_the_place_of_another_is_told(tmp_path: Path):
    with pytest.raises(PackError, match=r"the column tags leaves no place for tags\.vendor"):
        read_any(written(tmp_path, "a.csv", "id,tags,tags.vendor\n1,x,acme\n"), letters)


def test_a_row_with_more_cells_than_columns_is_told(tmp_path: Path):
    with pytest.raises(PackError, match=r"a\.csv, row 2: it has more cells"):
        read_any(written(tmp_path, "a.csv", "id,input.text\n1,hello, you\n"), letters)


def test_a_cell_that_is_longer_than_a_table_may_hold_is_told(tmp_path: Path):
    with pytest.raises(PackError, match="cannot be read"):
        read_any(written(tmp_path, "a.csv", f"id,input.text\n1,{'x' * 200_000}\n"), letters)


def test_what_was_answered_before_a_record_changed_is_no_case(tmp_path: Path):
    given = {"input": {"number": 1, "text": "a"}}
    assert reviewed(letters, "job_1", given, [("Gone", {"code": 1})], "Sent") is None
    assert reviewed(letters, "job_1", given, [("Reply", {"old": 1})], "Sent") is None
