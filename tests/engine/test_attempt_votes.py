"""Votes are draws of their own, several answers become one record that is checked anew, and lists go item by item."""

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from agentflow import Policy, Problem, ties, workflow
from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.checkpoints import memory_saver
from agentflow.engine.graph import Graph
from agentflow.engine.models import Models, load_litellm, read_models
from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, SourceFigures, StepFigures, known
from agentflow.testing import Faulty, MemoryJournal, by_marker, serve
from tests.benchmarks.virtual import now, run
from tests.engine.desk import Bench, Page, Sums, Total, add, codes, do, read, row, told, value

ALPHA = 0.08
"""What two agreeing answers of a model that nobody has measured reach."""


def test_each_vote_has_a_temperature_and_a_seed_of_its_own_and_passes_caches_by():
    async def go() -> None:
        bench = Bench(m={"error": 1, "split": (0, 1, 0), "wrong_values": 1000})
        await bench.do(row(ladder=("m",), alpha=ALPHA, max_attempts=4))
        first, *votes = bench.client.sent
        assert (first["temperature"], first.get("seed"), first.get("cache")) == (0, None, None)
        assert len({vote["seed"] for vote in votes}) == len(votes) > 1
        assert all(vote["temperature"] > 0 and vote["cache"]["no-cache"] for vote in votes)

    run(go())


def test_an_unsure_model_that_repeats_itself_at_temperature_0_is_found_out():
    async def go() -> None:
        bench = Bench(m={"error": 0.6, "split": (0, 1, 0), "wrong_values": 1000})
        step = row(ladder=("m",), alpha=ALPHA)
        verdicts = [await bench.do(step, case=case) for case in range(100)]
        accepted = [(case, one.made.value) for case, one in enumerate(verdicts) if not hasattr(one, "reasons")]
        assert len(accepted) > 10
        assert [pair for pair in accepted if pair[0] != pair[1]] == []

    run(go())


def test_two_roles_that_are_one_model_are_one_source():
    async def go() -> None:
        bench = Bench(m={"wrong_on": ["[case:5]"]}, n={})
        same = bench.models.configs["m"].model_copy(update={"timeout": 30.0})
        bench.models = replace(bench.models, configs={**bench.models.configs, "also": same})
        assert bench.models.alike("m", "also")
        assert not bench.models.alike("m", "n")
        assert not bench.models.alike("m", "nobody")
        of = figures("read", every=sound(0.05, "m", "also"))
        verdict = await bench.do(row(ladder=("m", "also"), alpha=0.01), figures=of)
        assert "low_trust" in codes(verdict)
        assert set(bench.asked) == {"m"}

    run(go())


