"""Fakes stand in for models and journals in plain unit tests."""

from decimal import Decimal

import pytest
from pydantic import BaseModel

from agentflow.errors import AnswerError, ModelError
from agentflow.flow.check import Problem
from agentflow.flow.journal import Begun, CostLine, Journal
from agentflow.flow.model import Model
from agentflow.testing import FakeModel, FakeModels, MemoryJournal


class Total(BaseModel):
    value: Decimal


async def read(text: str, *, model: Model) -> Total:
    return await model.ask(Total, "Read the total.", text)


async def test_a_step_gets_the_answers_in_turn_and_the_questions_are_kept():
    model = FakeModel(Total(value=Decimal(1)), {"value": "2.50"})
    assert [(await read(text, model=model)).value for text in "ab"] == [Decimal(1), Decimal("2.50")]
    assert [(asked.answer, asked.instructions, asked.text) for asked in model.asked] == [
        (Total, "Read the total.", "a"),
        (Total, "Read the total.", "b"),
    ]


async def test_a_function_answers_every_question():
    model = FakeModel(lambda asked: {"value": len(asked.text)})
    assert [(await read(text, model=model)).value for text in ("a", "abc")] == [1, 3]


async def test_an_error_is_raised_in_its_turn():
    model = FakeModel(ModelError("busy"), {"value": 1})
    with pytest.raises(ModelError, match="busy"):
        await read("a", model=model)
    assert (await read("a", model=model)).value == 1


async def test_what_is_no_answer_is_an_answer_error_as_a_models_would_be():
    with pytest.raises(AnswerError, match="not of the asked form"):
        await read("a", model=FakeModel({"valeu": 1}))


async def test_a_question_too_many_is_told():
    with pytest.raises(AssertionError, match="no answer left for question 1, Total"):
        await read("a", model=FakeModel())


async def test_fake_models_are_bound_by_role_and_keep_what_they_were_told():
    models = FakeModels(small=FakeModel({"value": 1}))
    problem = Problem(code="bad", message="too small")
    bound = models.bind("small", "read", [problem], MemoryJournal())
    assert bound is not None
    assert bound.role == "small"
    assert models.bind("big", "read", [], MemoryJournal()) is None
    assert models.told[0] == ("small", (problem,))


async def test_a_memory_journal_keeps_lines_sums_and_effects():
    journal: Journal = MemoryJournal()
    await journal.spend(CostLine(call="1", step="read", role="small", model="m", cost=Decimal("0.5")))
    assert (journal.calls, journal.cost, len(journal.lines)) == (1, Decimal("0.5"), 1)
    assert await journal.begin_effect("key", "post") == Begun()
    assert await journal.begin_effect("key", "post") == Begun(again=True)
    await journal.end_effect("key", {"type": "Posted"})
    await journal.end_effect("key", {"type": "Other"})
    assert await journal.begin_effect("key", "post") == Begun({"type": "Posted"}, again=True)
