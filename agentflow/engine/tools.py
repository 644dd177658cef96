"""Tool loops: a model calls tools until it has its answer; reads freely, writes once."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentflow.engine.asking import Called, Question, Said, repeated
from agentflow.errors import AnswerError, RunError
from agentflow.flow.answering import parse_answer
from agentflow.flow.journal import Journal
from agentflow.flow.policy import EffectKey
from agentflow.flow.tool import Tool

A = TypeVar("A", bound=BaseModel)
LONGEST_RESULT = 50_000
"""Characters of a tool's result that a model is shown."""

Say = Callable[[Question], Awaitable[Any]]
"""Sends the question: what the model says where it calls tools, else its answer."""


@dataclass
class Toolbox:
    """The tools of one loop."""

    tools: Sequence[Tool]
    journal: Journal
    step: str
    key: EffectKey | None
    written: dict[str, int] = field(default_factory=dict[str, int])
    """How often each tool that writes was called."""

    def __post_init__(self) -> None:
        writing = [tool.name for tool in self.tools if tool.writes]
        if writing and self.key is None:
            text = f"{self.step} lets a model call {', '.join(writing)}, which write: make the step an effect"
            raise RunError(f"{text} (effect=True) and hand its EffectKey on as key=")

    async def run(self, called: Called) -> str:
        """What the model is told of its call: the result, or what was wrong with it."""
        tool = next((tool for tool in self.tools if tool.name == called.name), None)
        if tool is None:
            return _problem(f"there is no tool {called.name}; there are {', '.join(tool.name for tool in self.tools)}")
        try:
            arguments = tool.read(called.arguments)
            made = await (self._write(tool, called, arguments) if tool.writes else tool.run(arguments, None))
        except ValidationError as error:
            told = [f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()]
            return _problem("; ".join(told))
        except ValueError as error:
            return _problem(str(error))
        return made if len(made) <= LONGEST_RESULT else f"{made[:LONGEST_RESULT]} ... (cut off)"

    async def _write(self, tool: Tool, called: Called, arguments: Any) -> str:
        """Done once for each place in the order of the tool's calls, whatever the model says in a later run."""
        number = self.written.get(tool.name, 0)
        self.written[tool.name] = number + 1
        key = EffectKey(sha256(f"{self.key}\x1f{tool.name}\x1f{number}".encode()).hexdigest())
        begun = await self.journal.begin_effect(key.value, f"{self.step}.{tool.name}")
        done = begun.made
        if done is None:
            made = (await tool.look_up(key) if begun.again else None) or await tool.run(arguments, key)
            await self.journal.end_effect(key.value, {"arguments": called.arguments, "result": made})
            return made
        if _same(done["arguments"], called.arguments):
            return str(done["result"])
        return f"this was done before, with {done['arguments']}, and is not done again; it gave {done['result']}"


async def converse(answer: type[A], question: Question, say: Say, toolbox: Toolbox, most_calls: int) -> A:
    """The answer that the model comes to. Raises AnswerError where it is none, or the calls are used up."""
    left = most_calls
    while True:
        said = await say(question)
        if isinstance(said, answer):
            return said
        left -= len(said.calls)
        if left < 0:
            raise AnswerError(f"the model called tools more than {most_calls} times", code="too_many_calls")
        results: list[dict[str, Any]] = []
        for called in said.calls:
            own = called.name == answer.__name__
            told = _problem("give the answer alone, once the results are in") if own else await toolbox.run(called)
            results.append({"role": "tool", "tool_call_id": called.id, "content": told})
        question = question.then(repeated(said), *results)


def answer_in(answer: type[A], said: Said) -> A:
    """The answer in what the model says, as text or as the call of a tool named like it. Raises AnswerError."""
    if said.fault:
        raise AnswerError(f"the answer is of no use: {said.fault}", code=said.fault)
    called = next((call.arguments or "{}" for call in said.calls if call.name == answer.__name__), None)
    return parse_answer(answer, called or said.content or "")


def answer_or_calls(answer: type[A], said: Said) -> A | Said:
    """The answer, or what the model says where it calls tools first."""
    own = [call.name == answer.__name__ for call in said.calls]
    return said if own and not said.fault and own != [True] else answer_in(answer, said)


def _problem(text: str) -> str:
    return json.dumps({"problem": text}, ensure_ascii=False)


def _same(one: str, other: str) -> bool:
    try:
        return json.loads(one or "{}") == json.loads(other or "{}")
    except ValueError:
        return one == other
