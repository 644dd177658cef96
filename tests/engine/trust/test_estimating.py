"""An exam's answers give back the rates that they were drawn by."""

import random
from collections import Counter
from decimal import Decimal

import pytest

from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Figures, SourceFigures, StepFigures, known
from agentflow.engine.trust.observing import Observation
from tests.engine.trust.worlds import Source, World, exam, within

SMALL, FRONTIER = Source(0.05, 0.06, 0.05), Source(0.012, 0.015, 0.02)
PAIR = World({"small": SMALL, "frontier": FRONTIER}, overlap=0.2, wrong=10)
EXAMS = 16


def said(value: object, *, case: int = 0, trial: int = 0, source: str = "a", **more: object) -> Observation:
    """A row whose truth is 0."""
    return Observation(case, source, trial, "x", value, 0, **more)  # pyright: ignore[reportArgumentType]


def of(rows: list[Observation], source: str = "a", **more: object) -> SourceFigures:
    """The figures of the source for `x`."""
    return estimate(rows, **more).fields["x"].sources[source]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("spread", [None, 3.0])
def test_the_intervals_of_the_rates_hold_the_truth_as_often_as_they_say(spread: float | None):
    """95 % intervals over 16 exams of 300 cases and 4 calls; binomial bounds at four standard deviations."""
    world = World({n: Source(s.systematic, s.slip, s.fault, spread) for n, s in PAIR.sources.items()}, 0.2, 10)
    held: Counter[str] = Counter()
    for seed in range(EXAMS):
        rng = random.Random(seed)
        field = estimate(exam(world, rng, 300, 4)).fields["x"]
        for name, source in world.sources.items():
            for rate in ("systematic", "slip", "fault"):
                held[f"{name} {rate}"] += within(getattr(field.sources[name], rate), getattr(source, rate), rng)
        held["overlap"] += within(field.shared["frontier|small"], 0.2, rng)
    assert min(held.values()) >= EXAMS * (0.95 - 4 * (0.95 * 0.05 / EXAMS) ** 0.5), held


def test_more_cases_come_nearer_to_the_rates():
    found = estimate(exam(PAIR, random.Random(1), 4000, 4)).fields["x"]
    small = found.sources["small"]
    assert small.systematic.mean == pytest.approx(0.05, rel=0.2)
    assert small.slip.mean == pytest.approx(0.06, rel=0.1)
    assert small.fault.mean == pytest.approx(0.05, rel=0.1)
    assert small.wrong_values == pytest.approx(10, rel=0.3)
    assert found.shared["frontier|small"].mean == pytest.approx(0.2, abs=0.1)


@pytest.mark.parametrize(("spread", "low", "high"), [(None, 30, 1000), (2.0, 1.3, 3.0), (8.0, 5.0, 13.0)])
def test_it_is_told_how_alike_cases_are(spread: float | None, low: float, high: float):
    world = World({"a": Source(0.02, 0.1, spread=spread)}, wrong=10)
    found = of(exam(world, random.Random(2), 2000, 4)).spread
    assert found is not None
    assert low <= found <= high


def test_the_same_wrong_value_every_time_is_a_systematic_mistake():
    rows = [said(0, case=c, trial=t) for c in range(90) for t in range(4)]
    rows += [said(7, case=c, trial=t) for c in range(90, 100) for t in range(4)]
    found, prior = of(rows), SourceFigures()
    assert found.systematic.hits == pytest.approx(prior.systematic.hits + 10, abs=0.05)
    assert found.slip.hits == pytest.approx(prior.slip.hits, abs=0.2)


def test_a_wrong_value_now_and_then_is_a_slip():
    rows = [said(7 if t == 0 else 0, case=c, trial=t) for c in range(100) for t in range(4)]
    found = of(rows)
    assert found.systematic.mean < 0.01
    assert found.slip.mean == pytest.approx(0.25, abs=0.03)


def test_different_wrong_values_every_time_are_slips():
    rows = [said(1 + t, case=c, trial=t) for c in range(10) for t in range(4)]
    rows += [said(0, case=c, trial=t) for c in range(10, 100) for t in range(4)]
    found = of(rows)
    assert found.systematic.mean < 0.01
    assert found.wrong_values > 10


def test_what_chance_would_do_is_not_taken_for_systematic():
    """A source that is wrong half of the time, out of two values, often says the same wrong value twice."""
    world = World({"a": Source(0.0, 0.5)}, wrong=2)
    rows = exam(world, random.Random(3), 400, 4)
    assert of(rows).systematic.mean < 0.02


def test_one_call_a_case_cannot_tell_the_two_apart_and_leaves_the_systematic_rate_in_doubt():
    def rate(trials: int) -> float:
        found = of(exam(World({"a": Source(0.05, 0.06)}), random.Random(4), 300, trials)).systematic
        return found.hits + found.misses

    assert rate(1) < 40
    assert rate(4) > 250


def test_no_rows_leave_the_priors():
    assert estimate([]) == StepFigures()


