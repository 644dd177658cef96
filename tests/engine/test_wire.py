"""The wire meets faults of a provider: in virtual time, through the real layer, on faulty models in this process."""

import asyncio
import random
import time
from decimal import Decimal

import pytest
from pydantic import BaseModel

from agentflow.engine.breaker import NONSENSE, OUTAGE, Breaker, Bucket, Latencies
from agentflow.engine.models import Budget, Lines, ModelConfig, Models
from agentflow.engine.wire import wait_asked_for
from agentflow.errors import AnswerError, BudgetError, DeadlineError, ModelError
from agentflow.testing import (
    Completions,
    Episode,
    Faulty,
    FaultyModel,
    Latency,
    MemoryJournal,
    Price,
    Provider,
    WireFaults,
    by_marker,
)
from tests.benchmarks.virtual import now, run


class Total(BaseModel):
    value: int


class Bench:
    """Models over a provider of this process, and the journal that all calls share."""

    def __init__(self, *, usd: Decimal | None = None, config=None, **models: FaultyModel) -> None:
        random.seed(7)
        faulty = Faulty(seed=1, models=models)
        self.provider = Provider(faulty, by_marker(lambda case: {"value": int(case)}), clock=now)
        configs = {name: ModelConfig(model=f"openai/{name}", **(config or {})) for name in models}
        self.models = Models(configs, Budget(usd), lines=Lines(Completions(self.provider)))
        self.journal = MemoryJournal()

    async def ask(self, case: int = 1, role: str = "m", models: Models | None = None, variant: int = 0) -> int:
        model = (models or self.models).bind(role, "read", (), self.journal, variant)
        assert model is not None
        return (await model.ask(Total, "Read the total.", f"[case:{case}]")).value

    @property
    def sends(self) -> int:
        return self.provider.calls["m"]["sends"]

    @property
    def faults(self) -> list[str | None]:
        return [line.fault for line in self.journal.lines]

    async def many(self, cases: int) -> list[object]:
        return await asyncio.gather(*(self.ask(case) for case in range(cases)), return_exceptions=True)


def down(first: int, last: int, **more) -> FaultyModel:
    return FaultyModel(episodes=[Episode(requests=(first, last))], **more)


def test_what_passes_is_sent_again_and_every_send_leaves_a_line():
    async def go() -> None:
        bench = Bench(m=down(0, 2))
        assert await bench.ask(5) == 5
        assert bench.faults == ["ServiceUnavailableError", "ServiceUnavailableError", None]

    run(go())


def test_what_does_not_pass_is_sent_once():
    async def go() -> None:
        bench = Bench(m=FaultyModel(episodes=[Episode(status=401, requests=(0, 9))]))
        with pytest.raises(ModelError, match="AuthenticationError") as caught:
            await bench.ask()
        assert (bench.sends, caught.value.status) == (1, 401)

    run(go())


def test_a_provider_that_says_how_long_to_wait_is_given_that_time():
    async def go() -> None:
        bench = Bench(m=FaultyModel(retry_after=7, episodes=[Episode(status=429, requests=(0, 1))]))
        assert await bench.ask() == 1
        assert 7 <= now() < 8

    run(go())


