"""Pictures: the drawing of a workflow as SVG, in rows, with long edges led around what stands between."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from agentflow.flow.drawing import Edge, Node, Shape, edges_of, nodes_of
from agentflow.flow.pack import Pack

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN, LANE = 168, 46, 30, 70, 24, 34
"""Of a box, between boxes, and of the way an edge takes past a box; pixels."""
CHARACTER = 7.2
"""Width of a character of a label, pixels."""
FILLS: dict[Shape, str] = {
    "start": "#eef2f7",
    "step": "#ffffff",
    "effect": "#fff4e0",
    "person": "#e8f3ec",
    "outcome": "#e6ecfb",
}
ARROW = (
    '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b6472"/></marker></defs>'
)

Point = tuple[float, float]
Way = Sequence[str]
"""The names an edge passes: its ends, and a lane in every row between."""


def svg(pack: Pack) -> str:
    """The workflow as an SVG picture: steps, the records between them, outcomes with their prices."""
    nodes, edges = nodes_of(pack), edges_of(pack)
    depth = _depths(nodes, edges)
    ways = [_way(edge, depth, place) for place, edge in enumerate(edges)]
    at = _places(_rows(nodes, depth, ways))
    width = max(x for x, _ in at.values()) + WIDTH / 2 + MARGIN
    width += 60 if any(depth[e.end] <= depth[e.start] for e in edges) else 0
    height = max(y for _, y in at.values()) + HEIGHT / 2 + MARGIN
    drawn = [_curve(way, at, width) for way in ways]
    body = [*drawn, *(_box(node, *at[node.name]) for node in nodes)]
    body += [
        _label(edge.record, *_middle(way, at, width, _share(edge, edges)))
        for edge, way in zip(edges, ways, strict=True)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    style = ' font-family="system-ui, sans-serif" font-size="13">'
    return "\n".join([head + style, f"<title>{escape(pack.name)}</title>", ARROW, *body, "</svg>"]) + "\n"


def _depths(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[str, int]:
    """The row of each node: below all that stands above it in the table, outcomes in the last."""
    depth = {"start": 0}
    for node in nodes[1:]:
        above = [depth[e.start] for e in edges if e.end == node.name and e.start in depth]
        depth[node.name] = max(above, default=0) + 1
    last = max(depth.values())
    return depth | {node.name: last for node in nodes if node.shape == "outcome"}


def _way(edge: Edge, depth: Mapping[str, int], place: int) -> Way:
    lanes = [f"{place}|{row}" for row in range(depth[edge.start] + 1, depth[edge.end])]
    return [edge.start, *lanes, edge.end]


def _rows(nodes: Sequence[Node], depth: Mapping[str, int], ways: Sequence[Way]) -> list[list[str]]:
    """What stands in each row, ordered by what it hangs from."""
    rows: list[list[str]] = [[n.name for n in nodes if depth[n.name] == row] for row in range(max(depth.values()) + 1)]
    for way in ways:
        for row, lane in enumerate(way[1:-1], depth[way[0]] + 1):
            rows[row].append(lane)
    steps = [pair for way in ways for pair in pairwise(way)]
    place = {name: _offset(row, i) for row in rows for i, name in enumerate(row)}
    for row in rows[1:]:
        from_above = {n: [place[a] for a, b in steps if b == n and a != n] for n in row}
        row.sort(key=lambda n: sum(from_above[n]) / len(from_above[n]) if from_above[n] else 0.0)
        place |= {name: _offset(row, i) for i, name in enumerate(row)}
    return rows


def _offset(row: Sequence[str], place: int) -> float:
    """The middle of the `place`-th in a row, seen from the row's middle, pixels."""
    widths = [_width(name) + GAP_X for name in row]
    return sum(widths[:place]) + widths[place] / 2 - sum(widths) / 2


def _width(name: str) -> float:
    return LANE if "|" in name else WIDTH


def _places(rows: Sequence[Sequence[str]]) -> dict[str, Point]:
    """The middle of everything, pixels."""
    middle = MARGIN + max(sum(_width(n) + GAP_X for n in row) for row in rows) / 2
    return {
        name: (middle + _offset(row, i), MARGIN + HEIGHT / 2 + level * (HEIGHT + GAP_Y))
        for level, row in enumerate(rows)
        for i, name in enumerate(row)
    }


def _points(way: Way, at: Mapping[str, Point]) -> list[Point]:
    """Out of the box above, past the lanes, into the box below."""
    (x0, y0), (x1, y1) = at[way[0]], at[way[-1]]
    lanes = [(x, y + side * HEIGHT / 2) for x, y in (at[lane] for lane in way[1:-1]) for side in (-1, 1)]
    return [(x0, y0 + HEIGHT / 2), *lanes, (x1, y1 - HEIGHT / 2)]


def _back(way: Way, at: Mapping[str, Point]) -> bool:
    return at[way[-1]][1] <= at[way[0]][1]


def _curve(way: Way, at: Mapping[str, Point], width: float) -> str:
    if _back(way, at):  # a loop goes back along the right side
        (x0, y0), (x1, y1), right = at[way[0]], at[way[-1]], width - MARGIN / 2
        bend = f"C{right:.0f} {y0:.0f} {right:.0f} {y1:.0f} {x1 + WIDTH / 2:.0f} {y1 - 8:.0f}"
        path = f"M{x0 + WIDTH / 2:.0f} {y0:.0f}{bend}"
    else:
        points = _points(way, at)
        path = f"M{points[0][0]:.0f} {points[0][1]:.0f}" + "".join(_bends(points))
    return f'<path d="{path}" fill="none" stroke="#5b6472" stroke-width="1.2" marker-end="url(#a)"/>'


def _bends(points: Sequence[Point]) -> Iterator[str]:
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (y1 - y0) / 2
        yield f"C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1:.0f}"


def _share(edge: Edge, edges: Sequence[Edge]) -> float:
    """How far down it carries its label: neighbours at different heights, so that no label covers another."""
    beside = [other for other in edges if other.start == edge.start]
    return 0.4 if beside.index(edge) % 2 else 0.6


def _middle(way: Way, at: Mapping[str, Point], width: float, share: float) -> Point:
    """Where an edge carries its label: where it comes out of the box above."""
    if _back(way, at):
        return width - MARGIN - 36, (at[way[0]][1] + at[way[-1]][1]) / 2
    (x0, y0), (x1, y1) = _points(way, at)[:2]
    return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share


def _label(record: str, x: float, y: float) -> str:
    wide = len(record) * CHARACTER + 8
    box = (
        f'<rect x="{x - wide / 2:.0f}" y="{y - 9:.0f}" width="{wide:.0f}" height="18" rx="4" fill="#fff" opacity=".9"/>'
    )
    return box + f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" fill="#30507a">{escape(record)}</text>'


def _box(node: Node, x: float, y: float) -> str:
    rounded = HEIGHT / 2 if node.shape in ("outcome", "start") else 6
    box = f'<rect x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="{rounded:.0f}"'
    lines = [f'{box} fill="{FILLS[node.shape]}" stroke="#8a94a6"/>']
    at = f'x="{x:.0f}" y="{y + (-3 if node.under else 4):.0f}" text-anchor="middle"'
    lines.append(f'<text {at} fill="#1c2430">{escape(node.name.removeprefix("="))}</text>')
    if node.under:
        at = f'x="{x:.0f}" y="{y + 14:.0f}" text-anchor="middle"'
        lines.append(f'<text {at} font-size="11" fill="#5b6472">{escape(node.under)}</text>')
    return "".join(lines)
