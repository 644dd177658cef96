"""Figures as they stand in calibration.json: what is there counts, what is not has its prior."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agentflow.engine.trust.evidence import laws_of
from agentflow.engine.trust.figures import (
    CODE,
    Bin,
    CheckFigures,
    FieldFigures,
    Figures,
    Rate,
    SourceFigures,
    known,
    pair,
    pattern_of,
)
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


@pytest.mark.parametrize("rate", ["systematic", "slip", "fault", "abstain"])
@pytest.mark.parametrize("misses", [0, 3])
def test_a_bare_count_of_no_mistakes_stands_on_top_of_the_prior(rate: str, misses: int):
    prior = getattr(SourceFigures(), rate)
    found = getattr(SourceFigures.model_validate({rate: Rate(hits=0, misses=misses)}), rate)
    assert found == prior.seen(0, misses)


def test_a_check_that_caught_all_of_a_few_may_miss_one():
    found = CheckFigures(catch=Rate(hits=3, misses=0), alarm=Rate(hits=0, misses=3))
    assert 0 < found.alarm.mean < found.catch.mean < 1


def test_sources_that_were_never_seen_together_may_share_mistakes():
    assert FieldFigures(shared={"a|b": Rate(hits=0, misses=0)}).overlap("a", "b") == 0.5


def test_a_bin_without_a_mistake_stands_on_top_of_its_source():
    empty = Bin(systematic=Rate(hits=0, misses=0), slip=Rate(hits=0, misses=5))
    found = SourceFigures(systematic=Rate(hits=1, misses=3), slip=known(0), bins=(empty,)).bins[0]
    assert found.systematic.mean == 0.25
    assert found.slip.mean == 0


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_what_is_known_stays_so(share: float):
    found = SourceFigures(systematic=known(share), abstain=known(share))
    assert (found.systematic.mean, found.abstain.mean) == (share, share)
    assert SourceFigures.model_validate_json(found.model_dump_json()) == found


def test_figures_are_read_as_they_were_written():
    found = SourceFigures(systematic=Rate(hits=0, misses=3), slip=Rate(hits=2, misses=0))
    assert SourceFigures.model_validate_json(found.model_dump_json()) == found