def test_one_that_asks_for_an_hour_is_left_alone_and_the_work_moves_on_at_once():
    async def go() -> None:
        bench = Bench(m=FaultyModel(retry_after=3600, episodes=[Episode(status=429, requests=(0, 1))]))
        for _ in range(3):
            with pytest.raises(ModelError) as caught:
                await bench.ask()
        assert caught.value.retry_after == pytest.approx(3600, abs=1)
        assert (now() < 1, bench.sends) == (True, 1)
        await asyncio.sleep(3600)
        assert await bench.ask() == 1

    run(go())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "Wed, 21 Oct 2015 07:27:30 GMT"}, 30),
        ({"retry-after": "soon"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_wait_is_read_from_the_headers(headers, seconds):
    assert wait_asked_for(headers) == seconds


def test_retries_are_a_tenth_of_the_requests():
    async def go() -> None:
        bench = Bench(m=FaultyModel(wire=WireFaults(server_error=0.4)))
        await bench.many(1000)
        assert bench.sends <= 1.1 * 1000 + 10

    run(go())


def test_a_minute_of_outage_costs_few_sends_and_ends_within_two_seconds():
    async def go() -> None:
        bench = Bench(m=FaultyModel(latency=Latency(median=0.5), episodes=[Episode(seconds=(0, 60))]))
        asked = 0
        while now() < 60:
            asyncio.ensure_future(bench.ask(asked)).add_done_callback(lambda done: done.exception())
            asked += 1
            await asyncio.sleep(0.05)
        await asyncio.sleep(2)
        assert bench.sends < 0.25 * asked
        assert await bench.ask(5) == 5

    run(go())


def test_while_all_models_are_down_each_fails_at_once_and_says_when_to_come_back():
    async def go() -> None:
        bench = Bench(m=down(0, 999), n=down(0, 999))
        for role in ("m", "n"):
            for _ in range(4):
                with pytest.raises(ModelError):
                    await bench.ask(role=role)
            before = now()
            with pytest.raises(ModelError, match="left alone") as caught:
                await bench.ask(role=role)
            assert (caught.value.retry_after or 0) > 0
            assert now() == before

    run(go())


def test_nonsense_opens_the_breaker_and_a_sound_answer_closes_it():
    async def go() -> None:
        bench = Bench(m=FaultyModel(episodes=[Episode(kind="nonsense", seconds=(0, 3600))]))
        unsound = 0
        while now() < 3600:
            with pytest.raises(ModelError) as caught:
                await bench.ask()
            unsound += isinstance(caught.value, AnswerError)
            await asyncio.sleep(5)
        assert 20 <= unsound < 20 + 3600 / 15
        await asyncio.sleep(60)
        assert await bench.ask(3) == 3
        assert await bench.ask(4) == 4

    run(go())


def test_a_model_that_is_often_wrong_in_form_is_not_left_alone():
    async def go() -> None:
        bench = Bench(m=FaultyModel(error=0.4, split=(1, 0, 0)))
        found = await bench.many(500)
        assert not [one for one in found if isinstance(one, ModelError) and not isinstance(one, AnswerError)]

    run(go())


def test_a_straggler_is_overtaken_and_both_sends_are_paid():
    async def go() -> None:
        latency = Latency(median=1, sigma=0.2, stragglers=0.01, straggler=(100, 100))
        bench = Bench(m=FaultyModel(latency=latency, price=Price(input=Decimal(1), output=Decimal(1))))
        longest = 0.0
        for case in range(1500):
            began = now()
            await bench.ask(case)
            longest = max(longest, now() - began if case > 300 else 0)
        assert longest < 10
        assert bench.sends <= 1.02 * 1500
        assert bench.faults.count("cancelled") == bench.sends - 1500 > 5
        assert len(bench.journal.lines) == bench.sends
        assert all(line.cost > 0 for line in bench.journal.lines)

    run(go())


def test_with_no_time_nothing_is_sent():
    async def go() -> None:
        bench = Bench(m=FaultyModel())
        with pytest.raises(DeadlineError):
            await bench.ask(models=bench.models.within(seconds=0))
        assert (bench.sends, bench.journal.lines) == (0, [])

    run(go())


def test_a_call_that_usually_takes_longer_than_what_is_left_is_not_begun():
    async def go() -> None:
        bench = Bench(m=FaultyModel(latency=Latency(median=4, sigma=0.01)))
        await bench.many(60)
        with pytest.raises(DeadlineError, match=r"takes about 4\.0"):
            await bench.ask(models=bench.models.within(seconds=3))
        assert await bench.ask(models=bench.models.within(seconds=6)) == 1

    run(go())


def test_a_call_ends_at_the_deadline_and_is_not_sent_again_after_it():
    async def go() -> None:
        bench = Bench(m=FaultyModel(latency=Latency(median=9, sigma=0)))
        with pytest.raises(ModelError, match="Timeout"):
            await bench.ask(models=bench.models.within(seconds=3))
        assert (now(), bench.faults) == (3, ["Timeout"])

    run(go())


def test_with_no_money_nothing_is_sent():
    async def go() -> None:
        bench = Bench(usd=Decimal(0), m=FaultyModel())
        with pytest.raises(BudgetError):
            await bench.ask()
        assert (bench.sends, bench.journal.lines) == (0, [])

    run(go())


def test_what_a_job_spends_is_taken_from_the_run_as_well():
    async def go() -> None:
        price = Price(call=Decimal("0.01"))
        bench = Bench(usd=Decimal("0.05"), config={"max_tokens": 1}, m=FaultyModel(price=price))
        job = bench.models.within(usd=Decimal("0.02"))
        assert [await bench.ask(case, models=job) for case in (1, 2)] == [1, 2]
        with pytest.raises(BudgetError):
            await bench.ask(3, models=job)
        assert bench.models.budget.left == Decimal("0.03")

    run(go())


def test_a_call_that_is_cancelled_leaves_its_line_and_takes_its_money():
    async def go() -> None:
        price = Price(input=Decimal(1), output=Decimal(1))
        bench = Bench(usd=Decimal(1), m=FaultyModel(latency=Latency(median=9), price=price))
        task = asyncio.ensure_future(bench.ask())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        [line] = bench.journal.lines
        assert line.fault == "cancelled"
        assert bench.models.budget.left == 1 - line.cost < 1

    run(go())


def test_a_clock_that_jumps_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    async def go() -> None:
        bench = Bench(m=down(0, 2))
        jumps = iter(range(0, -(10**9), -(10**6)))
        monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
        assert await bench.ask(models=bench.models.within(seconds=60)) == 1

    run(go())


def test_ten_thousand_ask_at_once():
    async def go() -> None:
        bench = Bench(m=FaultyModel(latency=Latency(median=1)))
        assert await bench.many(10_000) == list(range(10_000))
        assert len(asyncio.all_tasks()) == 1

    run(go())


def test_a_vote_is_warm_and_a_draw_of_its_own():
    async def go() -> None:
        bench = Bench(m=FaultyModel(error=1, split=(0, 1, 0), wrong_values=1000))
        assert len({await bench.ask() for _ in range(3)}) == 1
        assert len({await bench.ask(variant=variant) for variant in range(1, 9)}) > 5

    run(go())


def test_a_breaker_opens_on_failures_alone_lets_probes_through_and_closes_on_a_success():
    breaker = Breaker(OUTAGE)
    for _ in range(OUTAGE.window):
        assert breaker.admit(0)
        breaker.record(False, 0, 1)
    assert (breaker.closed, breaker.admit(1)) == (False, False)
    assert (breaker.admit(3), breaker.admit(3)) == (True, False)
    breaker.record(True, 0.5, 3)
    assert not breaker.closed, "what was sent before it opened says nothing"
    breaker.record(True, 3, 4)
    assert breaker.closed


def test_a_failure_can_count_for_several_and_ask_for_rest():
    breaker = Breaker(NONSENSE)
    breaker.record(False, 0, 1, weight=NONSENSE.window, rest=500)
    assert breaker.wait(1) == 500


def test_a_bucket_gives_no_more_than_its_share():
    bucket = Bucket(0.1, most=2)
    for _ in range(100):
        bucket.add()
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_latencies_forget_and_say_nothing_of_few():
    latencies = Latencies(size=4, least=2)
    latencies.add(9)
    assert latencies.quantile(0.5) is None
    for seconds in (1, 2, 3, 4):
        latencies.add(seconds)
    assert (latencies.quantile(0), latencies.quantile(0.99)) == (1, 4)
