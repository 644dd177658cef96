"""A streamed answer is worth the same as one in one piece; a stream that stalls or breaks off is asked for again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from decimal import Decimal
from types import SimpleNamespace as Plain
from typing import Any

import pytest
from pydantic import BaseModel, Field

from agentflow.engine.asking import Called, said_in
from agentflow.engine.config import ModelConfig
from agentflow.engine.models import Budget, Models
from agentflow.engine.prices import Usage
from agentflow.engine.streaming import Received, Stalled, assembled
from agentflow.errors import ModelError
from agentflow.flow.journal import CostLine
from agentflow.testing import (
    AnswerFaults,
    Episode,
    Faulty,
    FaultyModel,
    Latency,
    MemoryJournal,
    WireFaults,
    by_marker,
    serve,
)  # fmt: skip

HTTP = pytest.mark.filterwarnings("ignore")  # litellm and what it imports warn of themselves


class Total(BaseModel):
    """The total of an invoice."""

    value: int
    note: str | None = Field(None)


PRICES: dict[str, Any] = {"input_price": 1, "output_price": 1}


async def asked(model: FaultyModel, **config: Any) -> tuple[int | None, list[CostLine], int]:
    """The value that comes of a question over HTTP, its cost lines, and how often it was sent."""
    faulty = Faulty(seed=1, models={"m": model})
    async with serve(faulty, by_marker(lambda case: {"value": int(case), "note": "x" * 200})) as server:
        told = {"structured": "schema", "timeout": 60, "tries": 2, **PRICES, "stream": True, **config}
        models = Models({"m": ModelConfig(model="openai/m", api_base=server.url, **told)}, Budget(Decimal(1)))
        journal, value = MemoryJournal(), None
        bound = models.bind("m", "read", (), journal)
        assert bound is not None
        with contextlib.suppress(ModelError):
            value = (await bound.ask(Total, "Read.", "[case:7]")).value
        assert models.budget.left == 1 - sum(line.cost for line in journal.lines)
        return value, journal.lines, server.calls["m"]["sends"]


@HTTP
@pytest.mark.parametrize("form", ["schema", "tool", "text"])
async def test_a_stream_gives_the_same_answer_at_the_same_price(form: str):
    value, [streamed], _ = await asked(FaultyModel(), structured=form)
    assert value == 7
    _, [whole], _ = await asked(FaultyModel(), structured=form, stream=False)
    assert (streamed.tokens_in, streamed.tokens_out, streamed.cost) == (whole.tokens_in, whole.tokens_out, whole.cost)
    assert streamed.prompt == whole.prompt


@HTTP
@pytest.mark.parametrize(
    ("fault", "code"), [("refusal", "empty"), ("content_filter", "content_filter"), ("length", "truncated")]
)
async def test_an_answer_of_no_use_is_told_but_for_the_words_of_a_refusal(fault: str, code: str):
    """litellm hands no refusal on in a stream: what is left of it is an empty answer."""
    value, [line], _ = await asked(FaultyModel(faults=AnswerFaults(**{fault: 1})))
    assert (value, line.fault) == (None, code)


def piece(finish: str | None = None, usage: Any = None, **delta: Any) -> Any:
    return Plain(id="c1", model="m", usage=usage, choices=[Plain(finish_reason=finish, delta=Plain(**delta))])


def called(index: int, name: str | None, arguments: str) -> Any:
    return Plain(index=index, id=name and f"id-{name}", function=Plain(name=name, arguments=arguments))


async def streamed(*pieces: Any) -> AsyncGenerator[Any]:
    for one in pieces:
        yield one


async def opened(stream: Any) -> Any:
    return stream


async def test_calls_of_tools_are_put_together_by_their_place():
    calls = [called(0, "find", '{"na'), called(1, "sum", "{}"), called(0, None, 'me": 1}')]
    pieces = [piece(content=None, tool_calls=[call]) for call in calls]
    usage = Plain(prompt_tokens=5, completion_tokens=9)
    end = [piece("tool_calls"), Plain(id="c1", model="m", usage=usage, choices=[])]
    said = said_in(await assembled(opened(streamed(*pieces, *end)), 1.0, Received()), Usage(0, 0))
    assert said.calls == (Called("id-find", "find", '{"name": 1}'), Called("id-sum", "sum", "{}"))
    assert (said.fault, said.usage.read, said.usage.wrote, said.finish) == (None, 5, 9, "tool_calls")


async def test_a_refusal_and_an_answer_without_usage_are_read_from_the_pieces():
    refused = said_in(
        await assembled(opened(streamed(piece(refusal="I "), piece("stop", refusal="can't"))), 1, Received()),
        Usage(7, 0),
    )
    assert (refused.fault, refused.usage.read) == ("refused", 7)
    cut_short = said_in(await assembled(opened(streamed(piece(content="{"))), 1, Received()), Usage(7, 0))
    assert cut_short.fault == "finish_reason=None"


async def test_an_answer_that_comes_whole_is_taken_whole():
    whole = Plain(choices=[])
    assert await assembled(opened(whole), 1.0, Received()) is whole


async def test_a_first_piece_that_never_comes_is_a_stall_too():
    async def never() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(Stalled, match=r"nothing came for 0\.01 s"):
        await assembled(never(), 0.01, Received())


@HTTP
async def test_a_stream_that_stalls_is_a_fault_of_the_wire_and_asked_for_again():
    slow = Episode(kind="slow", factor=600, requests=(0, 1))
    value, lines, sends = await asked(FaultyModel(latency=Latency(median=0.05), episodes=[slow]), stall=0.5)
    assert value == 7
    assert [line.fault for line in lines] == ["Stalled", None]
    assert sends == 2


@HTTP
async def test_a_stream_that_breaks_off_is_paid_for_as_far_as_it_came():
    value, lines, sends = await asked(FaultyModel(wire=WireFaults(cut=1)), tries=1)
    assert (value, sends) == (None, 1)
    [line] = lines
    assert line.fault is not None
    assert line.tokens_in > 0
    assert 0 < line.tokens_out < 200
    assert line.cost > 0


@HTTP
async def test_a_stream_that_breaks_off_is_asked_for_again():
    _, lines, sends = await asked(FaultyModel(wire=WireFaults(cut=1)), tries=2)
    assert sends == len(lines) == 2
