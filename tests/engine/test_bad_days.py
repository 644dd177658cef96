"""Bad days: what breaks outside a step costs time, money or a person's look, and never a wrong record."""

import asyncio
import gc
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agentflow import Model, Pack, Policy, Problem, Record, workflow
from agentflow import Price as Sold
from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.checkpoints import memory_saver
from agentflow.engine.graph import Graph
from agentflow.engine.models import read_models
from agentflow.engine.trust import Accepted, Doubted
from agentflow.engine.trust.figures import FieldFigures, Figures, SourceFigures, StepFigures, known
from agentflow.jobs.opening import open_runner
from agentflow.testing import Faulty, FaultyModel, MemoryJournal, Price, by_marker, serve
from tests.benchmarks.virtual import now, run
from tests.engine.desk import Bench, Page, Total, codes, do, read, row, told, value

HOUR = 3600.0
PRICED = {"price": Price(input=Decimal(1), output=Decimal(2))}


def measured(*roles: str, rate: float = 0.02) -> Figures:
    """An exam's figures: each source is wrong on a share of cases by itself, and never together with another."""
    source = SourceFigures(systematic=known(rate), slip=known(rate), fault=known(0.01), spread=None, wrong_values=10)
    pairs = {f"{a}|{b}": known(0) for a in roles for b in roles if a < b}
    return Figures(steps={"read": StepFigures(every=FieldFigures(sources=dict.fromkeys(roles, source), shared=pairs))})


async def stream(bench: Bench, step: Any, *, seconds: float, every: float, **more: Any) -> list[tuple[int, Any]]:
    """The verdicts of cases that arrive one after the other and are done side by side."""

    async def one(case: int) -> tuple[int, Any]:
        return case, await bench.do(step, case=case, **more)

    async with asyncio.TaskGroup() as group:
        tasks = []
        while now() < seconds:
            tasks.append(group.create_task(one(len(tasks))))
            await asyncio.sleep(every)
    return [task.result() for task in tasks]


def right(verdicts: list[tuple[int, Any]]) -> list[bool]:
    return [isinstance(one, Accepted) and one.made.value == case for case, one in verdicts]


def test_a_provider_that_is_down_for_a_minute_costs_time_and_nothing_else():
    async def go() -> None:
        bench = Bench(m={"latency": {"median": 0.5}, "episodes": [{"seconds": (20, 80)}]})
        done = await stream(bench, row(ladder=("m",)), seconds=120, every=0.25)
        assert all(right(done))
        assert bench.sends("m") < 1.5 * len(done)

    run(go())


def test_while_all_models_are_down_for_hours_every_case_ends_with_a_person_and_few_calls_are_made():
    async def go() -> None:
        down = {"episodes": [{"seconds": (0, 10 * HOUR)}]}
        bench = Bench(m=down, n=down)
        done = await stream(bench, row(ladder=("m", "n")), seconds=600, every=2)
        assert all(isinstance(one, Doubted) for _, one in done)
        assert now() < 600 + 150
        assert bench.sends("m") + bench.sends("n") < 600 / 0.25 * 2

    run(go())


def test_when_all_models_come_back_the_work_goes_on_by_itself():
    async def go() -> None:
        down = {"latency": {"median": 0.5}, "episodes": [{"seconds": (0, 60)}]}
        bench = Bench(m=down, n=down)
        done = await stream(
            bench, row(ladder=("m", "n"), alpha=0.01), seconds=90, every=0.5, figures=measured("m", "n")
        )
        assert sum(right(done)) >= 0.98 * len(done)
        assert now() < 90 + 60

    run(go())


def test_a_model_that_answers_nonsense_for_an_hour_is_left_alone_and_the_next_does_its_work():
    async def go() -> None:
        nonsense = {"kind": "nonsense", "seconds": (0, HOUR)}
        bench = Bench(m={"episodes": [nonsense]}, n={"latency": {"median": 1}})
        done = await stream(bench, row(ladder=("m", "n")), seconds=HOUR, every=5)
        assert all(right(done))
        assert bench.sends("m") < 60 + HOUR / 15
        assert bench.sends("n") <= 1.02 * len(done)
        await asyncio.sleep(60)
        for case in range(3):
            await bench.do(row(ladder=("m", "n")), case=case)
        assert bench.asked[-1] == "m", "it is asked again once it answers"

    run(go())


