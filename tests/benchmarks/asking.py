"""A job of ten steps that each ask a model, with a model that answers after a while; and the same in bare LangGraph."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from pydantic import create_model

from agentflow import Model, Pack, Policy, Price, Record, workflow
from agentflow.flow.journal import CostLine, Journal

STEPS = 10
KINDS = [create_model(f"N{i}", __base__=Record, name=(str, ...)) for i in range(STEPS + 1)]
Answering = Callable[[str], Awaitable[str]]


def answering(seconds: float) -> Answering:
    """A model's wait."""

    async def answer(text: str) -> str:
        await asyncio.sleep(seconds)
        return text

    return answer


@dataclass(frozen=True)
class Asked:
    """A model that answers what it is asked, and writes down what that cost."""

    role: str
    step: str
    journal: Journal
    answering: Answering
    sees: bool = False

    async def ask(self, answer: Any, instructions: str, text: str, *, images: Sequence[Any] = ()) -> Any:
        """The text, as an `answer` record."""
        name = await self.answering(text)
        cost = Decimal("0.0001")
        line = CostLine(
            call=uuid.uuid4().hex, step=self.step, role=self.role, model="waiting", tokens_in=100, cost=cost
        )
        await self.journal.spend(line)
        return answer(name=name)


@dataclass(frozen=True)
class Models:
    """Binds every role to such a model."""

    answering: Answering

    def bind(self, role: str, step: str, problems: Any, journal: Journal, variant: int = 0) -> Any:
        """The model."""
        return Asked(role, step, journal, self.answering)


def ten_questions() -> Pack:
    """Each step asks a model for the next record."""
    table: Any = workflow("ten", takes=KINDS[0], gives=KINDS[STEPS])
    for i in range(STEPS):
        table = table.step(_step(i), policy=Policy(ladder=["small"]))
    return Pack(name="ten", workflow=table.build(), prices={KINDS[STEPS]: Price("0.40")})


def _step(i: int) -> Any:
    makes = KINDS[i + 1]

    async def step(given: Any, *, model: Model) -> Any:
        return await model.ask(makes, "Go on.", given.name)

    step.__name__ = step.__qualname__ = f"s{i}"
    step.__annotations__ = {"given": KINDS[i], "model": Model, "return": makes}
    return step


def bare(answering: Answering) -> Any:
    """The same ten steps in LangGraph alone: a record a channel, as plain JSON."""
    state: Any = TypedDict("state", {f"n{i}": Any for i in range(STEPS + 1)}, total=False)
    graph: Any = StateGraph(state)
    for i in range(STEPS):
        graph.add_node(f"s{i}", _node(i, answering))
        graph.add_edge(f"s{i - 1}" if i else START, f"s{i}")
    graph.add_edge(f"s{STEPS - 1}", END)
    return graph.compile()


def _node(i: int, answering: Answering) -> Any:
    async def run(state: Any) -> Any:
        return {f"n{i + 1}": {"name": await answering(state[f"n{i}"]["name"])}}

    return run
