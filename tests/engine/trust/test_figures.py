"""Figures as they stand in calibration.json: what is there counts, what is not has its prior."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agentflow.engine.trust.evidence import laws_of
from agentflow.engine.trust.figures import CODE, FieldFigures, Figures, Rate, SourceFigures, known, pair, pattern_of
from agentflow.engine.trust.law import UNMEASURED, field_law, verdict


def test_what_is_missing_has_its_prior():
    text = '{"steps": {"read": {"every": {"sources": {"a": {"slip": {"hits": 1, "misses": 99}}}}}}}'
    found = Figures.model_validate_json(text).steps["read"].every
    assert found.sources["a"].slip.mean == 0.01
    assert found.sources["a"].systematic == SourceFigures().systematic
    assert found.overlap("a", "b") == 0.5


@pytest.mark.parametrize(
    "text",
    [
        '{"hits": -1, "misses": 2}',
        '{"hits": 1}',
        '{"hits": 1, "misses": 2, "mean": 0.5}',
        '{"hits": "many", "misses": 2}',
    ],
)
def test_a_rate_that_is_none_is_an_error(text: str):
    with pytest.raises(ValidationError):
        Rate.model_validate_json(text)


def test_a_source_that_the_exam_did_not_know_has_its_prior():
    law = field_law(FieldFigures(), ["model", "parser"], frozenset({"parser"}))
    model, parser = (law.sources[law.places[name]] for name in ("model", "parser"))
    assert (model.systematic, model.slip) == (SourceFigures().systematic.mean, SourceFigures().slip.mean)
    assert (parser.systematic, parser.slip, parser.spread) == (CODE.systematic.mean, 0.0, None)


def test_an_unmeasured_check_that_objects_is_believed_by_half():
    law = field_law(FieldFigures(), ["a"], frozenset())
    assert verdict(law, {"book": 1}, [])[:2] == UNMEASURED


@given(hits=st.floats(0, 1e6), misses=st.floats(0, 1e6), more=st.floats(0, 1e6), less=st.floats(0, 1e6))
def test_a_rate_counts_on_from_where_it_was(hits: float, misses: float, more: float, less: float):
    rate = Rate(hits=hits, misses=misses).seen(more, less)
    assert (rate.hits, rate.misses) == (hits + more, misses + less)
    assert 0 <= rate.mean <= 1


def test_nothing_counted_is_a_rate_of_none():
    assert Rate(hits=0, misses=0).mean == 0.0
    assert known(0.0).mean == 0.0


def test_a_pair_has_one_key_whichever_is_named_first():
    assert pair("b", "a") == pair("a", "b") == "a|b"


def test_the_place_in_a_list_is_no_part_of_a_pattern():
    assert pattern_of("lines.12.total") == "lines.*.total"
    assert pattern_of("0.total") == "*.total"
    assert pattern_of("vendor.name") == "vendor.name"


def test_laws_are_no_part_of_the_json():
    figures = Figures()
    laws_of(figures, "read", ("a",), frozenset())
    assert figures.model_dump() == Figures().model_dump()
