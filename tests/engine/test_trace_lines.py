"""What an attempt leaves in the journal: its calls' ids and sums, a hash for what was sent, light lines for code."""

from decimal import Decimal

from pydantic import BaseModel

from agentflow.engine.asking import prompt_of, question_of
from agentflow.engine.config import ModelConfig
from agentflow.engine.models import Lines, Models
from agentflow.engine.trace import WATCHING, Meter
from agentflow.flow.journal import CostLine
from agentflow.flow.model import Image
from agentflow.testing import Completions, Faulty, FaultyModel, MemoryJournal, Provider, by_marker


class Total(BaseModel):
    value: int


OPTIONS = {"model": "openai/m", "temperature": 0.0, "max_tokens": 100}


def prompt(text: str = "page", *images: bytes, **options: object) -> str:
    question = question_of(Total, "schema", "Read.", text, images=[Image(image) for image in images])
    return prompt_of(question.messages, {**OPTIONS, **question.options, **options})


def test_the_same_question_has_the_same_hash_and_every_other_another():
    asked = [
        prompt(),
        prompt("page 2"),
        prompt("page", b"a"),
        prompt("page", b"b"),
        prompt("page", b"a", b"b"),
        prompt(seed=1),
        prompt(temperature=0.7),
        prompt(model="openai/n"),
    ]
    assert len(set(asked)) == len(asked)
    assert prompt("page", b"a") == asked[2]


def test_a_key_and_an_address_are_no_part_of_it():
    assert prompt(api_key="sk-1", api_base="http://a", max_retries=0) == prompt()


def test_a_text_that_is_no_unicode_has_a_hash():
    assert len(prompt("\ud800")) == 64


async def test_a_meter_adds_up_its_calls_and_names_itself_on_each():
    journal = MemoryJournal()
    meter = Meter(journal, "a1")
    for number, model in enumerate(("one", "two")):
        spent = {"tokens_in": 3, "tokens_out": 2, "cost": Decimal("0.1"), "prompt": f"p{number}"}
        await meter.spend(CostLine(call=str(number), step="read", role="m", model=model, **spent))
    assert [line.attempt for line in journal.lines] == ["a1", "a1"]
    assert (meter.asked.model, meter.asked.prompt) == ("one", "p0")
    assert (meter.asked.tokens_in, meter.asked.tokens_out, meter.cost) == (6, 4, Decimal("0.2"))


async def test_meters_within_each_other_leave_the_inner_ones_name():
    journal = MemoryJournal()
    await Meter(Meter(journal), "a1").spend(CostLine(call="c", step="read", role="m", model="m"))
    assert [line.attempt for line in journal.lines] == ["a1"]


async def test_a_call_tells_what_it_sent_only_while_somebody_watches():
    provider = Provider(Faulty(seed=1, models={"m": FaultyModel()}), by_marker(lambda case: {"value": int(case)}))
    models = Models({"m": ModelConfig(model="openai/m")}, lines=Lines(Completions(provider)))
    journal = MemoryJournal()
    for watching in (None, "shapes", "contents"):
        token = WATCHING.set(watching)
        model = models.bind("m", "read", (), journal)
        assert model is not None
        await model.ask(Total, "Read.", "[case:7]")
        WATCHING.reset(token)
    unseen, shapes, contents = (line.sent for line in journal.lines)
    assert unseen is None
    assert shapes is not None
    assert (shapes.finish, shapes.messages, shapes.answer) == ("stop", (), None)
    assert contents is not None
    assert contents.messages[1]["content"] == "[case:7]"
    assert '"value": 7' in (contents.answer or "").replace('":7', '": 7')
