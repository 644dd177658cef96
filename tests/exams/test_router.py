"""A rung is skipped for kinds of cases that it does not help, and for no others."""

import random
from decimal import Decimal

from agentflow.engine.trust.figures import Figures, Rung, StepFigures, Tuned
from agentflow.engine.trust.routing import features_of, is_skipped
from agentflow.engine.trust.verdict import Attempt
from agentflow.exams.certify import Promise
from agentflow.exams.ladder import Silent, cheapest, done
from agentflow.exams.ladder_replay import Asked, Weighing, climbs, measured
from agentflow.exams.router import route
from agentflow.exams.tune import Wish, tune
from agentflow.testing import MemoryJournal
from tests.engine.desk import Page, Total, do, row, told

PRICE = {"small": Decimal("0.05"), "large": Decimal("0.20")}
RUNGS = ("small", "large")


def asked(seed: int, count: int, blind: str = "de") -> list[Asked]:
    """The small source cannot read one of two languages; both are right of the other nearly always."""
    rng = random.Random(seed)
    cases: list[Asked] = []
    for number in range(count):
        language = rng.choice(["de", "fr"])
        right = {"small": 0.0 if language == blind else 0.99, "large": 0.99}
        attempts = {name: [_said(rng, name, share)] for name, share in right.items()}
        cases.append(Asked(f"{seed}-{number}", Total(value=7), attempts, {"Page.vendor": language}))
    return cases


def _said(rng: random.Random, name: str, right: float) -> Attempt:
    fault = None if rng.random() < right else "refused"
    return Attempt(name, None if fault else Total(value=7), fault=fault, cost=PRICE[name])


def test_the_rung_is_skipped_for_the_kind_that_it_cannot_read():
    cases = asked(1, 200)
    weighing = Weighing(measured(cases))
    best = cheapest(climbs(cases, RUNGS, weighing), Silent(0.02, 2.0))
    assert best is not None
    skips = route(cases, RUNGS, best.bars, weighing, 2.0)
    assert skips == ({"Page.vendor": ("de",)}, {})
    plain, routed = (done(climbs(cases, RUNGS, weighing, s), best.bars, 2.0) for s in ((), skips))
    assert routed.cost < plain.cost
    assert routed.right == plain.right


def test_where_both_kinds_are_alike_nothing_is_skipped():
    cases = asked(2, 200, blind="none")
    weighing = Weighing(measured(cases))
    assert route(cases, RUNGS, (0.5, 0.5), weighing, 2.0) == ({}, {})


def test_few_cases_of_a_kind_tell_nothing():
    cases = asked(1, 30)
    assert route(cases, RUNGS, (0.5, 0.5), Weighing(measured(cases)), 2.0) == ({}, {})


def test_what_is_certified_is_the_ladder_as_routed():
    cases = asked(3, 200)
    found = tune("read", cases, asked(4, 200), Weighing(measured(cases)), Wish(Promise(0.05), review=2.0))
    assert found is not None
    assert found.ladder is not None
    if found.ladder.rungs[0].source == "small":
        assert found.ladder.rungs[0].skip == {"Page.vendor": ("de",)}
    assert found.certificate.coverage > 0.9


async def test_the_engine_does_not_ask_a_rung_that_the_case_skips():
    rungs = (Rung(source="small", bar=0.0, skip={"Page.vendor": ("de",)}), Rung(source="large", bar=0.0))
    figures = Figures(steps={"read": StepFigures(ladder=Tuned(rungs=rungs))})
    for vendor, first in (("de", "large"), ("fr", "small")):
        journal, models = MemoryJournal(), told(small=[Total(value=1)], large=[Total(value=1)])
        await do(row(ladder=RUNGS, alpha=0.5), models, journal, reads=[Page(case=1, vendor=vendor)], figures=figures)
        assert journal.attempts[0].source == first


def test_features_are_short_values_of_what_is_read():
    assert features_of([Page(case=3, vendor="ACME"), [Page(case=4)]]) == {"Page.case": "3", "Page.vendor": "ACME"}
    assert "Page.vendor" not in features_of([Page(case=3, vendor="x" * 41)])
    assert is_skipped({"a": ("1",)}, {"a": "1"})
    assert not is_skipped({"a": ("1",)}, {"a": "2", "b": "1"})
