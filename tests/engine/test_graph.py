"""The graph carries a job from step to step, waits for people and goes on where it stopped."""

from typing import Any

import pytest

from agentflow import EffectKey, Policy, Problem, Record, workflow
from agentflow.engine.attempt import Services, perform
from agentflow.engine.checkpoints import memory_saver as plain_saver
from agentflow.engine.graph import Graph
from agentflow.engine.sparing import spared
from agentflow.errors import StepLimitError
from agentflow.flow.journal import Begun
from tests.engine.toy import Order, ran, toy


class NoModels:
    def bind(self, *_: Any) -> None:
        return None


def memory_saver() -> Any:
    """As the jobs' savers are."""
    return spared(plain_saver())


class Notebook:
    """A journal kept in memory."""

    def __init__(self):
        self.effects: dict[str, Any] = {}

    async def spend(self, line: Any) -> None: ...

    async def attempt(self, line: Any) -> None: ...

    async def begin_effect(self, key: str, step: str) -> Any:
        return Begun(self.effects.setdefault(key, None))

    async def end_effect(self, key: str, made: Any, line: Any = None) -> None:
        self.effects[key] = made


def doing(journal: Any = None):
    services = Services("job1", {}, NoModels(), journal or Notebook())

    async def run(step, reads, item):
        return await perform(step, reads, services, item)

    return run


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


async def test_a_list_is_mapped_in_order_and_joined():
    done = await Graph(toy()).start("j", memory_saver(), doing(), Order(lines=["a", "b", "c"]))
    assert done.outcome == "Posted"
    assert done.state["Posted"]["accounts"] == ["a/3", "b/3", "c/3"]


async def test_an_empty_list_goes_straight_on():
    done = await Graph(toy()).start("j", memory_saver(), doing(), Order(lines=[]))
    assert done.state["Posted"]["accounts"] == []


async def test_a_question_waits_for_a_person_and_takes_any_of_its_answers():
    graph, saver = Graph(toy()), memory_saver()
    waiting = await graph.start("j", saver, doing(), Order(lines=["?"]))
    [(key, question)] = waiting.questions.items()
    assert waiting.outcome is None
    assert question["answers"] == ["Booked", "Refused"]
    assert question["value"] == {"why": "a question mark"}
    done = await graph.go_on("j", saver, doing(), {key: {"type": "Refused", "value": {"why": "no"}}})
    assert done.outcome == "Refused"
    assert ran == ["split"]


async def test_an_item_that_fails_its_check_waits_while_the_others_are_done():
    graph, saver = Graph(toy()), memory_saver()
    waiting = await graph.start("j", saver, doing(), Order(lines=["a", "bad", "c"]))
    [(key, question)] = waiting.questions.items()
    assert question["reasons"][0]["code"] == "bad"
    assert question["value"] == {"account": "bad/3"}
    done = await graph.go_on("j", saver, doing(), {key: {"type": "Coded", "value": {"account": "good"}}})
    assert done.state["Posted"]["accounts"] == ["a/3", "good", "c/3"]
    assert ran.count("code a") == 1


async def test_two_items_wait_side_by_side_and_are_answered_one_after_the_other():
    graph, saver = Graph(toy()), memory_saver()
    waiting = await graph.start("j", saver, doing(), Order(lines=["bad", "b", "bad2"]))
    first, second = waiting.questions
    half = await graph.go_on("j", saver, doing(), {first: {"type": "Coded", "value": {"account": "1"}}})
    assert list(half.questions) == [second]
    done = await graph.go_on("j", saver, doing(), {second: {"type": "Coded", "value": {"account": "2"}}})
    assert done.outcome == "Posted"
    assert ran.count("code b") == 1


