"""A ladder is replayed on kept answers as the engine would climb it."""

from decimal import Decimal

from agentflow.engine.trust.figures import FieldFigures, Figures, Rung, SourceFigures, StepFigures, Tuned, known
from agentflow.engine.trust.verdict import Accepted, Attempt, Doubted
from agentflow.exams.ladder_replay import Asked, Weighing, climbs, is_right, measured
from agentflow.flow.check import Problem
from tests.engine.desk import Sums, Total, do, row, told

GOOD = SourceFigures(systematic=known(0.02), slip=known(0.02), spread=None, wrong_values=10)
STEP = StepFigures(every=FieldFigures(sources={"small": GOOD, "large": GOOD}, shared={"large|small": known(0)}))


def asked(small: list[int], large: list[int], truth: int = 7) -> Asked:
    cost = {"small": Decimal(1), "large": Decimal(9)}
    given = {"small": small, "large": large}
    attempts = {name: [Attempt(name, Total(value=v), cost=cost[name]) for v in said] for name, said in given.items()}
    return Asked("1", Total(value=truth), attempts)


async def taken(bars: dict[str, float | None], bar: float = 0.0, **answers: list[Total]):
    rungs = tuple(Rung(source=name, bar=least) for name, least in bars.items())
    figures = Figures(steps={"read": STEP.model_copy(update={"ladder": Tuned(rungs=rungs, bar=bar)})})
    return await do(row(ladder=("small", "large"), alpha=0.5), told(**answers), figures=figures)


def test_trust_in_an_answer_rises_with_a_second_that_agrees_and_falls_with_one_that_does_not():
    agree, differ = (climbs([asked([7], [large])], ("small", "large"), Weighing(STEP))[0] for large in (7, 8))
    assert agree[0].sure < agree[1].sure
    assert differ[1].sure < differ[0].sure
    assert [rung.cost for rung in agree] == [1, 9]


def test_a_source_that_stands_twice_is_asked_twice():
    climb = climbs([asked([7, 8], [7])], ("small", "small"), Weighing(STEP))[0]
    assert climb[1].sure < climb[0].sure
    assert climbs([asked([7], [7])], ("small", "small"), Weighing(STEP)) == []


def test_an_answer_that_a_check_objects_to_is_below_every_bar():
    bad = Attempt("small", Total(value=7), (Problem(code="odd", message="odd"),), {"odd": ()})
    silent = Attempt("small", None, fault="refused")
    for attempt in (bad, silent):
        climb = climbs([Asked("1", Total(value=7), {"small": [attempt]})], ("small",), Weighing(STEP))[0]
        assert climb[0].sure < 0


def test_only_promised_values_have_to_be_right():
    assert is_right(Sums(net=1, total=2), Sums(net=9, total=2), ("total",))
    assert not is_right(Sums(net=1, total=2), Sums(net=9, total=2))
    assert not is_right(Total(value=2), Sums(net=9, total=2), ("total",))


def test_figures_are_counted_from_all_trials():
    cases = [asked([7, 7, 8 if n % 2 else 7], [7, 7, 7]) for n in range(40)]
    cases = [Asked(str(n), case.truth, case.attempts) for n, case in enumerate(cases)]
    found = measured(cases).every.sources
    assert found["small"].slip.mean > 0.1 > found["large"].slip.mean


async def test_the_engine_takes_the_first_answer_that_is_sure_enough_for_its_rung():
    verdict = await taken({"small": 0.9, "large": 0.0}, small=[Total(value=7)], large=[Total(value=8)])
    assert isinstance(verdict, Accepted)
    assert verdict.made == Total(value=7)


async def test_the_engine_asks_the_next_rung_where_the_first_is_not_sure_enough():
    answers = {"small": [Total(value=7)], "large": [Total(value=7)]}
    for bar in (0.999, None):
        verdict = await taken({"small": bar, "large": 0.99}, **answers)
        assert isinstance(verdict, Accepted)
        assert verdict.trust["value"] > 0.99


async def test_what_no_rung_is_sure_enough_of_goes_to_a_person():
    verdict = await taken({"small": 0.999, "large": 0.9}, small=[Total(value=7)], large=[Total(value=8)])
    assert isinstance(verdict, Doubted)
    assert verdict.candidate is not None
    assert verdict.reasons


async def test_below_the_certified_bar_a_person_is_asked_though_the_rung_is_sure_enough():
    verdict = await taken({"small": 0.9}, bar=0.9999, small=[Total(value=7)])
    assert isinstance(verdict, Doubted)
    assert [problem.code for problem in verdict.reasons] == ["low_trust"]


async def test_the_engine_trusts_what_the_replay_trusts():
    replayed = climbs([asked([7], [7])], ("small", "large"), Weighing(STEP))[0]
    verdict = await taken({"small": None, "large": 0.5}, small=[Total(value=7)], large=[Total(value=7)])
    assert isinstance(verdict, Accepted)
    assert verdict.trust["value"] == replayed[1].sure
