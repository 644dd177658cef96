"""Drawings: a pack's workflow as boxes, and edges labelled by record; as Mermaid text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentflow.flow.pack import Pack
from agentflow.flow.step import Step, label

Shape = Literal["start", "step", "effect", "person", "outcome"]


@dataclass(frozen=True)
class Node:
    """What is drawn as a box."""

    name: str
    shape: Shape
    under: str = ""
    """A second line: a ladder, a price."""


@dataclass(frozen=True)
class Edge:
    """A record on its way."""

    start: str
    end: str
    record: str


def nodes_of(pack: Pack) -> list[Node]:
    """The start, the steps and the outcomes with their prices."""
    flow = pack.workflow
    steps = [Node(step.name, _shape(step), " → ".join(step.policy.ladder)) for step in flow.steps]
    prices = {label(o): pack.prices[o] for o in flow.gives}
    outcomes = [Node(f"={name}", "outcome", f"{price.amount} {price.currency}") for name, price in prices.items()]
    return [Node("start", "start"), *steps, *outcomes]


def edges_of(pack: Pack) -> list[Edge]:
    """Every way a record can take."""
    flow = pack.workflow
    edges = [Edge("start", step.name, label(flow.takes)) for step in flow.steps_for(flow.takes)]
    for step in flow.steps:
        for made in step.makes:
            ends = [f"={label(made)}"] if made in flow.gives else [s.name for s in _following(pack, made)]
            edges += [Edge(step.name, end, label(made)) for end in ends]
    return edges


def mermaid(pack: Pack) -> str:
    """The drawing as Mermaid text; steps, outcomes and prices, edges labelled by record."""
    return "\n".join(["graph TD", *(f"    {line}" for line in _mermaid(pack))]) + "\n"


def _shape(step: Step) -> Shape:
    return "person" if step.kind == "review" else "effect" if step.effect else "step"


def _following(pack: Pack, made: Any) -> Sequence[Step]:
    flow = pack.workflow
    return flow.steps_for(made) or [step for step in flow.steps if made in step.reads]


def _mermaid(pack: Pack) -> Iterator[str]:
    names = {node.name: f"n{place}" for place, node in enumerate(nodes_of(pack))}
    brackets = {"start": "(({}))", "step": "[{}]", "effect": "[[{}]]", "person": "{{{{{}}}}}", "outcome": "([{}])"}
    for node in nodes_of(pack):
        text = "<br/>".join([node.name.removeprefix("="), *([node.under] if node.under else [])])
        yield names[node.name] + brackets[node.shape].format(f'"{text}"')
    for edge in edges_of(pack):
        yield f'{names[edge.start]} -- "{edge.record}" --> {names[edge.end]}'
