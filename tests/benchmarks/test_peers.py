"""The comparison with other frameworks at a small size; its task and its statistics need none of them."""

import asyncio
from collections import Counter

import pytest

from agentflow.testing import Law, Outcome
from agentflow.testing.answers import answer
from agentflow.testing.request import Request
from agentflow.testing.truth import Gold
from tests.benchmarks.peers import SPLITS, absent
from tests.benchmarks.peers_report import difference, draw, mcnemar
from tests.benchmarks.peers_run import Arm, Result, Stream, run
from tests.benchmarks.peers_task import LARGE, SMALL, Order, Split, World, make_case, problems_of

SIZE = 25
WORLD = World(error=0.4, split=(0.4, 0.4, 0.2), overlap=0.3, faults=False)


def test_what_is_right_of_a_document_passes_every_check():
    assert [problems_of(make_case(number, seed=3).order) for number in range(200)] == [[]] * 200


@pytest.mark.parametrize("split", SPLITS)
def test_the_checks_see_as_many_mistakes_as_the_split_says(split: Split):
    world = World(error=0.5, split=split, faults=False)
    law, seen = Law(world.faulty(seed=5)), Counter[str]()
    for number in range(1000):
        case = make_case(number, seed=5)
        request = Request(model=SMALL, text=case.text, form="Order", schema=Order.model_json_schema())
        reply = answer(law, request, Gold(case.name, case.order.model_dump(mode="json")))
        if reply.outcome is not Outcome.RIGHT:
            seen["caught" if _caught(reply.content) else str(reply.outcome)] += 1
    assert seen["caught"] / seen.total() == pytest.approx(split[0], abs=0.06)


def _caught(content: str | None) -> bool:
    try:
        return bool(problems_of(Order.model_validate_json(content or "")))
    except ValueError:
        return True


def test_mcnemar_counts_the_cases_that_only_one_of_them_has():
    ours = [True] + [False] * 9 + [True] * 5
    theirs = [False] + [True] * 9 + [True] * 5
    assert mcnemar(ours, theirs) == (1, 9, pytest.approx(22 / 1024))
    value, low, high = difference(ours, theirs)
    assert value == pytest.approx(-8 / 15)
    assert low < value < high < 0


@pytest.fixture(scope="module")
def results() -> list[Result]:
    if missing := absent():
        pytest.skip(f"not installed: {', '.join(missing)}; they are the bench extra")
    both = (SMALL, LARGE)
    arms = [Arm("agentflow", both, 0.005), *(Arm(peer, both) for peer in ("langgraph", "instructor", "pydantic-ai"))]
    return asyncio.run(run(WORLD, arms, Stream(SIZE, seed=2), tries=5, exam=0))


@pytest.mark.filterwarnings("ignore")  # of the other frameworks
def test_every_framework_does_the_task(results: list[Result]):
    assert {result.arm.framework: result.errors for result in results}["agentflow"] == {}
    for result in results:
        assert sum(one.right for one in result.did) > SIZE / 3, result.arm.title
        assert all(one.sends and one.cost for one in result.did), result.arm.title


@pytest.mark.filterwarnings("ignore")  # of the other frameworks
def test_agentflow_hands_on_fewer_wrong_records_than_any_peer(results: list[Result]):
    ours, *peers = ([one.silent for one in result.did] for result in results)
    for theirs in peers:
        assert 2 * sum(ours) < sum(theirs)
    assert draw({WORLD.title: results}).count("<circle") == 2 * len(results)
