"""What is believed of a field follows from its sources' rates, as drawn worlds bear out."""

import random
from collections import defaultdict
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentflow.engine.trust.figures import Bin, CheckFigures, FieldFigures, Rate, SourceFigures, known, pair
from agentflow.engine.trust.law import Pattern, Verdict, field_law, verdict, weigh
from tests.engine.trust.worlds import MISS, TRUTH, Source, World, buy, pattern_of_answers

ALPHA = 0.005
LADDER = {"student": 0.0, "small": 1.0, "frontier": 12.0}

rates = st.floats(0.001, 0.4)
shares = st.floats(0.0, 1.0)
spreads = st.none() | st.floats(0.5, 50.0)
answers = st.lists(st.integers(MISS, 3), max_size=5)


@st.composite
def fields(draw: st.DrawFn) -> tuple[FieldFigures, dict[str, list[int]]]:
    """Figures of up to three sources and what they said."""
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    sources = {
        name: SourceFigures(
            systematic=known(draw(rates)),
            slip=known(draw(rates)),
            fault=known(draw(rates)),
            abstain=known(draw(rates)),
            spread=draw(spreads),
            wrong_values=draw(st.floats(1, 20)),
        )
        for name in names
    }
    shared = {pair(a, b): known(draw(shares)) for a in names for b in names if a < b}
    return FieldFigures(sources=sources, shared=shared), {name: draw(answers) for name in names}


def trust(world: World, **said: list[int]) -> dict[int, float]:
    """By value: what is believed of it where the sources said this."""
    law = world.law()
    values, pattern = pattern_of_answers(law, said)
    return dict(zip(values, weigh(law, pattern), strict=True))


@given(fields())
def test_candidates_share_no_more_than_all_the_trust_there_is(field: tuple[FieldFigures, dict[str, list[int]]]):
    figures, said = field
    law = field_law(figures, list(said), frozenset())
    _, pattern = pattern_of_answers(law, said)
    found = weigh(law, pattern)
    assert all(0 <= each <= 1 for each in found)
    assert sum(found) <= 1 + 1e-9


