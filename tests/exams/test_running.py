"""Every case is run through the real engine, effects are never done, and what is kept is not paid for again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agentflow.engine.budget import Budget
from agentflow.errors import ConfigError
from agentflow.exams.asking import by_gold
from agentflow.exams.candidates import MORE, PACK, Candidate, candidates_of
from agentflow.exams.keeping import Ended, Kept
from agentflow.exams.planning import Plan
from agentflow.exams.running import Told, examine
from agentflow.testing import Twin
from tests.exams.packs import exam_of, faulty, letters, reached

ROOT = Path(__file__).parents[2]


def plan_of(models: Any, cases: int = 6, names: tuple[str, ...] = (), **more: Any) -> Plan:
    exam = exam_of(cases)
    return Plan(exam, exam.cases, tuple(candidates_of(letters, models, ["small", "large"], names)), **more)


def twin(budget: Budget | None = None, **errors: float) -> Twin:
    return Twin(faulty(**(errors or {"small": 0.0, "large": 0.0})), by_gold(), budget=budget)


async def examined(plan: Plan, home: Path, **more: Any) -> tuple[Told, Kept]:
    kept = Kept(home)
    try:
        return await examine(plan, kept, {}, **more), kept
    finally:
        kept.close()


def sends(models: Twin) -> int:
    return sum(calls.get("sends", 0) for calls in models.calls.values())


async def test_every_candidate_runs_every_case_in_every_trial(tmp_path: Path):
    told, kept = await examined(plan_of(twin(), trials=2), tmp_path)
    assert told.done == 6 * 3 * 2
    assert {(e.candidate, e.trial) for e in kept.ends.values()} == {
        (name, trial) for name in (PACK, "small", "large") for trial in (0, 1)
    }
    assert {e.outcome for e in kept.ends.values()} == {"Sent"}


async def test_an_effect_is_never_called_and_its_record_stands_in(tmp_path: Path):
    reached.clear()
    _, kept = await examined(plan_of(twin(), names=("small",)), tmp_path)
    assert reached == []
    assert {line.given for line in kept.steps.values() if line.step == "send"} == {True}
    assert next(iter(kept.ends.values())).records["Sent"] == {"key": "exam", "code": 0}


async def test_what_was_kept_is_not_asked_for_again(tmp_path: Path):
    await examined(plan_of(twin(), names=("small",)), tmp_path)
    again = twin()
    told, _ = await examined(plan_of(again, names=("small",)), tmp_path)
    assert (told.kept, sends(again)) == (18, 0)


async def test_a_longer_exam_asks_only_for_what_is_new(tmp_path: Path):
    await examined(plan_of(twin(), names=("small",), trials=1), tmp_path)
    again = twin()
    await examined(plan_of(again, cases=8, names=("small",), trials=1), tmp_path)
    assert sends(again) == 2 * 2


async def test_other_models_under_the_same_name_are_asked_anew(tmp_path: Path):
    exam = exam_of(3)
    for stamp in ("one", "other"):
        models = twin()
        plan = Plan(exam, exam.cases, (Candidate("small", models, stamp, "small"),), trials=1)
        await examined(plan, tmp_path)
        assert sends(models) == 6


async def test_trials_are_draws_of_their_own(tmp_path: Path):
    _, kept = await examined(plan_of(twin(small=0.5, large=0.0), cases=30, names=("small",), trials=4), tmp_path)
    answers: dict[str, set[str]] = {}
    for line in kept.steps.values():
        if line.step == "sort" and line.made:
            answers.setdefault(line.case, set()).add(str(line.made.value))
    assert sum(len(each) > 1 for each in answers.values()) > 3


async def test_no_call_is_made_that_could_go_over_the_cap_and_more_money_goes_on_from_there(tmp_path: Path):
    budget = Budget(Decimal("0.01"), mend=MORE)
    told, kept = await examined(plan_of(twin(budget), cases=40, names=("small",)), tmp_path)
    assert told.capped
    assert 0 < told.done < 40 * 3
    assert Decimal("0.001") < kept.spent <= Decimal("0.01")
    more, _ = await examined(plan_of(twin(), cases=40, names=("small",)), tmp_path)
    assert (more.done, more.kept, more.capped) == (120, told.done, False)


async def test_money_that_others_have_set_aside_is_waited_for(tmp_path: Path):
    budget = Budget(Decimal("0.012"), mend=MORE)
    told, _ = await examined(plan_of(twin(budget), cases=5, names=("small",)), tmp_path, concurrency=8)
    assert (told.done, told.capped) == (15, False)


async def test_one_step_alone_starts_from_what_the_gold_says_and_ends_there(tmp_path: Path):
    models = twin()
    _, kept = await examined(plan_of(models, names=("small",), trials=1, step="answer"), tmp_path)
    assert {line.step for line in kept.steps.values() if not line.given} == {"answer"}
    assert sends(models) == 6


async def test_a_step_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="letters has no step code; it has sort, answer, send"):
        plan_of(twin(), step="code")


async def test_a_candidate_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="huge is no candidate of letters; take pack, small, large"):
        plan_of(twin(), names=("huge",))


async def test_a_model_that_cannot_be_reached_leaves_the_run_for_the_next_start(tmp_path: Path):
    from agentflow.testing import Episode, Faulty, FaultyModel

    down = FaultyModel(episodes=[Episode(kind="down", status=401, requests=(0, 10**6))])
    models = Twin(Faulty(models={"small": down, "large": down}), by_gold())
    told, kept = await examined(plan_of(models, names=("small",), trials=1), tmp_path)
    assert (told.done, told.unreached, len(kept.ends)) == (0, 6, 0)


def test_a_line_that_was_not_written_to_its_end_is_cut_off(tmp_path: Path):
    line = Ended(run="a", candidate="small", case="1", trial=0, status="finished")
    kept = Kept(tmp_path)
    kept.add(line)
    kept.close()
    file = tmp_path / "attempts.jsonl"
    file.write_text(file.read_text() + '{"run": "b", "kin')
    again = Kept(tmp_path)
    again.add(line.model_copy(update={"run": "c"}))
    again.close()
    assert set(Kept(tmp_path).ends) == {"a", "c"}


SLOW = """
import asyncio, sys
from pathlib import Path
from tests.exams.test_running import examined, plan_of, twin
from agentflow.testing import Twin
from agentflow.exams.asking import by_gold
from tests.exams.packs import faulty

