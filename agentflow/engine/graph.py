"""The file that knows LangGraph's graphs: a workflow becomes one whose state is plain JSON."""

import operator
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
os.environ.setdefault("LANGSMITH_TRACING", "false")

# LangGraph publishes no complete types: what comes from it is Any here and nowhere else.
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt

from agentflow.engine.attempt import type_made
from agentflow.engine.trust import Accepted, Doubted, Verdict
from agentflow.errors import StepLimitError
from agentflow.flow.step import Step, as_list, label, load
from agentflow.flow.workflow import Workflow

State = Mapping[str, Any]
Perform = Callable[[Step, Sequence[Any], int | None], Awaitable[Verdict]]

OUTCOME, NOTES = "#outcome", "#notes"


@dataclass(frozen=True)
class Context:
    """What a run hands to its nodes."""

    perform: Perform


@dataclass(frozen=True)
class Standing:
    """Where a job stands: what it has made, and the questions that a person is asked."""

    state: State
    questions: Mapping[str, Mapping[str, Any]]
    """By question id."""
    begun: bool
    """False where no step has ever been stored."""

    @property
    def outcome(self) -> str | None:
        """The outcome's name, where the job has ended."""
        return self.state.get(OUTCOME)


class Graph:
    """A workflow compiled for LangGraph; one of these serves any number of jobs."""

    def __init__(self, workflow: Workflow[Any, Any]) -> None:
        self._workflow = workflow
        self._compiled = _compile(workflow)

    async def start(self, job: str, saver: Any, perform: Perform, record: Any) -> Standing:
        """Runs a new job until it ends or waits for a person."""
        kind = self._workflow.takes
        return await self._run(job, saver, perform, {label(kind): _dump(record)})

    async def go_on(self, job: str, saver: Any, perform: Perform, answers: Mapping[str, Any] | None = None) -> Standing:
        """Runs a stored job on from its last finished step, with `answers` by question id where it waits."""
        return await self._run(job, saver, perform, Command(resume=dict(answers)) if answers else None)

    async def standing(self, job: str, saver: Any) -> Standing:
        """Where the job stands, without running anything."""
        stored = await self._with(saver).aget_state(_thread(job))
        asked = {question.id: question.value for question in stored.interrupts}
        return Standing(stored.values, asked, begun=bool(stored.created_at))

    async def _run(self, job: str, saver: Any, perform: Perform, given: Any) -> Standing:
        config: Any = {**_thread(job), "recursion_limit": self._workflow.step_limit}
        try:
            made = await self._with(saver).ainvoke(given, config, context=Context(perform), durability="sync")
        except GraphRecursionError as error:
            limit = self._workflow.step_limit
            text = (
                f"job {job} took more than {limit} steps in a row; mend the loop or raise step_limit= of the workflow"
            )
            raise StepLimitError(text) from error
        if OUTCOME in made and "__interrupt__" not in made:
            return Standing(made, {}, begun=True)
        return await self.standing(job, saver)

    def _with(self, saver: Any) -> Any:
        return self._compiled.copy(update={"checkpointer": saver})


def _command(**parts: Any) -> Any:
    return Command(**parts)


