"""Checks have names of their own, say what they should, and cannot change what they look at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentflow import Problem, Record, ties
from agentflow.engine.answer import CHECK_FAILED, Services, by_code
from agentflow.engine.trust import Accepted
from agentflow.testing import FakeModels, MemoryJournal
from tests.engine.desk import Page, Sums, Total, add, codes, do, read, row, told, value


def checker(code: str, *paths: str) -> Callable[..., list[Problem]]:
    """A check that finds nothing, of the same name as all that are made here."""

    def same(sums: Sums) -> list[Problem]:
        return []

    return ties(*paths)(same) if paths else same


async def adds(page: Page) -> Sums:
    return Sums(net=1, tax=2, total=3)


async def trust(*checks: Any) -> dict[str, float]:
    verdict = await do(row(add, checks=checks, ladder=("small",), alpha=0.3), told(small=[Sums(net=1, total=1)] * 5))
    assert isinstance(verdict, Accepted)
    return dict(verdict.trust)


async def test_checks_of_one_name_are_told_apart():
    step = row(adds, checks=[checker("a"), checker("b", "net", "total"), checker("c")])
    attempt = await by_code(step, "code", [Page(case=1)], Services("job", {}, FakeModels(), MemoryJournal()))
    assert list(attempt.said) == ["same", "same#2", "same#3"]


async def test_a_check_without_ties_vouches_for_nothing_in_the_name_of_one_with_ties():
    class Other(Record):
        net: int
        total: int

    def same(other: Other) -> list[Problem]:
        return []

    async def one(page: Page, *, model: Any) -> Sums | Other:
        return await model.ask(Sums, "Read.", "text")

    one.__annotations__["model"] = add.__annotations__["model"]
    one.__annotations__["return"] = Sums | Other
    tied = ties("net", "total")(same)
    answers = [Sums(net=1, total=1)] * 5
    found = [
        await do(row(one, checks=checks, ladder=("small",), alpha=0.3), told(small=answers))
        for checks in ([checker("a")], [checker("a"), tied])
    ]
    assert found[0].trust == found[1].trust


async def test_each_check_of_a_factory_keeps_its_own_ties():
    both = await trust(checker("a", "net", "tax"), checker("b", "tax", "total"))
    last = await trust(checker("b", "tax", "total"))
    assert both["net"] > last["net"]
    assert both["total"] >= last["total"]


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (Problem(code="x", message="y"), "a Problem"),
        ("it is wrong", "a str"),
        ("", "a str"),
        (None, "None"),
        (True, "a bool"),
        (["it is wrong"], "a list that holds a str"),
    ],
)
async def test_a_check_that_returns_no_list_of_problems_is_named_and_told_what_to_return(returned: Any, named: str):
    def hasty(total: Total) -> list[Problem]:
        return returned

    verdict = await do(row(read, checks=[hasty], ladder=("small",)), told(small=[Total(value=1)] * 2))
    assert set(codes(verdict)) == {CHECK_FAILED}
    text = verdict.reasons[0].message
    assert "hasty" in text
    assert f"returned {named}" in text
    assert "list of Problem" in text


async def test_a_check_may_yield_its_problems():
    def yields(total: Total) -> Iterator[Problem]:
        yield Problem(code="odd", message="it is odd")

    verdict = await do(row(read, checks=[yields], ladder=("small",)), told(small=[Total(value=1)] * 2))
    assert codes(verdict) == ["odd"]


async def test_what_a_check_does_to_its_record_reaches_neither_the_next_check_nor_what_leaves_the_step():
    class Lines(Record):
        lines: list[int]

    async def lines(page: Page) -> Lines:
        return Lines(lines=[1])

    seen: list[list[int]] = []

    def spoils(made: Lines) -> list[Problem]:
        seen.append(list(made.lines))
        made.lines.append(666)
        return []

    def looks(made: Lines) -> list[Problem]:
        seen.append(list(made.lines))
        return []

    verdict = await do(row(lines, checks=[spoils, looks], alpha=0.3), told())
    assert value(verdict) == Lines(lines=[1])
    assert seen == [[1], [1]]
    assert set(verdict.trust) == {"lines.#", "lines.0"}
