"""A job keeps to the money and the time that its pack allows, over all its runs."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow import Model, Pack, Policy, Price, Record, open_runner, workflow
from agentflow.engine.models import Budget, Lines, ModelConfig, Models
from agentflow.testing import Completions, Faulty, FaultyModel, Provider, by_marker
from agentflow.testing import Price as Costs

CENT = Decimal("0.01")


class Task(Record):
    case: int


class Half(Record):
    value: int


class Whole(Record):
    value: int


async def first(task: Task, *, model: Model) -> Half:
    return await model.ask(Half, "Do the first half.", f"[case:{task.case}]")


async def second(half: Half, *, model: Model) -> Whole:
    return await model.ask(Whole, "Do the second half.", f"[case:{half.value}]")


def pack(**limits: Any) -> Pack:
    table: Any = workflow("halves", takes=Task, gives=Whole)
    policy = Policy(ladder=("m",))
    return Pack(
        name="halves",
        workflow=table.step(first, policy=policy).step(second, policy=policy).build(),
        prices={Whole: Price("0.10")},
        **limits,
    )


def models(**faulty: Any) -> Models:
    spec = FaultyModel(price=Costs(call=CENT), **faulty)
    provider = Provider(Faulty(models={"m": spec}), by_marker(lambda case: {"value": int(case)}))
    return Models({"m": ModelConfig(model="openai/m", max_tokens=1)}, Budget(None), lines=Lines(Completions(provider)))


async def run(pack: Pack, home: Path, given: Models) -> Any:
    async with open_runner(pack, home=home, models=given) as runner:
        job = await runner.submit(Task(case=4), "case 4", "4")
        return await runner.run(job.id)


async def test_a_job_within_its_budget_and_deadline_ends(tmp_path: Path):
    done = await run(pack(budget=2 * CENT, deadline=60.0), tmp_path, models())
    assert (done.status, done.output) == ("finished", {"value": 4})


async def test_a_job_that_has_spent_its_money_goes_to_a_person(tmp_path: Path):
    done = await run(pack(budget=CENT), tmp_path, models())
    assert (done.status, done.cost_micros) == ("awaiting_review", 10_000)
    assert [problem["code"] for problem in done.problems] == ["budget_spent"]


async def test_one_job_does_not_spend_the_money_of_another(tmp_path: Path):
    given = models()
    async with open_runner(pack(budget=2 * CENT), home=tmp_path, models=given) as runner:
        jobs = [await runner.submit(Task(case=case), f"case {case}", str(case)) for case in range(3)]
        assert [(await runner.run(job.id)).status for job in jobs] == ["finished"] * 3


async def test_what_a_failed_run_has_spent_is_not_there_for_the_next(tmp_path: Path):
    crash = True

    async def second(half: Half, *, model: Model) -> Whole:
        whole = await model.ask(Whole, "Do the second half.", f"[case:{half.value}]")
        if crash:
            raise KeyError("a bug")
        return whole

    table: Any = workflow("halves", takes=Task, gives=Whole)
    policy = Policy(ladder=("m",))
    built = table.step(first, policy=policy).step(second, policy=policy).build()
    limited = Pack(name="halves", workflow=built, prices={Whole: Price("0.10")}, budget=2 * CENT)
    assert (await run(limited, tmp_path, models())).status == "failed"
    crash = False
    done = await run(limited, tmp_path, models())
    assert (done.status, done.cost_micros) == ("awaiting_review", 20_000)


async def test_a_job_without_time_asks_no_model(tmp_path: Path):
    done = await run(pack(deadline=0.0), tmp_path, models())
    assert (done.status, done.cost_micros) == ("awaiting_review", 0)
    assert [problem["code"] for problem in done.problems] == ["deadline"]


class Text(Record):
    text: str


async def sum_up(text: Text, *, model: Model) -> Whole:
    return await model.ask(Whole, "Sum it up.", text.text)


async def test_a_text_that_would_cost_more_than_the_job_may_is_sent_to_no_model_and_is_free(tmp_path: Path):
    table: Any = workflow("sums", takes=Text, gives=Whole)
    sums = Pack(
        name="sums",
        workflow=table.step(sum_up, policy=Policy(ladder=("m",))).build(),
        prices={Whole: Price("0.10")},
        budget=Decimal(1),
    )
    provider = Provider(Faulty(models={"m": FaultyModel()}), by_marker(lambda case: {"value": int(case)}))
    config = ModelConfig(model="openai/m", max_tokens=500, input_price=Decimal(3), output_price=Decimal(3))
    given = Models({"m": config}, Budget(None), lines=Lines(Completions(provider)))
    async with open_runner(sums, home=tmp_path, models=given) as runner:
        for number, text in enumerate(("[case:4]", "[case:4]" + "x" * 10_000_000)):
            done = await runner.run((await runner.submit(Text(text=text), str(number), str(number))).id)
            if number == 0:
                assert (done.status, done.price_minor) == ("finished", 10), done.problems
    assert (done.status, done.price_minor, done.cost_micros) == ("awaiting_review", 0, 0)
    assert [problem["code"] for problem in done.problems] == ["budget_spent"]
    assert provider.calls["m"]["sends"] == 1


async def test_a_job_that_would_cost_more_than_it_ever_may_fails_and_is_free(tmp_path: Path):
    done = await run(pack(max_cost=CENT), tmp_path, models())
    assert (done.status, done.cost_micros, done.price_minor) == ("failed", 10_000, 0)
    assert [problem["code"] for problem in done.problems] == ["budget"]
    again = await run(pack(max_cost=CENT), tmp_path, models())
    assert (again.status, again.cost_micros) == ("failed", 10_000)


async def test_a_budget_below_the_most_that_a_job_may_cost_still_asks_a_person(tmp_path: Path):
    done = await run(pack(max_cost=10 * CENT, budget=CENT), tmp_path, models())
    assert (done.status, [problem["code"] for problem in done.problems]) == ("awaiting_review", ["budget_spent"])


async def test_a_job_may_cost_what_it_may_to_the_last_cent(tmp_path: Path):
    done = await run(pack(max_cost=2 * CENT), tmp_path, models())
    assert (done.status, done.cost_micros) == ("finished", 20_000)
