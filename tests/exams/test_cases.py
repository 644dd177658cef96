"""Cases are read with clear errors, and no two splits share a document or a vendor."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Document, Pack, Price, Record, workflow
from agentflow.errors import PackError
from agentflow.exams.cases import SPLITS, Case, checked, dump_cases, read_cases, read_exam, split_of
from agentflow.exams.filling import filled
from tests.exams.packs import Sent, case_of, letters


def folder_of(tmp_path: Path, *rows: dict[str, Any], settings: str = "") -> Path:
    (tmp_path / "exam").mkdir()
    (tmp_path / "exam" / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if settings:
        (tmp_path / "exam" / "exam.toml").write_text(settings)
    return tmp_path


def row(number: int, **more: Any) -> dict[str, Any]:
    return case_of(number).model_dump(mode="json", exclude_defaults=True) | more


def test_an_exam_has_its_cases_and_what_a_person_costs(tmp_path: Path):
    exam = read_exam(
        letters, folder_of(tmp_path, row(1), row(2), settings='human_cost = "2.50"\n[bars]\nsilent = 0.01')
    )
    assert [case.id for case in exam.cases] == ["1", "2"]
    assert str(exam.settings.human_cost) == "2.50"
    assert exam.settings.bars.silent == 0.01


def test_cases_are_written_as_they_are_read(tmp_path: Path):
    path = tmp_path / "cases.jsonl"
    path.write_text(dump_cases([case_of(1), case_of(2, split="hold")]))
    assert read_cases(path) == [case_of(1), case_of(2, split="hold")]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gold": {"Nothing": {}}}, "1: gold: Nothing is no record of letters"),
        ({"gold": {"Reply": {"code": "much"}}}, "1: gold: Reply: code"),
        ({"gold": {"Reply": [{}]}}, "1: gold: Reply: give it one record"),
        ({"input": None}, "1: give it either an input or a file"),
        ({"input": None, "file": "missing.pdf"}, "there is no file missing.pdf"),
    ],
)
def test_a_case_that_does_not_fit_the_pack_is_named_with_its_fault(tmp_path: Path, change: dict[str, Any], says: str):
    with pytest.raises(PackError) as told:
        read_exam(letters, folder_of(tmp_path, row(1, **change)))
    assert says in str(told.value)


def test_a_line_that_is_no_case_is_named_by_its_number(tmp_path: Path):
    with pytest.raises(PackError, match=r"cases\.jsonl, line 2: id"):
        read_exam(letters, folder_of(tmp_path, row(1), {"gold": {}}))


def test_two_cases_of_one_id_are_told(tmp_path: Path):
    with pytest.raises(PackError, match="1: 2 cases have this id"):
        read_exam(letters, folder_of(tmp_path, row(1), row(1)))


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ({"split": "tune"}, {"split": "hold"}, "share the vendor acme; give both the same split"),
        (
            {"split": "tune", "tags": {"vendor": "a"}, "document": "d"},
            {"split": "hold", "tags": {"vendor": "b"}, "document": "d"},
            "share the document d",
        ),
    ],
)
def test_splits_that_share_a_vendor_or_a_document_are_refused(one: Any, other: Any, says: str):
    with pytest.raises(PackError, match=says):
        checked(letters, Path(), [case_of(0, **one), case_of(10, **other)])


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from("abcdefghij")), max_size=60, unique_by=lambda p: p[0])
)
def test_cases_divided_by_hash_share_no_vendor_between_splits(pairs: list[tuple[int, str]]):
    cases = [case_of(number, tags={"vendor": vendor}) for number, vendor in pairs]
    homes: dict[str, set[str]] = {}
    for case in checked(letters, Path(), cases):
        homes.setdefault(case.tags["vendor"], set()).add(case.part)
    assert all(len(parts) == 1 for parts in homes.values())


def test_groups_fall_into_splits_by_their_shares():
    found = [split_of(f"group {n}") for n in range(4000)]
    for name, share in SPLITS:
        assert found.count(name) / 4000 == pytest.approx(share, abs=0.03)


def test_a_record_of_which_little_is_known_is_filled():
    assert filled(Sent, {"code": 3}) == Sent(key="exam", code=3)


def test_a_case_keeps_its_split_whatever_else_there_is():
    assert Case(id="x", input={}, gold={"Reply": {}}, tags={"vendor": "acme"}).part == split_of("acme")


def test_an_exam_without_a_case_is_told(tmp_path: Path):
    with pytest.raises(PackError, match="has no case"):
        read_exam(letters, folder_of(tmp_path))


@pytest.mark.parametrize("end", ["\u2028", "\u0085", "\x0b"])
def test_a_text_may_hold_what_python_takes_for_the_end_of_a_line(tmp_path: Path, end: str):
    path, case = tmp_path / "cases.jsonl", case_of(1, input={"number": 1, "text": f"a{end}b"})
    path.write_text(dump_cases([case]), encoding="utf-8")
    assert read_cases(path) == [case]


def test_a_byte_order_mark_is_no_part_of_the_first_case(tmp_path: Path):
    path = tmp_path / "cases.jsonl"
    path.write_text(dump_cases([case_of(1)]), encoding="utf-8-sig")
    assert read_cases(path) == [case_of(1)]


def test_an_input_that_the_pack_does_not_take_is_told_before_anything_is_run(tmp_path: Path):
    with pytest.raises(PackError, match="1: input: number: Input should be a valid integer"):
        checked(letters, tmp_path, [case_of(1, input={"number": "x", "text": "a"})])


def test_copies_of_a_document_under_two_names_are_in_one_split(tmp_path: Path):
    pages = Pack(
        name="pages", workflow=workflow("pages", takes=Document, gives=Page).step(read_page).build(),
        prices={Page: Price("1")},
    )  # fmt: skip
    cases = [
        Case(id="a", file="a", gold={"Page": {}}, split="tune"),
        Case(id="b", file="b", gold={"Page": {}}, split="hold"),
    ]
    for case in cases:
        (tmp_path / case.id).write_text("the same")
    with pytest.raises(PackError, match=r"b \(hold\) and a \(tune\) share the content"):
        checked(pages, tmp_path, cases)


class Page(Record):
    words: int


async def read_page(document: Document) -> Page:
    return Page(words=document.size)
