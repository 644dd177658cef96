"""Drawings: a pack's workflow as edges labelled by record, as Mermaid text and as an SVG picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

from agentflow.flow.pack import Pack
from agentflow.flow.step import Step, label

Shape = Literal["start", "step", "effect", "person", "outcome"]

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 46, 36, 66, 24
CHARACTER = 7.2
"""Width of a character of the label font, pixels."""
FILLS: dict[Shape, str] = {
    "start": "#eef2f7",
    "step": "#ffffff",
    "effect": "#fff4e0",
    "person": "#e8f3ec",
    "outcome": "#e6ecfb",
}


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


def svg(pack: Pack) -> str:
    """The drawing as an SVG picture."""
    nodes, edges = nodes_of(pack), edges_of(pack)
    rows = _rows(nodes, edges)
    at = _places(rows)
    width = max(x for x, _ in at.values()) + WIDTH / 2 + MARGIN
    height = max(y for _, y in at.values()) + HEIGHT / 2 + MARGIN
    back = max((e for e in edges), key=lambda e: at[e.start][1] - at[e.end][1])
    width += 60 if at[back.start][1] >= at[back.end][1] else 0
    body = [*(_edge(edge, at, width) for edge in edges), *(_box(node, *at[node.name]) for node in nodes)]
    body += [_label(edge, at, width, _shift(edge, edges)) for edge in edges]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    style = ' font-family="system-ui, sans-serif" font-size="13">'
    arrow = (
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#5b6472"/></marker></defs>'
    )
    title = f"<title>{escape(pack.name)}</title>"
    return "\n".join([head + style, title, arrow, *body, "</svg>"]) + "\n"


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


def _rows(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[list[str]]:
    """The nodes by depth: each below all that lead to it, outcomes last; each row ordered to cross little."""
    depth: dict[str, int] = {"start": 0}
    for node in nodes[1:]:
        before = [depth[e.start] for e in edges if e.end == node.name and e.start in depth]
        depth[node.name] = max(before, default=0) + 1
    last = max(depth.values())
    depth |= {node.name: last for node in nodes if node.shape == "outcome"}
    rows: list[list[str]] = [[n.name for n in nodes if depth[n.name] == level] for level in range(last + 1)]
    place = {name: i - len(row) / 2 for row in rows for i, name in enumerate(row)}
    for row in rows[1:]:
        sums = {n: [place[e.start] for e in edges if e.end == n and e.start != n] for n in row}
        row.sort(key=lambda n: sum(sums[n]) / len(sums[n]) if sums[n] else 0.0)
        place |= {name: i - len(row) / 2 for i, name in enumerate(row)}
    return [row for row in rows if row]


def _places(rows: Sequence[Sequence[str]]) -> dict[str, tuple[float, float]]:
    """The middle of each node, pixels."""
    widest = max(len(row) for row in rows)
    middle = MARGIN + (widest * WIDTH + (widest - 1) * GAP_X) / 2
    places: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = middle - (len(row) * WIDTH + (len(row) - 1) * GAP_X) / 2 + WIDTH / 2
        for i, name in enumerate(row):
            places[name] = (left + i * (WIDTH + GAP_X), MARGIN + HEIGHT / 2 + level * (HEIGHT + GAP_Y))
    return places


def _ends(edge: Edge, at: dict[str, tuple[float, float]]) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = at[edge.start], at[edge.end]
    return x0, y0 + HEIGHT / 2, x1, y1 - HEIGHT / 2


def _edge(edge: Edge, at: dict[str, tuple[float, float]], width: float) -> str:
    x0, y0, x1, y1 = _ends(edge, at)
    if y1 <= y0:  # a loop goes back along the right side
        right = width - MARGIN / 2
        path = (
            f"M{x0 + WIDTH / 2:.0f} {y0 - HEIGHT / 2:.0f}C{right:.0f} {y0:.0f} {right:.0f} {y1:.0f} {x1:.0f} {y1:.0f}"
        )
    else:
        bend = min(GAP_Y * 0.7, (y1 - y0) / 2)
        path = f"M{x0:.0f} {y0:.0f}C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1:.0f}"
    return f'<path d="{path}" fill="none" stroke="#5b6472" stroke-width="1.2" marker-end="url(#a)"/>'


def _shift(edge: Edge, edges: Sequence[Edge]) -> float:
    """How far along its way an edge carries its label, so that labels of neighbours do not cover each other."""
    same = [e for e in edges if e.start == edge.start]
    return 0.35 + 0.3 * (same.index(edge) / max(len(same) - 1, 1))


def _label(edge: Edge, at: dict[str, tuple[float, float]], width: float, shift: float) -> str:
    x0, y0, x1, y1 = _ends(edge, at)
    x, y = (x0 + (x1 - x0) * shift, y0 + (y1 - y0) * shift) if y1 > y0 else (width - 70, (y0 + y1) / 2)
    wide = len(edge.record) * CHARACTER + 8
    box = (
        f'<rect x="{x - wide / 2:.0f}" y="{y - 9:.0f}" width="{wide:.0f}" height="18" rx="4" fill="#fff" opacity=".9"/>'
    )
    return box + f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" fill="#30507a">{escape(edge.record)}</text>'


def _box(node: Node, x: float, y: float) -> str:
    round_ = HEIGHT / 2 if node.shape in ("outcome", "start") else 6
    box = f'<rect x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="{round_:.0f}"'
    text = f'<text x="{x:.0f}" y="{y + (4 if not node.under else -3):.0f}" text-anchor="middle" fill="#1c2430">'
    lines = [f'{box} fill="{FILLS[node.shape]}" stroke="#8a94a6"/>']
    lines.append(f"{text}{escape(node.name.removeprefix('='))}</text>")
    if node.under:
        under = f'<text x="{x:.0f}" y="{y + 14:.0f}" text-anchor="middle" font-size="11" fill="#5b6472">'
        lines.append(f"{under}{escape(node.under)}</text>")
    return "".join(lines)