@given(fields(), st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(field: tuple[FieldFigures, dict[str, list[int]]], rng: random.Random):
    figures, said = field
    law = field_law(figures, list(said), frozenset())
    turned = {name: rng.sample(each, len(each)) for name, each in said.items()}
    values, pattern = pattern_of_answers(law, said)
    others, other = pattern_of_answers(law, dict(sorted(turned.items(), reverse=True)))
    found, again = (dict(zip(v, weigh(law, p), strict=True)) for v, p in ((values, pattern), (others, other)))
    assert again == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize(
    "world",
    [
        World({"a": Source(systematic=0.1, slip=0.2)}, wrong=2),
        World({"a": Source(systematic=0.1, slip=0.2, fault=0.2, spread=2.0)}, wrong=2),
        World({"a": Source(systematic=0.2, slip=0.15), "b": Source(systematic=0.1, slip=0.1)}, overlap=0.4, wrong=2),
        World(
            {"a": Source(0.2, 0.2, 0.1, 3.0), "b": Source(0.1, 0.1, 0.2, 1.0), "c": Source(0.1, 0.05)},
            overlap=0.5,
            wrong=3,
        ),
    ],
)
def test_trust_is_the_share_of_right_values_among_cases_that_look_alike(world: World):
    rng, law = random.Random(5), world.law()
    seen: dict[Pattern, list[tuple[list[int], Pattern]]] = defaultdict(list)
    for _ in range(15_000):
        case = world.case(rng)
        said = {name: [case.answer(name, rng) for _ in range(2)] for name in world.sources}
        values, pattern = pattern_of_answers(law, said)
        seen[pattern].append((values, pattern))
    common = {pattern: cases for pattern, cases in seen.items() if len(cases) >= 100 and pattern.counts}
    assert len(common) >= 2
    for pattern, cases in common.items():
        for place, believed in enumerate(weigh(law, pattern)):
            right = sum(values[place] == TRUTH for values, _ in cases)
            spread = (believed * (1 - believed) / len(cases)) ** 0.5
            assert right / len(cases) == pytest.approx(believed, abs=4.5 * spread + 1e-9), pattern


@settings(max_examples=200)
@given(slip=st.floats(0.01, 0.45), alpha=st.floats(1e-6, 0.2), right=st.integers(0, 12), wrong=st.integers(0, 12))
def test_one_source_without_checks_is_asked_until_a_value_is_ahead_by_k(
    slip: float, alpha: float, right: int, wrong: int
):
    """Wald's test: two values, log odds log((1 - e) / e) a vote, up to log((1 - alpha) / alpha)."""
    if not right + wrong:
        return
    lead = (right - wrong) * log((1 - slip) / slip)
    bar = log((1 - alpha) / alpha)
    if abs(lead - bar) < 1e-6:
        return
    found = trust(World({"a": Source(slip=slip)}, wrong=1), a=[TRUTH] * right + [1] * wrong)
    assert (found.get(TRUTH, 0.0) >= 1 - alpha) == (lead >= bar)


@given(s=rates, e=rates, n=st.integers(1, 5))
def test_a_source_that_shares_all_mistakes_of_another_is_worth_no_more_than_asking_that_again(
    s: float, e: float, n: int
):
    twins = World({"a": Source(systematic=s, slip=e), "b": Source(systematic=s, slip=e)}, overlap=1.0)
    again = trust(twins, a=[TRUTH] * 2 * n)[TRUTH]
    assert trust(twins, a=[TRUTH] * n, b=[TRUTH] * n)[TRUTH] == pytest.approx(again, rel=1e-6)


@given(s=rates, e=rates, t=rates, f=rates)
def test_sources_that_share_no_mistakes_multiply(s: float, e: float, t: float, f: float):
    world = World({"a": Source(s, e), "b": Source(t, f)}, overlap=0.0, wrong=1)
    a, b = trust(world, a=[TRUTH])[TRUTH], trust(world, b=[TRUTH])[TRUTH]
    both = trust(world, a=[TRUTH], b=[TRUTH])[TRUTH]
    assert both == pytest.approx(a * b / (a * b + (1 - a) * (1 - b)), rel=1e-6)


@given(s=st.floats(0.02, 0.3), e=st.floats(0.0, 0.3), others=st.lists(st.integers(1, 3), max_size=2))
def test_a_second_source_that_agrees_never_lowers_trust(s: float, e: float, others: list[int]):
    world = World({"a": Source(s, e), "b": Source(0.02, 0.05)}, overlap=0.3)
    before = trust(world, a=[TRUTH, *others])[TRUTH]
    assert trust(world, a=[TRUTH, *others], b=[TRUTH])[TRUTH] >= before - 1e-9


def test_an_answer_after_failures_is_trusted_less_than_one_at_once():
    world = World({"a": Source(systematic=0.02, slip=0.1, fault=0.2, spread=2.0)})
    found = [trust(world, a=[MISS] * failures + [TRUTH])[TRUTH] for failures in range(5)]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[4] > 0.02


def test_an_answer_after_wrong_ones_is_trusted_less_than_one_at_once():
    """Retry until it validates: what the checks objected to says that the case is hard."""
    law = World({"a": Source(systematic=0.01, slip=0.2, spread=2.0)}, wrong=50).law()
    objection = Verdict(right=0.02, wrong=0.9, blocked=True)
    found: list[float] = []
    for failures in range(4):
        said = {"a": [*range(1, 1 + failures), TRUTH]}
        values, pattern = pattern_of_answers(law, said, dict.fromkeys(range(1, 1 + failures), objection))
        found.append(weigh(law, pattern)[values.index(TRUTH)])
    assert found == sorted(found, reverse=True)
    assert found[0] - found[3] > 0.05


def test_where_cases_are_all_alike_failures_say_nothing_of_the_next_answer():
    world = World({"a": Source(systematic=0.02, slip=0.1, fault=0.2, spread=None)})
    assert trust(world, a=[MISS, MISS, TRUTH])[TRUTH] == pytest.approx(trust(world, a=[TRUTH])[TRUTH])


def test_a_thousand_answers_are_weighed_like_ten():
    world = World({"a": Source(systematic=0.001, slip=0.01, fault=0.01, spread=500.0)})
    assert 0.9 < trust(world, a=[TRUTH] * 1000)[TRUTH] < 1


def test_failures_say_nothing_of_a_mistake_that_is_always_made():
    world = World({"a": Source(systematic=0.3, slip=0.0, fault=0.2, spread=2.0)})
    assert trust(world, a=[MISS, MISS, TRUTH])[TRUTH] == pytest.approx(trust(world, a=[TRUTH])[TRUTH])


def test_a_check_that_catches_no_wrong_field_lends_it_no_trust():
    """That a value stands in the document says nothing of whether it stands in the right field."""
    presence = {"occurs": CheckFigures(catch=known(0.0), alarm=known(0.0))}
    law = field_law(FieldFigures(checks=presence), ["a"], frozenset())
    assert verdict(law, {}, ["occurs"]) == Verdict()


def test_a_check_that_was_never_measured_lends_no_trust():
    law = field_law(FieldFigures(), ["a"], frozenset())
    assert verdict(law, {}, ["adds_up"]) == Verdict()


@given(alarm=st.floats(0.0, 0.1), catch=st.floats(0.2, 1.0))
def test_a_check_that_passes_lifts_a_value_and_one_that_objects_sinks_it(alarm: float, catch: float):
    checks = {"book": CheckFigures(catch=known(catch), alarm=known(alarm))}
    law = field_law(FieldFigures(checks=checks), ["a"], frozenset())
    plain = weigh(law, Pattern(((1,),), (Verdict(),)))[0]
    assert weigh(law, Pattern(((1,),), (verdict(law, {}, ["book"]),)))[0] > plain
    assert weigh(law, Pattern(((1,),), (verdict(law, {"book": 1}, []),)))[0] < plain


def test_an_objection_to_several_fields_speaks_against_each_by_its_share():
    law = field_law(FieldFigures(), ["a"], frozenset())
    found = [weigh(law, Pattern(((1,),), (verdict(law, {"sums": fields}, []),)))[0] for fields in (1, 2, 3, 10)]
    assert found == sorted(found)
    assert not verdict(law, {"sums": 3}, []).blocked
    assert verdict(law, {"sums": 1}, []).blocked


def test_leaving_a_field_empty_weighs_by_how_often_the_source_does_so():
    def empty(abstain: float) -> float:
        figures = FieldFigures(sources={"a": SourceFigures(abstain=known(abstain))})
        return weigh(field_law(figures, ["a"], frozenset()), Pattern(((1,),), (Verdict(),), 0))[0]

    found = [empty(each) for each in (0.0, 0.05, 0.2, 0.6)]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.3, 0.6])