def test_a_function_makes_only_systematic_mistakes():
    rows = [said(7 if c < 10 else 0, case=c) for c in range(100)]
    found = of(rows, code=frozenset({"a"}))
    assert found.systematic.mean == pytest.approx((1 + 10) / 110)
    assert found.slip.mean == 0
    assert found.spread is None


def test_a_call_without_an_answer_counts_once_for_every_field():
    rows = [Observation(c, "a", t, p, 0, 0) for c in range(50) for t in range(3) for p in ("x", "y")]
    rows += [Observation(c, "a", 3, fault="not_json") for c in range(50)]
    found = estimate(rows)
    rates = [each.sources["a"].fault for each in (found.fields["x"], found.fields["y"], found.every)]
    assert [each.mean for each in rates] == pytest.approx([0.25] * 3, abs=0.02)
    assert all(each.hits + each.misses <= 200 + 10 for each in rates)


def test_a_network_that_was_down_says_nothing_of_the_source():
    rows = [said(0, case=c) for c in range(50)]
    assert of([*rows, Observation(1, "a", 1, fault="model_unreachable")]) == of(rows)


def test_an_empty_field_that_has_a_value_is_left_out_and_no_mistake():
    rows = [said(None if c < 20 else 0, case=c, trial=t) for c in range(100) for t in range(2)]
    found = of(rows)
    assert found.abstain.mean == pytest.approx(0.2, abs=0.02)
    assert found.systematic.mean < 0.01


def test_a_value_for_a_field_that_has_none_is_wrong():
    rows = [Observation(c, "a", t, "x", 5 if c < 20 else None, None) for c in range(100) for t in range(4)]
    found = of(rows)
    assert found.systematic.mean == pytest.approx(0.2, abs=0.03)
    assert found.abstain == SourceFigures().abstain


def test_places_of_a_list_are_one_field():
    rows = [Observation(c, "a", 0, f"lines.{i}.total", 0, 0) for c in range(5) for i in range(4)]
    assert list(estimate(rows).fields) == ["lines.*.total"]


def fields(rates: dict[str, float], cases: int) -> list[Observation]:
    """A source's answers to several fields, systematically wrong on a share of cases."""
    return [
        Observation(case, "a", trial, path, 7 if case < rate * cases else 0, 0)
        for path, rate in rates.items()
        for case in range(cases)
        for trial in range(3)
    ]


def test_a_field_of_few_cases_is_taken_to_err_as_the_others_do():
    found = estimate(fields(dict.fromkeys("abcdefgh", 0.0), 40)).fields["a"]
    alone = estimate(fields({"a": 0.0}, 40)).fields["a"]
    assert found.sources["a"].systematic.mean < 0.002 < 0.005 < alone.sources["a"].systematic.mean


def test_a_field_that_errs_otherwise_than_the_others_shows_it():
    found = estimate(fields({"x": 0.2, **dict.fromkeys("abcdefgh", 0.0)}, 60)).fields
    assert found["x"].sources["a"].systematic.mean > 0.12
    assert found["a"].sources["a"].systematic.mean < 0.02


def test_what_all_fields_have_in_common_stands_for_those_without_figures():
    found = estimate(fields({"x": 0.1, "y": 0.0}, 100)).every
    assert found.sources["a"].systematic.mean == pytest.approx(0.05, abs=0.01)


def test_a_check_is_counted_once_a_value_however_often_the_value_is_given():
    rows = [said(0, case=c, trial=t, said={"book": False}) for c in range(95) for t in range(4)]
    rows += [said(0, case=c, trial=t, said={"book": True}) for c in range(95, 100) for t in range(4)]
    rows += [said(7, case=c, trial=4, source="b", said={"book": c < 80}) for c in range(100)]
    found = estimate(rows).fields["x"].checks["book"]
    assert (found.alarm.hits, found.alarm.misses) == (0.5 + 5, 9.5 + 95)
    assert (found.catch.hits, found.catch.misses) == (80, 2 + 20)


def test_a_check_that_never_objects_to_a_field_has_no_figures_there():
    rows = [said(0, case=c, said={"book": False}) for c in range(50)]
    assert estimate(rows).fields["x"].checks == {}


def test_an_identity_is_counted_by_sets_of_values():
    def sums(case: int, net: int, *, objects: bool) -> list[Observation]:
        told = {"adds_up": objects}
        values = {"net": (net, 10), "tax": (2, 2), "total": (12, 12)}
        return [
            Observation(case, "a", trial, path, value, truth, said=told)
            for trial in range(3)
            for path, (value, truth) in values.items()
        ]

    rows = [row for c in range(80) for row in sums(c, 10, objects=False)]
    rows += [row for c in range(80, 98) for row in sums(c, 11, objects=True)]
    rows += [row for c in range(98, 100) for row in sums(c, 9, objects=False)]
    found = estimate(rows, ties={"adds_up": ("net", "tax", "total")})
    identity = found.identities["adds_up"]
    assert (identity.catch.hits, identity.catch.misses) == (4 + 18, 1 + 2)
    assert (identity.alarm.hits, identity.alarm.misses) == (0.5, 9.5 + 80)
    assert found.fields["net"].checks == {}


