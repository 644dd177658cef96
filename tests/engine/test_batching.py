"""Questions of jobs that run at the same time go as one batch; what a batch does not answer is asked at once."""

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from agentflow.engine.config import ModelConfig
from agentflow.engine.models import Budget, Models
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
    value: int


class Bench:
    """A model over HTTP whose questions go in batches."""

    def __init__(self, server: Any, **config: Any) -> None:
        told = {"input_price": 1, "output_price": 1, "structured": "schema", "timeout": 30, "tries": 2}
        told |= {"batch": True, "batch_window": 0.05, "batch_poll": 0.02}
        self.server, self.journal = server, MemoryJournal()
        self.config = ModelConfig(model="openai/m", api_base=server.url, **(told | config))
        self.models = Models({"m": self.config}, Budget(Decimal(1)))

    async def ask(self, case: int, models: Models | None = None) -> int:
        bound = (models or self.models).bind("m", "read", (), self.journal)
        assert bound is not None
        return (await bound.ask(Total, "Read.", f"[case:{case}]")).value

    async def many(self, cases: int) -> list[Any]:
        return await asyncio.gather(*(self.ask(case) for case in range(cases)), return_exceptions=True)

    @property
    def faults(self) -> list[str | None]:
        return [line.fault for line in self.journal.lines]

    @property
    def batches(self) -> list[dict[str, Any]]:
        return list(self.server.batches.values())


@asynccontextmanager
async def bench(model: FaultyModel, **config: Any) -> AsyncGenerator[Bench]:
    faulty = Faulty(seed=1, models={"m": model})
    async with serve(faulty, by_marker(lambda case: {"value": int(case)})) as server:
        yield Bench(server, **config)
        gc.collect()  # litellm leaves the clients it makes for files and batches to the collector
        await asyncio.sleep(0.01)


@HTTP
async def test_questions_asked_at_the_same_time_are_one_batch_at_its_price():
    async with bench(FaultyModel()) as it:
        assert await it.many(5) == [0, 1, 2, 3, 4]
        assert [batch["status"] for batch in it.batches] == ["completed"]
        assert it.faults == [None] * 5
        batched = it.journal.lines[0]
        await Bench(it.server, batch=False).ask(0)
        tokens = batched.tokens_in + batched.tokens_out
        assert batched.cost == Decimal(tokens) / 1_000_000 / 2
        assert it.models.budget.left == 1 - it.journal.cost
        assert it.server.files == {}


@HTTP
async def test_a_batch_is_asked_what_is_asked_at_once():
    async with bench(FaultyModel(), structured="tool", temperature=0.3) as it:
        assert await it.ask(3) == 3
        at_once = Bench(it.server, batch=False, structured="tool", temperature=0.3)
        assert await at_once.ask(3) == 3
        [one], [other] = it.journal.lines, at_once.journal.lines
        assert (one.prompt, one.tokens_in, one.tokens_out) == (other.prompt, other.tokens_in, other.tokens_out)


@HTTP
async def test_a_question_that_the_batch_does_not_answer_is_asked_at_once():
    async with bench(FaultyModel(wire=WireFaults(server_error=0.5))) as it:
        answers = await it.many(8)
        assert len(it.batches) == 1
        assert None in it.faults[:8]
        assert "BatchError" in it.faults
        assert all(line.cost == 0 for line in it.journal.lines if line.fault == "BatchError")
        assert [case for case in answers if isinstance(case, int)]


@HTTP
async def test_an_answer_of_no_use_is_an_answer():
    async with bench(FaultyModel(faults=AnswerFaults(prose=0.0, refusal=1))) as it:
        await it.many(2)
        assert it.faults == ["refused"] * 2


@HTTP
async def test_a_job_with_little_time_is_not_put_into_a_batch():
    async with bench(FaultyModel()) as it:
        assert await it.ask(4, it.models.within(seconds=60)) == 4
        assert it.batches == []


@HTTP
async def test_a_batch_that_takes_too_long_is_taken_back_and_asked_at_once():
    slow = Episode(kind="slow", factor=1000, requests=(0, 1))
    async with bench(FaultyModel(latency=Latency(median=0.05), episodes=[slow]), batch_within=3) as it:
        assert await it.ask(4) == 4
        assert [batch["status"] for batch in it.batches] == ["cancelled"]
        assert it.faults == ["Timeout", None]
        assert it.models.budget.left == 1 - it.journal.cost


@HTTP
async def test_a_cancelled_job_takes_its_batch_back_unless_others_wait_for_it():
    async with bench(FaultyModel(latency=Latency(median=0.6))) as it:
        first, second = (asyncio.ensure_future(it.ask(case)) for case in (1, 2))
        while not it.batches:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        first.cancel()
        assert await second == 2
        assert [batch["status"] for batch in it.batches] == ["completed"]
        third = asyncio.ensure_future(it.ask(3))
        while len(it.batches) < 2:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        third.cancel()
        await asyncio.wait({third})
        assert it.batches[1]["status"] == "cancelled"
        assert sorted(map(str, it.faults)) == ["None", "cancelled", "cancelled"]
        assert it.server.files == {}


@HTTP
async def test_a_job_cancelled_at_its_first_breath_leaves_the_next_one_alone():
    async with bench(FaultyModel()) as it:
        assert await it.ask(1) == 1
        asking = asyncio.ensure_future(it.ask(2))
        batches = it.models.lines.batches(it.config)
        assert batches is not None
        while not batches.gathering:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        asking.cancel()
        assert await it.ask(3) == 3


@HTTP
async def test_a_job_cancelled_while_questions_are_gathered_sends_nothing():
    async with bench(FaultyModel(), batch_window=5) as it:
        asking = asyncio.ensure_future(it.ask(1))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.wait({asking})
        assert it.batches == []


def test_a_provider_without_batches_is_named():
    with pytest.raises(ValidationError, match="batch = true is for openai"):
        ModelConfig(model="ollama/qwen3", batch=True)
