"""Sparing: results are kept before the checkpoint only where several steps run side by side."""

from typing import Any

import pytest

from agentflow.engine.checkpoints import memory_saver
from agentflow.engine.graph import Graph
from agentflow.engine.sparing import spared
from tests.engine.test_graph import Order, doing, ran, toy


class Log:
    """A saver that counts what is written before a checkpoint."""

    def __init__(self) -> None:
        self.saver = memory_saver()
        self.early: list[str] = []
        put_writes = self.saver.aput_writes

        async def writing(config: Any, writes: Any, *rest: Any) -> None:
            self.early += [channel for channel, _ in writes]
            await put_writes(config, writes, *rest)

        self.saver.aput_writes = writing


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


async def test_a_step_that_runs_alone_is_written_once():
    log = Log()
    done = await Graph(toy()).start("j", spared(log.saver), doing(), Order(lines=[]))
    assert done.outcome == "Posted"
    assert log.early == []


async def test_items_that_are_done_stay_done_where_another_one_is_killed():
    log, fine = Log(), doing()
    graph = Graph(toy())

    async def killed(step: Any, reads: Any, item: int | None) -> Any:
        if item == 2:
            raise MemoryError("killed")
        return await fine(step, reads, item)

    with pytest.raises(MemoryError):
        await graph.start("j", spared(log.saver), killed, Order(lines=["a", "b", "c"]))
    done = await graph.go_on("j", spared(log.saver), fine)
    assert done.outcome == "Posted"
    assert [ran.count(f"code {line}") for line in "abc"] == [1, 1, 1]


async def test_a_question_of_a_step_that_runs_alone_is_kept():
    log, graph = Log(), Graph(toy())
    waiting = await graph.start("j", spared(log.saver), doing(), Order(lines=["?"]))
    assert "__interrupt__" in log.early
    [key] = waiting.questions
    again = await graph.standing("j", spared(log.saver))
    assert list(again.questions) == [key]


async def test_the_input_is_not_kept_by_itself_and_a_run_that_is_killed_before_its_first_step_begins_anew():
    log, graph = Log(), Graph(toy())

    async def killed(step: Any, reads: Any, item: int | None) -> Any:
        raise MemoryError("killed")

    put, steps = log.saver.aput, []

    async def putting(config: Any, checkpoint: Any, metadata: Any, *rest: Any) -> Any:
        steps.append(metadata["step"])
        if metadata["step"] == 0:
            raise MemoryError("killed")
        return await put(config, checkpoint, metadata, *rest)

    log.saver.aput = putting
    with pytest.raises(MemoryError):
        await graph.start("j", spared(log.saver), killed, Order(lines=[]))
    assert steps == [0]
    assert (await graph.standing("j", log.saver)).begun is False
    log.saver.aput = put
    assert (await graph.start("j", spared(log.saver), doing(), Order(lines=[]))).outcome == "Posted"