def test_what_a_call_takes_is_the_mean_over_calls():
    rows = [said(0, case=c, cost=Decimal("0.01") * (1 + c % 2), seconds=2.0) for c in range(10)]
    found = estimate(rows).calls["a"]
    assert found.cost == pytest.approx(0.015)
    assert found.seconds == pytest.approx(2.0)


def test_sources_that_slip_into_different_values_share_no_mistakes():
    rows = [said(7, case=c, trial=t) for c in range(20) for t in range(4)]
    rows += [said(8, case=c, trial=t, source="b") for c in range(20) for t in range(4)]
    rows += [said(0, case=c, trial=t, source=s) for c in range(20, 99) for t in range(4) for s in "ab"]
    assert estimate(rows).fields["x"].shared["a|b"].mean < 0.06


def sure_rows(rng: random.Random, cases: int = 600) -> list[Observation]:
    """A source that is sure of four cases in five and then errs on 1 %, else on 30 %."""
    rows: list[Observation] = []
    for case in range(cases):
        sure = 0.9 if rng.random() < 0.8 else 0.3
        stuck = rng.random() < (0.005 if sure == 0.9 else 0.2)
        slip = 0.005 if sure == 0.9 else 0.1
        for trial in range(4):
            value = 7 if stuck else (rng.randint(1, 10) if rng.random() < slip else 0)
            rows.append(said(value, case=case, trial=trial, confidence=sure + 0.001 * trial))
    return rows


def test_a_source_is_told_by_how_sure_it_says_it_is():
    bins = of(sure_rows(random.Random(6)), edges={"a": (0.5,)}).bins
    assert [each.edge for each in bins] == [0.5, None]
    unsure, sure = bins
    assert unsure.systematic.mean == pytest.approx(0.2, abs=0.07)
    assert unsure.slip.mean == pytest.approx(0.1, abs=0.04)
    assert sure.systematic.mean < 0.02
    assert sure.slip.mean < 0.015


def test_a_function_that_is_sure_is_told_from_one_that_is_not():
    rows = [said(0, case=c, confidence=0.97) for c in range(400)]
    rows += [said(7 if c < 430 else 0, case=c, confidence=0.6) for c in range(400, 500)]
    unsure, sure = of(rows, code=frozenset({"a"}), edges={"a": (0.9,)}).bins
    assert unsure.systematic.mean == pytest.approx(0.3, abs=0.03)
    assert sure.systematic.mean < 0.003
    assert (unsure.slip.mean, sure.slip.mean, unsure.spread) == (0.0, 0.0, None)


def test_a_source_that_is_less_sure_of_a_slip_than_of_its_other_answers_is_told_by_the_answer():
    rng = random.Random(10)
    rows: list[Observation] = []
    for case in range(400):
        for trial in range(4):
            slips = rng.random() < 0.1
            rows.append(
                said(rng.randint(1, 9) if slips else 0, case=case, trial=trial, confidence=0.2 if slips else 0.9)
            )
    unsure, sure = of(rows, edges={"a": (0.5,)}).bins
    assert unsure.slip.mean > 0.9
    assert sure.slip.mean < 0.01


def test_bins_are_of_equal_size_where_no_edges_are_given():
    rng = random.Random(7)
    rows = [said(0, case=c, confidence=rng.random()) for c in range(2400)]
    edges = [each.edge for each in of(rows).bins]
    assert edges[-1] is None
    assert edges[:-1] == pytest.approx([i / 6 for i in range(1, 6)], abs=0.03)


def test_bins_of_few_answers_are_drawn_to_the_source_s_own_rate():
    rows = sure_rows(random.Random(8)) + [said(0, case=9999, trial=t, confidence=1.0) for t in range(4)]
    source = of(rows, edges={"a": (0.5, 0.95)})
    assert source.bins[2].systematic.mean == pytest.approx(source.systematic.mean, rel=0.12)


def test_a_source_that_does_not_say_how_sure_it_is_has_no_bins():
    assert of([said(0, case=c) for c in range(20)]).bins == ()


def test_what_was_estimated_is_kept_as_json():
    step = estimate(sure_rows(random.Random(9), 50), ties={"adds_up": ("x", "y")})
    figures = Figures(steps={"read": step})
    assert Figures.model_validate_json(figures.model_dump_json()) == figures


def test_figures_written_before_there_were_bins_are_still_read():
    source = '{"systematic": {"hits": 3, "misses": 297}, "wrong_values": 4}'
    text = f'{{"steps": {{"read": {{"every": {{"sources": {{"small": {source}}}}}}}}}}}'
    found = Figures.model_validate_json(text).steps["read"].every.sources["small"]
    assert found.systematic.mean == pytest.approx(0.01)
    assert found.slip == SourceFigures().slip
    assert found.bins == ()


def test_a_known_rate_is_what_it_was_said_to_be():
    assert known(0.02).seen(100, 0).mean == pytest.approx(0.02, rel=1e-6)
