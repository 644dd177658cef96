"""What was weighed is weighed again from the lines of its journal alone, and comes out the same."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentflow import Problem, ties
from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.replay import NoModels, holds, rechecked, rejudged
from agentflow.engine.trust import Accepted
from agentflow.engine.trust.figures import Figures
from agentflow.errors import AnswerError
from agentflow.flow.journal import AttemptLine
from agentflow.testing import FakeModel, FakeModels, MemoryJournal
from tests.engine.desk import Page, Sums, add, row

RATE = {"systematic": {"hits": 1, "misses": 499}, "slip": {"hits": 5, "misses": 95}}
FIGURES = Figures.model_validate({"steps": {"add": {"every": {"sources": {"small": RATE, "frontier": RATE}}}}})


@ties("net", "tax", "total")
def adds_up(sums: Sums) -> list[Problem]:
    right = sums.net + sums.tax == sums.total
    return [] if right else [Problem(code="sum", message="It does not add up.", path="total")]


def small(sums: Sums) -> list[Problem]:
    return [Problem(code="big", message="Big.", path="net", severity="note")] if sums.net > 1 else []


STEP = row(add, checks=[adds_up, small], ladder=("small", "frontier"), alpha=0.01)
ANSWER = st.one_of(
    st.just({"net": 1, "tax": 2, "total": 3}),
    st.fixed_dictionaries({"net": st.integers(1, 2), "tax": st.integers(2, 3), "total": st.integers(3, 4)}),
    st.just(AnswerError("it is no JSON", code="not_json")),
)
PAGE = Page(case=1)


def services(journal: Any, models: Any) -> Services:
    return Services("job", {}, models, journal, FIGURES)


async def weighed(said: list[Any]) -> tuple[Any, list[AttemptLine]]:
    """The verdict on what the models say in turn, and the lines that it leaves."""
    left = iter([*said, *[{"net": 1, "tax": 2, "total": 3}] * 20])

    def answer(_: Any) -> Any:
        found = next(left)
        return found if isinstance(found, Exception) else Sums.model_validate(found)

    journal = MemoryJournal()
    models = FakeModels(small=FakeModel(answer), frontier=FakeModel(answer))
    return await perform(STEP, [PAGE], services(journal, models)), journal.attempts


@given(st.lists(ANSWER, max_size=6))
async def test_what_left_a_step_leaves_it_again_trusted_as_it_was(said: list[Any]):
    verdict, lines = await weighed(said)
    again = await rejudged(STEP, lines, None, [PAGE], services(MemoryJournal(), NoModels()))
    assert again is not None
    assert again.least == lines[-1].trust_after
    assert holds(STEP, again) == isinstance(verdict, Accepted)
    assert again.candidate.made == (verdict.made if isinstance(verdict, Accepted) else verdict.candidate)


async def test_an_answer_that_was_too_long_to_keep_is_not_weighed_again():
    _, lines = await weighed([])
    cut = [replace(line, output={"sha256": "0" * 64, "characters": 20_000}) for line in lines]
    assert await rejudged(STEP, cut, None, [PAGE], services(MemoryJournal(), NoModels())) is None


async def test_a_check_is_asked_again_by_its_own_name():
    found = await rechecked(STEP, Sums(net=2, tax=2, total=3), [PAGE], services(MemoryJournal(), NoModels()))
    codes = {name: [problem.code for problem in problems or ()] for name, problems in found.items()}
    assert codes == {"adds_up": ["sum"], "small": ["big"]}