def _thread(job: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": job}}


def _compile(workflow: Workflow[Any, Any]) -> Any:
    graph: Any = StateGraph(_schema(workflow), context_schema=Context)
    for step in workflow.steps:
        if step.kind == "review":
            graph.add_node(step.name, _question(workflow, step))
            continue
        graph.add_node(step.name, _item(workflow, step) if step.kind == "each" else _step(workflow, step))
        graph.add_node(_review(step), _doubt(workflow, step))
        if step.kind == "each":
            graph.add_node(_collect(step), _collector(workflow, step))
            graph.add_edge(step.name, _collect(step))
            graph.add_edge(_review(step), _collect(step))
    first = workflow.steps_for(workflow.takes)
    if first and all(step.kind != "each" for step in first):
        for step in first:
            graph.add_edge(START, step.name)
    else:
        graph.add_node("#start", _starter(workflow))
        graph.add_edge(START, "#start")
    return graph.compile()


def _schema(workflow: Workflow[Any, Any]) -> Any:
    channels: dict[str, Any] = {label(record): Any for record in workflow.records}
    channels |= {OUTCOME: Any, NOTES: Annotated[list[Any], operator.add]}
    for step in workflow.steps:
        channels[_review(step)] = Any
        if step.kind == "each":
            channels[_items(step)] = Annotated[Any, _gather]
    make: Any = TypedDict  # built from names that are known at run time only
    return make(workflow.name, channels, total=False)


def _gather(before: dict[str, Any] | None, now: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if now is None else {**(before or {}), **now}


def _starter(workflow: Workflow[Any, Any]) -> Any:
    async def start(state: State) -> Any:
        return _follow(workflow, workflow.takes, state[label(workflow.takes)], state)

    return start


def _step(workflow: Workflow[Any, Any], step: Step) -> Any:
    async def run(state: State, runtime: Runtime[Context]) -> Any:
        if any(state.get(label(record)) is None for record in step.reads):
            return {}  # a join that still waits for the rest of its fork
        reads = [load(record, state[label(record)]) for record in step.reads]
        verdict = await runtime.context.perform(step, reads, None)
        if isinstance(verdict, Doubted):
            return _command(update={_review(step): _asked(step, verdict)}, goto=_review(step))
        return _follow(workflow, type_made(step, verdict.made), _dump(verdict.made), state, _notes(verdict))

    return run


def _doubt(workflow: Workflow[Any, Any], step: Step) -> Any:
    async def ask(state: State) -> Any:
        # An item of an `.each` brings its question along; a plain step finds it in the state.
        answer = interrupt(state["question"] if "question" in state else state[_review(step)])
        if "question" in state:
            return {_items(step): {str(state["index"]): answer["value"]}}
        return _follow(workflow, _named(step.makes, answer["type"]), answer["value"], state)

    return ask


def _question(workflow: Workflow[Any, Any], step: Step) -> Any:
    async def ask(state: State) -> Any:
        shown = state[label(step.starts_from)]
        answer = interrupt(_ask(step, "question", step.starts_from, shown, shown.get("problems", [])))
        return _follow(workflow, _named(step.makes, answer["type"]), answer["value"], state)

    return ask


def _item(workflow: Workflow[Any, Any], step: Step) -> Any:
    kinds = step.signature.reads

    async def run(state: State, runtime: Runtime[Context]) -> Any:
        reads = [load(kind, value) for kind, value in zip(kinds, state["reads"], strict=True)]
        verdict = await runtime.context.perform(step, reads, state["index"])
        if isinstance(verdict, Doubted):
            asked = {"question": {**_asked(step, verdict), "item": state["index"]}, "index": state["index"]}
            return _command(goto=Send(_review(step), asked))
        return {_items(step): {str(state["index"]): _dump(verdict.made)}, **_notes(verdict)}

    return run


def _collector(workflow: Workflow[Any, Any], step: Step) -> Any:
    async def collect(state: State) -> Any:
        done: Mapping[str, Any] = state.get(_items(step)) or {}
        count = len(state[label(step.starts_from)])
        if len(done) < count:
            return {}  # a person still works on some
        return _follow(workflow, step.makes[0], [done[str(i)] for i in range(count)], state)

    return collect


def _follow(
    workflow: Workflow[Any, Any], kind: Any, value: Any, state: State, more: Mapping[str, Any] | None = None
) -> Any:
    """Puts a record on its edge: writes it down and starts what starts from it."""
    update: dict[str, Any] = {label(kind): value, **(more or {})}
    if kind in workflow.gives:
        return _command(update=update | {OUTCOME: label(kind)}, goto=END)
    following = workflow.steps_for(kind) or tuple(s for s in workflow.steps if kind in s.reads)
    if following[0].kind == "each":
        return _fan_out(following[0], value, {**state, **update}, update)
    if following[0].lane is not None:
        update |= {label(made): None for s in following for made in s.makes}
    return _command(update=update, goto=[s.name for s in following])


def _fan_out(step: Step, values: Sequence[Any], state: State, update: dict[str, Any]) -> Any:
    rest = [state[label(record)] for record in step.reads[1:]]
    sends = [Send(step.name, {"index": i, "reads": [value, *rest]}) for i, value in enumerate(values)]
    return _command(update=update | {_items(step): None}, goto=sends or _collect(step))


def _asked(step: Step, verdict: Doubted) -> dict[str, Any]:
    reasons = [problem.model_dump(mode="json") for problem in verdict.reasons]
    if verdict.candidate is None:
        return _ask(step, "doubt", None, None, reasons)
    return _ask(step, "doubt", type_made(step, verdict.candidate), _dump(verdict.candidate), reasons)


def _ask(step: Step, kind: Literal["doubt", "question"], shown: Any, value: Any, reasons: list[Any]) -> dict[str, Any]:
    answers = [label(made) for made in step.signature.makes]
    of = None if shown is None else label(shown)
    return {"kind": kind, "step": step.name, "answers": answers, "type": of, "value": value, "reasons": reasons}


def _notes(verdict: Accepted) -> dict[str, Any]:
    return {NOTES: [problem.model_dump(mode="json") for problem in verdict.notes]} if verdict.notes else {}


def _dump(made: Any) -> Any:
    listed = as_list(made)
    return made.model_dump(mode="json") if listed is None else [one.model_dump(mode="json") for one in listed]


def _named(kinds: Sequence[Any], name: str) -> Any:
    return next(kind for kind in kinds if label(kind) == name)


def _review(step: Step) -> str:
    return f"{step.name}#review"


def _items(step: Step) -> str:
    return f"{step.name}#items"


def _collect(step: Step) -> str:
    return f"{step.name}#collect"
