"""A pack runs on faulty models over HTTP through litellm, and the twin does what litellm's path does."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from agentflow import Model, Pack, Policy, Price, Problem, Record, workflow
from agentflow.engine.models import Budget, ModelConfig, Models, read_models
from agentflow.errors import ModelError
from agentflow.jobs.opening import open_runner
from agentflow.testing import Faulty, FaultyModel, MemoryJournal, Outcome, Request, Twin, by_marker, serve
from agentflow.testing import Price as TokenPrice
from agentflow.testing.spec import AnswerFaults, WireFaults

pytestmark = pytest.mark.filterwarnings("ignore")  # litellm and what it imports warn of themselves


class Task(Record):
    case: int


class Doubled(Record):
    value: int


async def double(task: Task, *, model: Model) -> Doubled:
    return await model.ask(Doubled, "Double the case's number.", f"[case:{task.case}]")


def is_even(doubled: Doubled) -> list[Problem]:
    return [Problem(code="odd", message="must be even", path="value")] if doubled.value % 2 else []


def pack() -> Pack:
    policy = Policy(ladder=("small", "big"), max_attempts=2)
    table = workflow("double", takes=Task, gives=Doubled).step(double, policy=policy, checks=[is_even]).build()
    return Pack(name="double", workflow=table, prices={Doubled: Price("0.10")})


async def test_a_pack_runs_on_faulty_models(tmp_path: Path):
    price = TokenPrice(input=Decimal(1), output=Decimal(4))
    small = FaultyModel(error=0.6, split=(1, 0, 0), faults=AnswerFaults(fence=0.3), price=price)
    faulty = Faulty(seed=1, models={"small": small, "big": FaultyModel(price=price)})
    async with serve(faulty, by_marker(lambda case: {"value": 2 * int(case)})) as server:
        models = tmp_path / "models.toml"
        models.write_text(server.models_toml(), encoding="utf-8")
        async with open_runner(pack(), home=tmp_path, models=read_models(models)) as runner:
            jobs = [await runner.submit(Task(case=case), f"case {case}", str(case)) for case in range(12)]
            done = [await runner.run(job.id) for job in jobs]
        sent = sum(counts["sends"] for counts in server.calls.values())
    assert [job.output for job in done] == [{"value": 2 * case} for case in range(12)]
    assert server.calls["small"]["detectable"] > 3
    assert server.calls["big"]["right"] >= 1
    assert sent > 12
    assert all(job.cost_micros > 0 for job in done)


PRICED: dict[str, Any] = {"structured": "schema", "input_price": Decimal(0), "output_price": Decimal(0)}


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: int
    name: str


ALWAYS = [
    *(("wire", name) for name in WireFaults.model_fields),
    *(("faults", name) for name in AnswerFaults.model_fields),
]


async def test_the_twin_fails_where_litellm_fails():
    specs = {name: FaultyModel.model_validate({part: {name: 1}, "hang": 5}) for part, name in ALWAYS}
    faulty = Faulty(models={**specs, "sound": FaultyModel()})
    truth = by_marker(lambda case: {"value": int(case), "name": "A b"})
    over_http, in_process = {}, {}
    async with serve(faulty, truth) as server:
        for name in faulty.models:
            config = ModelConfig(api_base=server.url, model=f"openai/{name}", tries=1, timeout=0.5, **PRICED)
            models = Models({name: config}, Budget(None))
            over_http[name] = await outcome(models, name)
    for name in faulty.models:
        in_process[name] = await outcome(Twin(faulty, truth), name)
    assert in_process == over_http


async def outcome(models, name: str):
    """What asking ends with: the answer, or the type of error; and the cause as the cost line tells it."""
    journal = MemoryJournal()
    model = models.bind(name, "read", (), journal)
    try:
        ended: object = await model.ask(Answer, "Read.", "[case:7]")
    except ModelError as error:
        ended = type(error)
    fault = journal.lines[-1].fault
    return ended, None if name in ("refusal", "server_error") else fault


async def test_a_unit_is_the_same_over_http_and_in_process():
    faulty = Faulty(seed=3, models={"m": FaultyModel(error=0.5, split=(0, 0, 1), wrong_values=100)})
    truth = by_marker(lambda case: {"value": int(case)})
    twin = Twin(faulty, truth)
    async with serve(faulty, truth) as server:
        config = ModelConfig(api_base=server.url, model="openai/m", **PRICED)
        models = Models({"m": config}, Budget(None))
        for case in range(20):
            asked = [source.bind("m", "double", (), MemoryJournal()) for source in (models, twin)]
            said = [await model.ask(Doubled, "?", f"[case:{case}]") for model in asked if model]
            assert said[0] == said[1]
    assert twin.calls["m"][Outcome.CORRELATED.name.lower()] > 3
    assert Request(model="m", text="").repeats