@pytest.mark.parametrize("alpha", [0.01, 0.002])
def test_a_model_that_is_sure_and_wrong_on_one_vendor_is_contained(alpha: float):
    async def go() -> None:
        bench = Bench(m={"wrong_on": ["ACME"]}, n={}, o={})
        step = row(ladder=("m", "n", "o"), alpha=alpha)
        of = measured("m", "n", "o")
        others = [(case, await bench.do(step, case=case, vendor="Bolt", figures=of)) for case in range(60)]
        misled = [(case, await bench.do(step, case=case, vendor="ACME", figures=of)) for case in range(60)]
        assert all(right(others))
        assert [one.made.value for case, one in misled if isinstance(one, Accepted) and one.made.value != case] == []

    run(go())


def test_where_the_only_model_is_always_wrong_on_a_vendor_a_fact_keeps_it_from_leaving():
    async def in_book(total: Total, page: Page) -> list[Problem]:
        wrong = page.vendor == "ACME" and total.value != page.case
        return [Problem(code="not_in_book", message="the book has another sum", path="value")] if wrong else []

    async def go() -> None:
        bench = Bench(m={"wrong_on": ["ACME"]})
        step = row(checks=[in_book], ladder=("m",), alpha=0.08)
        assert "not_in_book" in codes(await bench.do(step, vendor="ACME"))
        assert bench.sends("m") <= 5

    run(go())


@pytest.mark.parametrize("alpha", [None, 0.01])
def test_a_check_that_raises_ends_with_a_person_who_is_told_which(alpha: float | None):
    def broken(total: Total) -> list[Problem]:
        raise ZeroDivisionError("by nothing")

    async def go() -> None:
        bench = Bench(m={}, n={})
        verdict = await bench.do(row(checks=[broken], ladder=("m", "n"), alpha=alpha))
        assert "check_failed" in codes(verdict)
        assert any("broken failed with ZeroDivisionError" in problem.message for problem in verdict.reasons)
        assert verdict.candidate == Total(value=5)
        assert bench.sends("m") + bench.sends("n") <= 10
        assert "ZeroDivisionError" not in str(bench.client.sent), "no model is told"

    run(go())


@pytest.mark.parametrize("alpha", [None, 0.01])
def test_a_check_that_never_passes_ends_with_a_person_after_a_bounded_number_of_answers(alpha: float | None):
    def never(total: Total) -> list[Problem]:
        return [Problem(code="never", message="no", path="value")]

    async def go() -> None:
        bench = Bench(m={"error": 0.5, "split": (0, 1, 0)}, n={"error": 0.5, "split": (0, 1, 0)})
        verdict = await bench.do(row(checks=[never], ladder=("m", "n"), alpha=alpha, max_attempts=3))
        assert "never" in codes(verdict)
        assert bench.sends("m") <= 3
        assert bench.sends("n") <= 3

    run(go())


async def test_a_check_whose_connector_hangs_ends_at_the_deadline():
    async def hangs(total: Total) -> list[Problem]:
        await asyncio.sleep(HOUR)
        return []

    models = told(m=[{"value": 5}])
    assert "deadline" in codes(await do(row(checks=[hangs], ladder=("m",), deadline=0.02), models))


def table(**policy: Any) -> Any:
    drafted: Any = workflow("bad_days", takes=Page, gives=Total)
    return drafted.step(read, policy=Policy(**policy)).build()


def test_a_job_cancelled_in_mid_call_has_its_cost_line_and_goes_on_when_it_is_resumed():
    async def go() -> None:
        bench = Bench(m={"latency": {"median": 9, "sigma": 0}, **PRICED})
        graph, saver = Graph(table(ladder=("m",))), memory_saver()

        async def doing(step: Any, reads: Any, item: Any) -> Any:
            return await perform(step, reads, Services("job", {}, bench.models, bench.journal, clock=now), item)

        running = asyncio.ensure_future(graph.start("j", saver, doing, Page(case=5)))
        await asyncio.sleep(4)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        [line] = bench.journal.lines
        assert line.fault == "cancelled"
        assert line.cost > 0
        assert bench.journal.attempts == []
        done = await graph.go_on("j", saver, doing)
        assert done.state["Total"] == {"value": 5}
        assert [line.fault for line in bench.journal.lines] == ["cancelled", None]

    run(go())


