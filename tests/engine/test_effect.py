"""An effect is done once by its key, whatever crashes in the middle of it and is resumed."""

import asyncio
import json
from typing import Any

import pytest

from agentflow import EffectKey, Model, Policy, Problem, Record, workflow
from agentflow.engine.answer import Services
from agentflow.engine.attempt import effect_key, perform
from agentflow.engine.models import Lines, ModelConfig, Models
from agentflow.errors import AnswerError, ConnectorError, WorkflowError
from agentflow.flow.tool import Tool
from agentflow.testing import FakeModel, FakeModels, MemoryJournal
from tests.engine.desk import codes, told, value
from tests.engine.test_models import Scripted


class Order(Record):
    item: str


class Parcel(Record):
    number: int


class Depot:
    """A system outside that does not know keys by itself: whoever sends twice has sent two."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.crashes = 0
        self.asked: list[str] = []

    def send(self, item: str, key: str) -> int:
        self.sent.append((item, key))
        if self.crashes:
            self.crashes -= 1
            raise ConnectionError("the answer was lost on the way")
        return len(self.sent)

    def find(self, key: str) -> int | None:
        self.asked.append(key)
        return next((number for number, (_, known) in enumerate(self.sent, 1) if known == key), None)


async def send(order: Order, *, depot: Depot, key: EffectKey) -> Parcel:
    return Parcel(number=depot.send(order.item, str(key)))


async def sent_before(*, depot: Depot, key: EffectKey) -> Parcel | None:
    number = depot.find(str(key))
    return None if number is None else Parcel(number=number)


def effect(call: Any = send, **more: Any) -> Any:
    drafted: Any = workflow("shipping", takes=Order, gives=Parcel)
    return drafted.step(call, effect=True, **more).build().steps[0]


async def do(step: Any, depot: Depot, journal: Any, models: Any = None, *, job: str = "job") -> Any:
    services = Services(job, {Depot: depot}, models or told(), journal)
    return await perform(step, [Order(item="lamp")], services)


async def test_an_effect_that_is_done_is_not_done_again():
    depot, journal, step = Depot(), MemoryJournal(), effect(lookup=sent_before)
    assert [value(await do(step, depot, journal)) for _ in range(3)] == [Parcel(number=1)] * 3
    assert (len(depot.sent), depot.asked) == (1, [])


async def test_an_effect_that_happened_before_a_crash_is_found_and_not_repeated():
    depot, journal, step = Depot(), MemoryJournal(), effect(lookup=sent_before)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    assert value(await do(step, depot, journal)) == Parcel(number=1)
    assert len(depot.sent) == 1
    assert value(await do(step, depot, journal)) == Parcel(number=1)
    assert len(depot.asked) == 1, "once it is known, nobody asks"


async def test_an_effect_that_crashed_before_it_happened_is_done():
    class Late(Depot):
        def send(self, item: str, key: str) -> int:
            if self.crashes:
                self.crashes -= 1
                raise ConnectionError("the door is shut")
            return super().send(item, key)

    depot, journal, step = Late(), MemoryJournal(), effect(lookup=sent_before)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    assert value(await do(step, depot, journal)) == Parcel(number=1)
    assert (len(depot.sent), len(depot.asked)) == (1, 1)


async def test_where_the_lookup_fails_nothing_is_done():
    class Unreachable(Depot):
        def find(self, key: str) -> int | None:
            raise ConnectorError("the depot is away")

    depot, journal, step = Unreachable(), MemoryJournal(), effect(lookup=sent_before)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    with pytest.raises(ConnectorError):
        await do(step, depot, journal)
    assert len(depot.sent) == 1


async def test_without_a_lookup_the_step_is_called_again_with_the_same_key():
    depot, journal, step = Depot(), MemoryJournal(), effect()
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    await do(step, depot, journal)
    assert len({key for _, key in depot.sent}) == 1


async def test_an_effect_cancelled_in_the_middle_is_looked_up_when_the_job_is_resumed():
    async def slowly(order: Order, *, depot: Depot, key: EffectKey) -> Parcel:
        number = depot.send(order.item, str(key))
        await asyncio.sleep(60)
        return Parcel(number=number)

    depot, journal, step = Depot(), MemoryJournal(), effect(slowly, lookup=sent_before)
    running = asyncio.ensure_future(do(step, depot, journal))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert value(await do(step, depot, journal)) == Parcel(number=1)
    assert len(depot.sent) == 1


async def test_what_was_found_is_told_from_what_was_done():
    depot, journal, step = Depot(), MemoryJournal(), effect(lookup=sent_before)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    await do(step, depot, journal)
    assert [(line.source, line.fault) for line in journal.attempts] == [("code", "raised"), ("lookup", None)]


async def test_another_job_has_another_key():
    depot, journal, step = Depot(), MemoryJournal(), effect(lookup=sent_before)
    for job in ("one", "two"):
        await do(step, depot, journal, job=job)
    assert len({key for _, key in depot.sent}) == 2
    assert effect_key("one", "send", None) != effect_key("one", "send", 0)


async def find_by_order(order: Order, *, depot: Depot, key: EffectKey) -> Parcel | None:
    return Parcel(number=7) if order.item == "lamp" else None


async def test_a_lookup_may_read_what_its_step_reads():
    depot, journal, step = Depot(), MemoryJournal(), effect(lookup=find_by_order)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal)
    assert value(await do(step, depot, journal)) == Parcel(number=7)


def checked(parcel: Parcel) -> list[Problem]:
    return []


async def pack_up(order: Order) -> Parcel:
    return Parcel(number=1)


async def find_by_parcel(parcel: Parcel, *, key: EffectKey) -> Parcel | None:
    return parcel


async def ask_and_send(order: Order, *, model: Model, depot: Depot, key: EffectKey) -> Parcel:
    return await model.ask(Parcel, "Send it.", order.item)


@pytest.mark.parametrize(
    ("gap", "call", "more"),
    [
        ("no effect; add effect=True", pack_up, {"lookup": sent_before}),
        ("lookup reads Parcel", send, {"effect": True, "lookup": find_by_parcel}),
        ("checks, which come too late", send, {"effect": True, "checks": [checked]}),
        ("one rung at most", ask_and_send, {"effect": True, "policy": Policy(ladder=("a", "b"))}),
        ("one rung at most", ask_and_send, {"effect": True, "policy": Policy(ladder=("a",), alpha=0.1)}),
        ("names none", ask_and_send, {"effect": True}),
    ],
)
def test_what_cannot_be_done_once_is_found_in_the_table(gap: str, call: Any, more: Any):
    drafted: Any = workflow("shipping", takes=Order, gives=Parcel)
    with pytest.raises(WorkflowError, match=gap):
        drafted.step(call, **more).build()


async def instruct(order: Order, *, model: Model, depot: Depot, key: EffectKey) -> Parcel:
    """A model decides what is sent, and sends it."""

    def ship(item: str, key: EffectKey) -> int:
        """Sends an item."""
        return depot.send(item, key.value)

    def shipped(key: EffectKey) -> int | None:
        return depot.find(key.value)

    tools = [Tool(ship, writes=True, lookup=shipped)]
    return await model.act(Parcel, "Send what is ordered.", order.item, tools=tools, key=key)


def scripted(*answers: Any) -> Models:
    config = ModelConfig(model="openai/m", input_price=0, output_price=0)
    return Models({"m": config}, lines=Lines(Scripted(*answers)))


def ship(item: str) -> list[tuple[str, str]]:
    return [("ship", json.dumps({"item": item}))]


WITH_MODEL: dict[str, Any] = {"policy": Policy(ladder=("m",))}


async def test_an_effect_may_have_a_model_that_calls_tools_which_write():
    depot, journal, step = Depot(), MemoryJournal(), effect(instruct, **WITH_MODEL)
    assert value(await do(step, depot, journal, scripted(ship("lamp"), '{"number": 1}'))) == Parcel(number=1)
    assert [item for item, _ in depot.sent] == ["lamp"]
    assert journal.lines[0].role == "m"


@pytest.mark.parametrize("then", ["lamp", "two lamps"])
async def test_a_tool_that_wrote_before_a_crash_is_looked_up_whatever_the_model_says_then(then: str):
    depot, journal, step = Depot(), MemoryJournal(), effect(instruct, **WITH_MODEL)
    depot.crashes = 1
    with pytest.raises(ConnectionError):
        await do(step, depot, journal, scripted(ship("lamp")))
    assert value(await do(step, depot, journal, scripted(ship(then), '{"number": 1}'))) == Parcel(number=1)
    assert [item for item, _ in depot.sent] == ["lamp"]


async def test_a_model_of_an_effect_is_asked_once_and_a_person_does_the_rest():
    journal, step = MemoryJournal(), effect(ask_and_send, **WITH_MODEL)
    models = FakeModels(m=FakeModel(AnswerError("no", code="refused")))
    assert codes(await do(step, Depot(), journal, models)) == ["no_valid_answer"]
    assert [line.fault for line in journal.attempts] == ["refused"]


async def test_an_effect_whose_model_nobody_names_goes_to_a_person():
    assert codes(await do(effect(ask_and_send, **WITH_MODEL), Depot(), MemoryJournal())) == ["no_model"]
