"""The twin answers as the engine's models do, in this process."""

from decimal import Decimal

import pytest
from pydantic import BaseModel, ConfigDict

from agentflow.engine.attempt import Binder
from agentflow.engine.models import Budget
from agentflow.errors import AnswerError, BudgetError, ModelError
from agentflow.flow.check import Problem
from agentflow.flow.model import Image
from agentflow.testing import (
    Asking,
    Episode,
    Faulty,
    FaultyModel,
    Latency,
    MemoryJournal,
    Price,
    Twin,
    WireFaults,
    by_marker,
)
from tests.testing.test_law import near

N = 3000


class Total(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: int


def twin(roles=None, budget=None, sleep=None, **models: FaultyModel) -> Twin:
    faulty = Faulty(seed=2, models=models)
    return Twin(faulty, by_marker(lambda case: {"value": int(case)}), roles=roles, budget=budget, sleep=sleep)


async def ask(the: Twin, case: int = 1, role: str = "small", journal=None, problems=(), **more) -> int:
    binder: Binder = the
    model = binder.bind(role, "read", problems, journal or MemoryJournal())
    assert model is not None
    return (await model.ask(Total, "Read the total.", f"[case:{case}] ...", **more)).value


async def test_errors_come_at_their_rate_and_detectable_ones_are_answer_errors():
    the, wrong, caught = twin(small=FaultyModel(error=0.1, split=(0.6, 0.3, 0.1))), 0, 0
    for case in range(N):
        try:
            wrong += await ask(the, case) != case
        except AnswerError:
            caught += 1
    assert near(caught, 0.06, N)
    assert near(wrong, 0.04, N)
    assert the.calls["small"]["detectable"] == caught


async def test_the_same_question_gets_the_same_answer_unless_the_problems_differ_or_it_is_warm():
    spec = FaultyModel(error=1, wrong_values=1000)
    cold = twin(small=spec)
    warm = twin({"small": Asking(temperature=0.7)}, small=spec)
    assert len({await ask(cold) for _ in range(10)}) == 1
    assert len({await ask(warm) for _ in range(10)}) > 5
    told = [[Problem(code="bad", message=f"problem {i}")] for i in range(10)]
    assert len({await ask(cold, problems=problems) for problems in told}) > 5


async def test_a_role_can_stand_for_a_model_of_another_name():
    the = twin({"frontier": Asking(model="big")}, big=FaultyModel())
    assert await ask(the, 5, "frontier") == 5
    assert the.bind("big", "read", (), MemoryJournal()) is None


async def test_every_call_leaves_a_cost_line():
    journal = MemoryJournal()
    the = twin(small=FaultyModel(price=Price(input=Decimal(1), output=Decimal(2)), latency=Latency(median=2)))
    await ask(the, journal=journal)
    line = journal.lines[0]
    assert (line.step, line.role, line.model, line.fault) == ("read", "small", "small", None)
    assert line.cost == (line.tokens_in + 2 * line.tokens_out) / Decimal(1_000_000) > 0
    assert line.seconds > 0


async def test_a_call_that_fails_leaves_one_too():
    journal = MemoryJournal()
    with pytest.raises(ModelError, match="ServiceUnavailableError"):
        await ask(twin(small=FaultyModel(episodes=[Episode(requests=(0, 3))])), journal=journal)
    assert (journal.lines[0].fault, journal.lines[0].cost) == ("ServiceUnavailableError", 0)


async def test_what_passes_is_tried_again():
    the = twin(small=FaultyModel(episodes=[Episode(requests=(0, 2))]))
    assert await ask(the) == 1
    assert the.calls["small"]["sends"] == 3


async def test_what_does_not_pass_is_not():
    the = twin(small=FaultyModel(episodes=[Episode(status=401, requests=(0, 99))]))
    with pytest.raises(ModelError, match="AuthenticationError"):
        await ask(the)
    assert the.calls["small"]["sends"] == 1


async def test_silence_and_slowness_time_out():
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    roles = {"small": Asking(timeout=3, tries=1)}
    for spec in (FaultyModel(wire=WireFaults(timeout=1)), FaultyModel(latency=Latency(median=9, sigma=0))):
        with pytest.raises(ModelError, match="Timeout"):
            await ask(twin(roles, sleep=sleep, small=spec))
    assert slept == [3, 3]


async def test_money_is_set_aside_before_a_call_and_what_it_cost_is_taken_after_it():
    budget = Budget(Decimal("0.0101"))
    spec = FaultyModel(price=Price(call=Decimal("0.01")))
    the = twin(budget=budget, small=spec)
    assert await ask(the) == 1
    with pytest.raises(BudgetError):
        await ask(the)
    assert the.calls["small"]["sends"] == 1


async def test_images_are_part_of_the_question_for_a_model_that_sees():
    spec = FaultyModel(error=1, wrong_values=1000)
    pictures = [[Image(b"one")], [Image(b"two")]]
    blind, seeing = twin(small=spec), twin({"small": Asking(sees=True)}, small=spec)
    assert len({await ask(blind, images=images) for images in pictures}) == 1
    assert len({await ask(seeing, images=images) for images in pictures}) == 2


async def test_a_million_calls_need_no_memory_for_their_lines():
    journal = MemoryJournal(keep_lines=False)
    await ask(twin(small=FaultyModel()), journal=journal)
    assert (journal.calls, journal.lines) == (1, [])