def test_votes_cancelled_in_mid_call_each_have_their_cost_line():
    async def go() -> None:
        bench = Bench(m={"latency": {"median": 9, "sigma": 0}, **PRICED})
        running = asyncio.ensure_future(bench.do(row(ladder=("m",), alpha=0.08, deadline=15.0)))
        await asyncio.sleep(4)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert [line.fault for line in bench.journal.lines] == ["cancelled", "cancelled"]
        assert len(asyncio.all_tasks()) == 1

    run(go())


def test_where_one_of_several_votes_raises_the_others_end_with_their_cost_lines():
    async def picky(page: Page, *, model: Model) -> Total:
        total = await model.ask(Total, "Read.", f"[case:{page.case}]")
        if model.role == "n":
            raise KeyError("a bug")
        return total

    async def go() -> None:
        slow, quick = {"latency": {"median": 9, "sigma": 0}}, {"latency": {"median": 2, "sigma": 0}}
        bench = Bench(m=slow | PRICED, n=quick | PRICED)
        step = row(picky, ladder=("m", "n"), alpha=0.01, deadline=15.0, max_attempts=1)
        figures = Figures(steps={"picky": measured("m", "n").steps["read"]})
        with pytest.raises(KeyError):
            await bench.do(step, figures=figures)
        assert sorted(str(line.fault) for line in bench.journal.lines) == ["None", "cancelled"]
        assert len(asyncio.all_tasks()) == 1

    run(go())


class Task(Record):
    case: int


async def solve(task: Task, *, model: Model) -> Total:
    return await model.ask(Total, "Solve it.", f"[case:{task.case}]")


@pytest.mark.filterwarnings("ignore")  # litellm and what it imports warn of themselves
async def test_over_http_a_job_cancelled_in_mid_call_is_charged_and_can_be_run_again(tmp_path: Path):
    faulty = Faulty(models={"m": FaultyModel(latency={"median": 1, "sigma": 0}, **PRICED)})
    drafted: Any = workflow("tasks", takes=Task, gives=Total)
    pack = Pack(
        name="tasks", workflow=drafted.step(solve, policy=Policy(ladder=("m",))).build(), prices={Total: Sold("0.10")}
    )
    async with serve(faulty, by_marker(lambda case: {"value": int(case)})) as server:
        (tmp_path / "models.toml").write_text(server.models_toml(), encoding="utf-8")
        async with open_runner(pack, home=tmp_path, models=read_models(tmp_path / "models.toml")) as runner:
            job = await runner.submit(Task(case=7), "case 7", "7")
            running = asyncio.ensure_future(runner.run(job.id))
            while not server.calls["m"]["sends"]:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            spent, _ = await runner.store.cost(job.id)
            done = await runner.run(job.id)
    assert spent > 0
    assert (done.status, done.output) == ("finished", {"value": 7})
    assert done.cost_micros > spent


def test_ten_thousand_steps_at_once_all_end():
    async def go() -> None:
        bench = _bench_of_many()
        done = await asyncio.gather(*(bench.do(row_of_many, case=case, figures=FIGURES) for case in range(10_000)))
        assert all(right(list(enumerate(done))))
        assert len(asyncio.all_tasks()) == 1

    row_of_many = row(ladder=("m",))
    run(go())


def test_a_step_under_way_takes_little_memory_and_leaves_none_behind():
    async def go() -> None:
        bench, step, count = _bench_of_many(), row(ladder=("m", "n"), alpha=0.01), 500
        held = []
        tracemalloc.start()
        try:
            for _ in range(2):
                done = await asyncio.gather(*(bench.do(step, case=case, figures=FIGURES) for case in range(count)))
                assert all(right(list(enumerate(done))))
                del done
                gc.collect()
                held.append(tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
        (first, _), (second, peak) = held
        assert peak - first < count * 60_000
        assert second - first < count * 500

    run(go())


def _bench_of_many() -> Bench:
    bench = Bench(m={"latency": {"median": 1}}, n={"latency": {"median": 2}})
    bench.client.sent, bench.journal = _Forgetful(), MemoryJournal(keep_lines=False)
    return bench


class _Forgetful(list[Any]):
    def append(self, sent: Any) -> None:
        pass


FIGURES = measured("m", "n")


def test_a_value_is_never_taken_from_a_model_that_nobody_named():
    async def go() -> None:
        bench = Bench(m={})
        assert codes(await bench.do(row(ladder=("other",), alpha=0.01))) == ["no_model"]
        assert value(await bench.do(row(ladder=("other", "m"), alpha=0.08))) == Total(value=5)

    run(go())
