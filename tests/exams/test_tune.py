"""The cheapest ladder is searched on one split and certified on another."""

import random
from decimal import Decimal

import pytest

from agentflow.engine.trust.verdict import Attempt
from agentflow.exams.certify import Promise, Scored, certify
from agentflow.exams.ladder import NEVER, Rung
from agentflow.exams.ladder_replay import Asked, Weighing, measured
from agentflow.exams.tune import Wish, certify_ladder, ladders, options, tune, tuned
from agentflow.exams.tune_cases import one_a_document, one_a_vendor
from tests.engine.desk import Total

PRICE = {"small": Decimal("0.01"), "large": Decimal("0.20")}


def asked(seed: int, count: int, **right: float) -> list[Asked]:
    """What sources that are right so often say, twice, of so many cases; none shares its mistakes."""
    rng = random.Random(seed)
    cases: list[Asked] = []
    for number in range(count):
        attempts = {name: [_said(rng, name, share) for _ in range(2)] for name, share in right.items()}
        cases.append(Asked(f"{seed}-{number}", Total(value=7), attempts))
    return cases


def _said(rng: random.Random, name: str, right: float) -> Attempt:
    value = 7 if rng.random() < right else rng.randrange(100, 1000)
    return Attempt(name, Total(value=value), cost=PRICE[name])


SEARCH, HELD = asked(1, 200, small=0.9, large=0.97), asked(2, 500, small=0.9, large=0.97)
WEIGHING = Weighing(measured(SEARCH))
WISH = Wish(Promise(0.02), review=2.0)


@pytest.fixture(scope="module")
def found():
    made = tune("read", SEARCH, HELD, WEIGHING, WISH)
    assert made is not None
    return made


def test_the_ladder_costs_less_than_the_dear_source_and_a_person(found):
    assert found.ladder is not None
    assert found.option.rungs[0] == "small"
    assert found.done.cost / found.done.cases < 0.2
    assert found.certificate.coverage > 0.9


def test_what_is_accepted_on_the_other_split_keeps_the_promise(found):
    assert found.done.silent <= 0.02
    assert found.certificate.wrong <= 0.02 * found.certificate.accepted


def test_the_ladder_says_what_was_promised_and_on_how_many_cases(found):
    assert "silent error <= 0.02 at 95% confidence" in found.ladder.about
    assert "of 500 cases" in found.ladder.about


def test_too_few_cases_certify_nothing_and_say_how_many_are_missing():
    made = tune("read", SEARCH, HELD[:100], WEIGHING, WISH)
    assert made is not None
    assert made.ladder is None
    assert "needs 49 more" in made.told[0]


def test_a_ladder_that_costs_too_much_is_not_chosen():
    wish = Wish(Promise(0.02), review=2.0, most=0.05)
    assert all(option.calls <= 0.05 for option in options(SEARCH[:60], WEIGHING, wish))


def test_a_source_that_is_hardly_ever_right_is_not_asked():
    bad = asked(3, 150, small=0.01, large=0.97)
    made = tune("read", bad, bad, Weighing(measured(bad)), WISH)
    assert made is not None
    assert set(made.option.rungs) == {"large"}


def test_ladders_go_up_in_price_and_ask_code_once():
    tried = list(ladders(SEARCH[:5], WEIGHING))
    assert ("small", "small", "large") in tried
    assert ("large", "small") not in tried
    once = Weighing(WEIGHING.figures, code=frozenset({"small"}))
    assert ("small", "small") not in list(ladders(SEARCH[:5], once))


def test_what_the_ladder_does_not_take_is_never_certified():
    sure = [(Rung(0.5, True, 1.0),)] * 400
    assert certify_ladder(sure, (0.9,), Promise(0.02)).accepted == 0
    assert certify_ladder(sure, (0.4,), Promise(0.02)).accepted == 400


def test_a_rung_that_is_never_enough_by_itself_is_kept_without_a_bar():
    ladder = tuned(("small", "large"), (NEVER, -NEVER), 0.5)
    assert [rung.bar for rung in ladder.rungs] == [None, 0.0]


def by_vendor(seed: int) -> list[Asked]:
    """20 documents of each of 50 vendors, of which a vendor in eighteen is misread whenever it writes."""
    rng = random.Random(seed)
    wrong = [rng.random() < 1 / 18 for _ in range(50)]
    return [
        Asked(f"{v}-{d}", Total(value=8 if wrong[v] else 7), {}, document=f"{v}-{d}", vendor=f"v{v}")
        for v in range(50)
        for d in range(20)
    ]


def proves(cases: list[Asked]) -> bool:
    scores = [Scored(1.0, case.truth != Total(value=7)) for case in cases]
    return certify(scores, Promise(0.05), of=len(cases)).bar is not None


def test_vendors_that_are_misread_as_a_whole_deceive_who_counts_documents_and_not_who_counts_vendors():
    exams = [by_vendor(seed) for seed in range(200)]
    assert sum(proves(one_a_document(cases)) for cases in exams) > 0.12 * len(exams)
    assert sum(proves(one_a_vendor(cases)) for cases in exams) <= 0.05 * len(exams)
    assert len(one_a_vendor(exams[0])) == 50