@pytest.fixture
async def cached(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """litellm with a cache in memory, as a user may have set it up."""
    litellm = await load_litellm()
    from litellm.caching.caching import Cache

    # A hit of its cache loads a module of its proxy, which reads sound files.
    monkeypatch.setitem(sys.modules, "soundfile", ModuleType("soundfile"))
    litellm.cache = Cache(type="local")
    yield litellm.cache
    litellm.cache = None


@pytest.mark.filterwarnings("ignore")  # litellm and what it imports warn of themselves
async def test_over_http_a_cached_answer_is_no_second_vote(cached: Any, tmp_path: Any):
    faulty = Faulty(models={"m": {"error": 0.7, "split": (0, 1, 0), "wrong_values": 1000}})
    step, seen = row(ladder=("m",), alpha=ALPHA, max_attempts=4), MemoryJournal()
    async with serve(faulty, by_marker(lambda case: {"value": int(case)})) as server:
        file = tmp_path / "models.toml"
        file.write_text(server.models_toml(), encoding="utf-8")
        for _ in range(2):  # the second round finds the first's answers in the cache
            for case in range(10):
                verdict = await do(step, Models(read_models(file)), seen, case=case)
                assert hasattr(verdict, "reasons") or value(verdict).value == case
        sends = server.calls["m"]["sends"]
    assert [line.fault for line in seen.attempts if line.fault] == []
    assert len(seen.attempts) - sends == 10, "the first answer to a case may be replayed, a vote never is"
    assert sum(line.tokens_out == 0 for line in seen.attempts) == 10, "a replay costs nothing"


def figures(step: str = "add", **of: Any) -> Figures:
    return Figures(steps={step: StepFigures(**of)})


def sound(rate: float = 0.02, *roles: str) -> FieldFigures:
    """Sources that are rarely wrong, and never together."""
    source = SourceFigures(systematic=known(rate), slip=known(rate), fault=known(0), spread=None, wrong_values=100)
    pairs = {f"{a}|{b}": known(0) for a in roles for b in roles if a < b}
    return FieldFigures(sources=dict.fromkeys(roles, source), shared=pairs)


@ties("net", "tax", "total")
def adds_up(sums: Sums) -> list[Problem]:
    right = sums.net + sums.tax == sums.total
    return [] if right else [Problem(code="does_not_add_up", message="net and tax are not the total")]


async def test_fields_of_several_answers_make_one_record_that_passes_the_checks():
    models = told(
        a=[{"net": 10, "tax": 2, "total": 13}],
        b=[{"net": 11, "tax": 2, "total": 12}],
        c=[{"net": 10, "tax": 3, "total": 12}],
    )
    step = row(add, checks=[adds_up], ladder=("a", "b", "c"), alpha=0.01, max_attempts=1)
    verdict = await do(step, models, figures=figures(every=sound(0.05, "a", "b", "c")))
    assert value(verdict) == Sums(net=10, tax=2, total=12)


async def test_a_merged_record_that_a_check_speaks_against_does_not_leave():
    def never_12(sums: Sums) -> list[Problem]:
        bad = sums.total == 12 and sums.net == 10 and sums.tax == 2
        return [Problem(code="odd", message="this is odd")] if bad else []

    models = told(
        a=[{"net": 10, "tax": 2, "total": 13}],
        b=[{"net": 11, "tax": 2, "total": 12}],
        c=[{"net": 10, "tax": 3, "total": 12}],
    )
    step = row(add, checks=[never_12], ladder=("a", "b", "c"), alpha=0.01, max_attempts=1)
    verdict = await do(step, models, figures=figures(every=sound(0.05, "a", "b", "c")))
    assert "odd" in codes(verdict)
    assert verdict.candidate == Sums(net=10, tax=2, total=12)


async def test_an_identity_that_holds_saves_answers():
    calls = []
    for checks in ([], [adds_up]):
        models = told(a=lambda asked: {"net": 10, "tax": 2, "total": 12})
        identity = {"adds_up": CheckFigures(catch=known(0.99), alarm=known(0))}
        step = row(add, checks=checks, ladder=("a",), alpha=0.02)
        await do(step, models, figures=figures(every=sound(0.05, "a"), identities=identity))
        calls.append(len(models.told))
    assert calls[1] == 1 < calls[0]


async def test_a_rarely_wrong_source_needs_fewer_votes_than_an_unknown_one():
    calls = []
    for given in (Figures(), figures(every=sound(0.001, "a"))):
        models = told(a=lambda asked: {"net": 10, "tax": 2, "total": 12})
        await do(row(add, ladder=("a",), alpha=0.05), models, figures=given)
        calls.append(len(models.told))
    assert calls[1] < calls[0]


async def test_trust_before_and_after_each_attempt_is_written_down():
    journal, models = MemoryJournal(), told(a=lambda asked: {"value": 5})
    await do(row(ladder=("a",), alpha=ALPHA), models, journal)
    lines = journal.attempts
    assert len(lines) > 1
    assert [line.trust_before for line in lines[1:]] == [line.trust_after for line in lines[:-1]]
    assert lines[0].trust_before == 0
    assert lines[-1].trust_after >= 1 - ALPHA > lines[-2].trust_after


def listed(**policy: Any) -> Any:
    """A table that reads a list of pages."""

    async def split(page: Page) -> list[Page]:
        return [Page(case=case) for case in range(page.case)]

    async def join(totals: list[Total]) -> Sums:
        return Sums(net=len(totals), total=sum(total.value for total in totals))

    drafted: Any = workflow("items", takes=Page, gives=Sums)
    return drafted.step(split).each(read, policy=Policy(**policy)).step(join).build()


def test_each_item_of_a_list_is_trusted_for_itself():
    async def go() -> None:
        bench = Bench(m={"wrong_on": ["[case:3]"]}, n={})
        graph = Graph(listed(ladder=("m", "n"), alpha=0.01, max_attempts=2))
        of = figures("read", every=sound(0.05, "m", "n"))

        async def doing(step: Any, reads: Any, item: Any) -> Any:
            return await perform(step, reads, Services("job", {}, bench.models, bench.journal, of, now), item)

        done = await graph.start("j", memory_saver(), doing, Page(case=6))
        questions = [question["reasons"][0]["code"] for question in done.questions.values()]
        assert questions == ["sources_disagree"]
        assert {line.item for line in bench.journal.attempts if line.source == "n"} == set(range(6))

    run(go())