async def test_a_job_that_crashed_goes_on_from_its_last_finished_step():
    graph, saver = Graph(toy()), memory_saver()
    fine = doing()

    async def crash(step, reads, item):
        if step.name == "post":
            raise MemoryError("killed")
        return await fine(step, reads, item)

    with pytest.raises(MemoryError):
        await graph.start("j", saver, crash, Order(lines=["a"]))
    assert (await graph.standing("j", saver)).begun
    done = await graph.go_on("j", saver, fine)
    assert done.outcome == "Posted"
    assert ran.count("split") == 1
    assert ran.count("post") == 1


async def test_an_effect_that_is_done_is_not_done_again():
    journal = Notebook()
    first = await Graph(toy()).start("j", memory_saver(), doing(journal), Order(lines=["a"]))
    again = await Graph(toy()).start("j", memory_saver(), doing(journal), Order(lines=["a"]))
    assert ran.count("post") == 1
    assert first.state["Posted"] == again.state["Posted"]


class Paper(Record):
    text: str


class Sum(Record):
    total: int


class Name(Record):
    name: str


class Known(Record):
    name: str


class Filed(Record):
    name: str
    total: int


async def add(paper: Paper) -> Sum:
    return Sum(total=len(paper.text))


async def sign(paper: Paper) -> Name:
    return Name(name=paper.text[:1])


async def look_up(name: Name) -> Known:
    return Known(name=name.name.upper())


async def file(known: Known, total: Sum, paper: Paper) -> Filed:
    ran.append("file")
    return Filed(name=known.name, total=total.total)


def named(name: Name) -> list[Problem]:
    return [] if name.name != "x" else [Problem(code="x", message="x")]


async def test_forked_steps_meet_in_the_step_that_reads_all_their_records():
    table = workflow("f", takes=Paper, gives=Filed).fork(add, sign).step(look_up).step(file).build()
    done = await Graph(table).start("j", memory_saver(), doing(), Paper(text="abc"))
    assert done.state["Filed"] == {"name": "A", "total": 3}
    assert ran == ["file"]


class Draft(Record):
    rounds: int


class Final(Record):
    rounds: int


async def improve(draft: Draft) -> Draft | Final:
    return Draft(rounds=draft.rounds + 1) if draft.rounds < 5 else Final(rounds=draft.rounds)


async def forever(draft: Draft) -> Draft | Final:
    return Draft(rounds=draft.rounds + 1)


async def test_a_loop_ends_when_its_step_makes_another_record():
    table = workflow("l", takes=Draft, gives=Final).step(improve).build()
    done = await Graph(table).start("j", memory_saver(), doing(), Draft(rounds=0))
    assert done.state["Final"] == {"rounds": 5}


async def test_an_endless_loop_meets_the_step_limit():
    table = workflow("l", takes=Draft, gives=Final, step_limit=20).step(forever).build()
    with pytest.raises(StepLimitError, match="more than 20 steps"):
        await Graph(table).start("j", memory_saver(), doing(), Draft(rounds=0))


async def read_by_rule(paper: Paper) -> Name:
    return Name(name="x")


async def read_by_rule_too(paper: Paper) -> Name:
    return Name(name=paper.text)


async def done(name: Name, *, key: EffectKey) -> Final:
    return Final(rounds=1)


async def test_the_next_source_is_asked_where_a_check_fails():
    table = (
        workflow("s", takes=Paper, gives=Final)
        .step(
            read_by_rule,
            policy=Policy(ladder=("a", "b")),
            sources={"a": read_by_rule, "b": read_by_rule_too},
            checks=[named],
        )
        .step(done, effect=True)
        .build()
    )
    ended = await Graph(table).start("j", memory_saver(), doing(), Paper(text="abc"))
    assert ended.state["Name"] == {"name": "abc"}


async def test_a_check_that_raises_keeps_the_record_in_its_step():
    def broken(name: Name) -> list[Problem]:
        raise ZeroDivisionError("oh")

    table = workflow("s", takes=Paper, gives=Final).step(read_by_rule, checks=[broken]).step(done, effect=True).build()
    waiting = await Graph(table).start("j", memory_saver(), doing(), Paper(text="abc"))
    [question] = waiting.questions.values()
    assert question["reasons"][0]["code"] == "check_failed"