def test_shared_mistakes_do_not_break_the_promise(overlap: float):
    """Silent errors stay within alpha, up to four standard deviations of the count."""
    world = World(
        {"student": Source(0.12), "small": Source(0.05, 0.06), "frontier": Source(0.012, 0.015)},
        overlap=overlap,
        wrong=50,
        checks={"valid": (0.0, 0.5)},
    )
    figures = world.figures().model_copy(update={"checks": {"valid": CheckFigures(catch=known(0.5), alarm=known(0))}})
    law = field_law(figures, list(world.sources), frozenset())
    rng, cases = random.Random(11), 6_000
    done = [buy(world.case(rng), rng, law, ALPHA, prices=LADDER) for _ in range(cases)]
    accepted = [each for each in done if each.value is not None]
    silent = sum(each.value != TRUTH for each in accepted)
    assert silent <= ALPHA * len(accepted) + 4 * (ALPHA * len(accepted)) ** 0.5
    assert len(accepted) > 0.2 * cases


def test_sources_taken_for_independent_break_it():
    """The same world at overlap .6, weighed as if no mistake were shared."""
    sources = {"student": Source(0.12), "small": Source(0.05, 0.06), "frontier": Source(0.012, 0.015)}
    world, believed = World(sources, overlap=0.6, wrong=50), World(sources, overlap=0.0, wrong=50)
    rng, law = random.Random(11), believed.law()
    done = [buy(world.case(rng), rng, law, ALPHA, prices=LADDER) for _ in range(2_000)]
    accepted = [each for each in done if each.value is not None]
    assert sum(each.value != TRUTH for each in accepted) > 3 * ALPHA * len(accepted)


def binned(sure: float, unsure: float, whole: float = 0.05) -> FieldFigures:
    """A source with two bins, and another that was not asked how sure it is."""
    bins = (
        Bin(edge=0.5, systematic=known(unsure), slip=known(0.1)),
        Bin(systematic=known(sure), slip=known(0.001)),
    )
    a = SourceFigures(systematic=known(whole), slip=known(0.02), abstain=known(0), spread=None, bins=bins)
    b = SourceFigures(systematic=known(0.02), slip=known(0.01), abstain=known(0), spread=None)
    return FieldFigures(sources={"a": a, "b": b}, shared={"a|b": Rate(hits=3, misses=7)})


def test_a_value_is_trusted_by_how_sure_the_source_is_of_it():
    figures = binned(sure=0.001, unsure=0.3)
    alone = Pattern(((1, 0),), (Verdict(),), -1, (0, 0))
    found = [weigh(field_law(figures, ["a", "b"], frozenset(), bins), alone)[0] for bins in ({"a": 0}, {}, {"a": 1})]
    assert found == pytest.approx([0.7 * 0.9, 0.95 * 0.98, 0.999 * 0.999], rel=1e-3)


def test_an_unsure_source_makes_another_that_shares_its_mistakes_less_trusted():
    figures = binned(sure=0.001, unsure=0.5)
    said = Pattern(((0, 1),), (Verdict(),), -1, (0, 0))
    laws = [field_law(figures, ["a", "b"], frozenset(), bins) for bins in ({"a": 0}, {}, {"a": 1})]
    found = [weigh(law, said)[0] for law in laws]
    assert found == sorted(found)
    assert found[1] - found[0] > 0.05


def test_confidence_is_a_place_between_edges():
    source = binned(0.1, 0.1).sources["a"]
    assert [source.bin_of(each) for each in (None, 0.0, 0.5, 0.51, 1.0)] == [-1, 0, 0, 1, 1]
    assert SourceFigures().bin_of(0.5) == -1
