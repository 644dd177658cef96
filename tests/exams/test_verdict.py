"""The verdict page says what can be left to whom, by three conditions, and what would change that."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from agentflow.exams.cases import Exam
from agentflow.exams.report import Report, held_of
from agentflow.exams.scoring import FieldMark, Mark, Marks
from agentflow.exams.summary import Told, told_of
from agentflow.exams.verdict import frontier, judged
from agentflow.exams.verdict_page import page
from agentflow.exams.verdict_picture import picture, plain
from tests.exams.packs import exam_of


def told(name: str, right: int, wrong: int, review: int, cost: str = "0.01", trials: int = 1) -> Told:
    results: list[Any] = ["right"] * right + ["wrong"] * wrong + ["review"] * review
    rows = [
        Mark(
            str(i), t, str(i), {"vendor": f"v{i % 3}"}, each, each, Decimal(cost), 1.0, (FieldMark("Reply.code", each),)
        )
        for i, each in enumerate(results)
        for t in range(trials)
    ]
    return told_of(Marks(name, tuple(rows)))


def report(*found: Told, **settings: Any) -> tuple[Report, Exam]:
    exam = exam_of(3, **{"human_cost": Decimal("1.00"), **settings})
    held = held_of(found, exam.settings.bars)
    return Report("letters", found[0].whole.cases, 1, None, Decimal("3.21"), True, found, held), exam


def word(right: int, wrong: int, review: int, cost: str = "0.01", **settings: Any) -> str:
    return judged(*report(told("small", right, wrong, review, cost), **settings))[0].word


def test_what_is_right_often_reliably_and_cheaply_can_be_automated():
    assert word(900, 0, 100) == "automate"


def test_what_is_not_proven_reliable_only_assists():
    assert word(95, 0, 5) == "assist"  # no error in 100 cases proves no better than 3.7 %
    assert word(900, 30, 70) == "assist"


def test_what_is_seldom_right_is_not_ready():
    assert word(200, 0, 800) == "not yet"


def test_what_costs_more_than_a_person_is_not_ready():
    assert word(900, 0, 100, cost="1.50") == "not yet"


def test_a_stated_bar_takes_the_place_of_what_is_asked_for_otherwise():
    assert word(900, 0, 100, bars={"right": 0.95}) == "assist"


def test_without_a_human_cost_nothing_is_automated_and_the_page_asks_for_it():
    found = judged(*report(told("small", 900, 0, 100), human_cost=None))[0]
    assert found.word == "assist"
    assert "cheaper than a person: state human_cost, USD a case, in exam/exam.toml" in found.changes


def test_it_is_said_how_many_more_cases_would_prove_it_and_so_many_do():
    found = judged(*report(told("small", 200, 0, 0)))[0]
    more = found.conditions[1].more
    assert more is not None
    assert word(200 + more, 0, 0) == "automate"
    assert word(200 + more - 2, 0, 0) == "assist"


def test_one_more_case_is_said_in_words():
    enough = next(n for n in range(300, 500) if word(n, 0, 0) == "automate")
    found = judged(*report(told("small", enough - 1, 0, 0)))[0]
    assert "reliably enough: one more case, as often right as these, would prove it" in found.changes


def test_where_more_cases_cannot_help_that_is_said():
    found = judged(*report(told("small", 90, 3, 7)))[0]
    assert any("has to come to at most 1 %" in text or "more cases" in text for text in found.changes)
    assert found.conditions[1].more is None


def test_it_is_said_by_how_much_a_price_has_to_fall():
    found = {each.candidate: each for each in judged(*report(told("dear", 1000, 0, 0, "2.00")))}
    assert "its price has to fall by 50 % to be cheaper than a person" in found["dear"].changes


def test_a_candidate_as_good_is_told_the_price_at_which_it_would_be_taken():
    found = {
        each.candidate: each for each in judged(*report(told("a", 1000, 0, 0, "0.10"), told("b", 1000, 0, 0, "0.20")))
    }
    assert found["b"].changes[-1] == "its price has to fall by 50 % to be as cheap as a"


def test_the_cheapest_of_those_that_can_be_left_alone_comes_first():
    rows = [told("poor", 500, 500, 0, "0.00"), told("dear", 1000, 0, 0, "0.50"), told("good", 990, 0, 10, "0.01")]
    assert [each.candidate for each in judged(*report(*rows))] == ["good", "dear", "poor"]


def test_the_frontier_leaves_out_what_is_dearer_and_no_better():
    rows = [
        told("a", 90, 10, 0, "0.1"),
        told("b", 80, 20, 0, "0.2"),
        told("c", 95, 5, 0, "0.3"),
        told("d", 50, 50, 0, "0.01"),
    ]
    assert [each.candidate for each in frontier(rows)] == ["d", "a", "c"]


class _Parts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parts(text: str) -> _Parts:
    found = _Parts()
    found.feed(text)
    assert found.open == []
    return found


def test_the_page_stands_alone_without_a_script_or_an_address():
    text = page(*report(told("small", 900, 10, 90), told("free", 500, 0, 500, "0")))
    found = parts(text)
    assert "script" not in found.tags
    assert not {name for name, _ in found.attributes} & {"src", "href", "onclick", "onload"}
    assert re.search(r"https?:|//|url\(|@import", text) is None
    assert found.tags.count("svg") == 1


def test_the_page_says_the_word_the_conditions_and_where_the_errors_are():
    text = page(*report(told("small", 940, 10, 50, trials=2), bars={"silent": 0.001}))
    for words in (
        "assist",
        "Right often enough",
        "Reliably enough",
        "Cheaper than a person",
        "Reply.code",
        "vendor",
        "v1",
    ):
        assert words in text
    assert "small misses its bar of silent, at most 0.001" in text


def test_everything_drawn_lies_inside_of_the_picture():
    rows = [
        told("free", 500, 0, 500, "0"),
        told("small", 900, 10, 90),
        told("a-very-dear-frontier-model", 990, 5, 5, "9.00"),
    ]
    svg = re.search(r"<svg.*?</svg>", page(*report(*rows)), re.DOTALL)
    assert svg is not None
    wide, tall = (float(n) for n in re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg[0])[0])
    for x, anchor, text in re.findall(r'<text x="([\d.]+)"[^>]*text-anchor="(\w+)"[^>]*>([^<]*)<', svg[0]):
        start = float(x) - 6.5 * len(text) * {"start": 0, "middle": 0.5, "end": 1}[anchor]
        assert start >= -10
        assert start + 6.5 * len(text) <= wide + 10, text
    assert all(0 <= float(y) <= tall for y in re.findall(r'cy="([\d.]+)"', svg[0]))


def test_names_that_look_like_markup_are_text():
    text = page(*report(told("<b>small</b>", 900, 0, 100)))
    assert "<b>" not in text
    assert "&lt;b&gt;small&lt;/b&gt;" in text


@pytest.mark.parametrize("counts", [(0, 0, 5), (5, 0, 0), (0, 5, 0), (1, 0, 0)])
def test_a_page_can_be_made_of_very_little(counts: tuple[int, int, int]):
    parts(page(*report(told("small", *counts, cost="0"))))


def test_cases_that_a_pack_was_tuned_on_are_told_apart_from_those_that_it_has_not_seen():
    found, exam = report(told("pack", 90, 0, 10))
    assert "--split hold" not in page(found, exam)
    tuned = replace(exam, pack=replace(exam.pack, calibration={"steps": {}, "about": "counted"}))
    unseen = len(exam.of("hold"))
    assert f"{unseen} cases it has not seen: --split hold" in page(found, tuned)
    assert "--split hold" not in page(replace(found, cases=unseen), tuned)


def test_a_small_amount_stands_without_an_exponent():
    assert [plain(value) for value in (0, 2.6e-05, 0.00043, 0.029, 1.5, 1e-5)] == [
        "0.00", "0.000026", "0.00043", "0.029", "1.50", "0.00001",
    ]  # fmt: skip


def test_names_of_candidates_that_stand_at_one_place_are_not_drawn_over_each_other():
    drawn = picture([told(name, 900, 0, 100) for name in ("small", "large", "pack")], "small")
    heights = [float(y) for y, name in re.findall(r'y="([\d.]+)"[^>]*>(small|large|pack)<', drawn)]
    assert min(abs(a - b) for a, b in pairwise(heights)) >= 12
