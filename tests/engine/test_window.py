"""A window lets as many requests through as the model bears, first come, first served."""

import asyncio
import math

import pytest

from agentflow.engine.window import Window
from agentflow.errors import DeadlineError
from tests.benchmarks.virtual import now, run
from tests.engine.desk import Bench, Total, row, value


async def full(places: int) -> Window:
    """A window of so many places, all of them taken."""
    window = Window()
    for _ in range(places + 1):
        await window.enter()
    window.refused()
    window.leave()
    assert (window.limit, window.under_way) == (places, places)
    return window


def test_it_is_open_until_the_first_refusal():
    async def go() -> None:
        window = Window()
        assert [await window.enter() for _ in range(1000)] == [True] * 1000
        window.answered()
        assert window.limit == math.inf

    run(go())


def test_who_comes_first_is_served_first():
    async def go() -> None:
        window, served = await full(1), list[int]()

        async def one(number: int) -> None:
            await window.enter()
            served.append(number)
            await asyncio.sleep(1)
            window.leave()

        tasks = [asyncio.ensure_future(one(number)) for number in range(3)]
        await asyncio.sleep(0)
        assert (window.waiting, served) == (3, [])
        window.leave()
        await asyncio.gather(*tasks)
        assert served == [0, 1, 2]
        assert (window.under_way, window.waiting) == (0, 0)

    run(go())


def test_it_widens_by_one_for_a_windowful_of_answers_and_never_closes():
    async def go() -> None:
        window = await full(4)
        for _ in range(4):
            window.answered()
        assert 4.8 < window.limit <= 5
        for _ in range(9):
            window.refused()
        assert window.limit >= 1

    run(go())


def test_nobody_waits_past_his_deadline():
    async def go() -> None:
        window = await full(1)
        assert not await window.enter(now() + 5)
        assert (now(), window.waiting, window.under_way) == (5, 0, 1)

    run(go())


@pytest.mark.parametrize("called_first", [False, True])
def test_whoever_is_cancelled_in_line_leaves_his_place_to_the_next(called_first: bool):
    async def go() -> None:
        window = await full(1)
        first, second = (asyncio.ensure_future(window.enter()) for _ in range(2))
        await asyncio.sleep(0)
        if called_first:
            window.leave()
        first.cancel()
        await asyncio.sleep(0)
        if not called_first:
            window.leave()
        assert await second
        assert (window.under_way, window.waiting) == (1, 0)

    run(go())


def test_a_burst_on_a_model_with_a_limit_is_all_answered():
    async def go() -> None:
        bench = Bench(m={"latency": {"median": 0.5}, "limit": {"per_second": 20, "queue": 1}})
        done = await asyncio.gather(*(bench.do(row(ladder=("m",)), case=case) for case in range(200)))
        assert [value(one) for one in done] == [Total(value=case) for case in range(200)]
        assert bench.sends("m") < 2.5 * 200
        assert now() < 40

    run(go())


def test_after_an_outage_the_backlog_is_worked_off_at_the_pace_that_the_model_bears():
    async def go() -> None:
        down = {"episodes": [{"seconds": (5, 20)}], "limit": {"per_second": 20, "queue": 1}}
        bench = Bench(m={"latency": {"median": 0.5}, **down})
        tasks = []
        for case in range(450):
            tasks.append(asyncio.ensure_future(bench.do(row(ladder=("m",)), case=case)))
            await asyncio.sleep(1 / 15)
        done = await asyncio.gather(*tasks)
        assert [value(one).value for one in done] == list(range(450))
        assert bench.sends("m") < 1.4 * 450

    run(go())


def test_a_request_that_gets_no_turn_before_the_deadline_is_not_sent():
    async def go() -> None:
        bench = Bench(m={"latency": {"median": 10, "sigma": 0}})
        wire = bench.models.lines.wire(bench.models.configs["m"])
        wire.window = await full(1)
        model = bench.models.within(seconds=5).bind("m", "read", (), bench.journal)
        assert model is not None
        with pytest.raises(DeadlineError, match="too much to do"):
            await model.ask(Total, "Read.", "[case:1]")
        assert (bench.sends("m"), bench.journal.lines) == (0, [])

    run(go())