models = Twin(faulty(small=0.2, large=0.1), by_gold(), sleep=lambda seconds: asyncio.sleep(0.01))
asyncio.run(examined(plan_of(models, cases=40, names=("small",)), Path(sys.argv[1]), concurrency=2))
"""


def test_an_exam_that_is_killed_goes_on_without_paying_for_a_kept_step_again(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path)], cwd=ROOT, env=os.environ)
    file = tmp_path / "attempts.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and (not file.is_file() or file.read_bytes().count(b"\n") < 60):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = Kept(tmp_path)
    paid = sum(line.cost > 0 for line in before.steps.values())
    assert 0 < len(before.ends) < 120
    models = twin(small=0.2, large=0.1)
    told, kept = asyncio.run(examined(plan_of(models, cases=40, names=("small",)), tmp_path))
    assert (told.done, told.kept) == (120, len(before.ends))
    assert sends(models) == sum(line.cost > 0 for line in kept.steps.values()) - paid


def test_the_latest_runs_of_a_candidate_are_never_of_two_models(tmp_path: Path):
    kept = Kept(tmp_path)
    for number, (stamp, case) in enumerate((("a", "1"), ("a", "2"), ("b", "1"))):
        kept.add(Ended(run=str(number), candidate="small", case=case, trial=0, status="finished", stamp=stamp))
    kept.close()
    assert Kept(tmp_path).latest == ["2"]
