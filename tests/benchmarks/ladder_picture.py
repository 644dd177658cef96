"""The picture of the ladder benchmark: share right against cost, a line for how well the models know, as SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from tests.benchmarks.picture import COLORS

LEFT, TOP, WIDE, TALL = 60, 40, 520, 300


class Point(NamedTuple):
    """A ladder: what it costs, in parts of always-strong, and the share that it gets right."""

    cost: float
    right: float


def drawn(curves: Mapping[str, Sequence[Point]], strong: float, oracle: float) -> str:
    """The frontiers, with always-strong's quality and the oracle's cost as lines."""
    low = min(point.right for points in curves.values() for point in points)
    parts = [_axes(low), _line(strong, low)]
    for place, (name, points) in enumerate(curves.items()):
        color = COLORS[place % len(COLORS)]
        best = _best(points)
        path = " ".join(f"{_x(p.cost):.1f},{_y(p.right, low):.1f}" for p in best)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts.append(
            f'<text x="{LEFT + WIDE - 90}" y="{TOP + TALL - 90 + 15 * place}" fill="{color}">{escape(name)}</text>'
        )
    parts.append(f'<circle cx="{_x(oracle):.1f}" cy="{_y(strong, low):.1f}" r="4"/>')
    parts.append(f'<text x="{_x(oracle) - 7:.1f}" y="{_y(strong, low) - 7:.1f}" text-anchor="end">oracle</text>')
    size = f'viewBox="0 0 {LEFT + WIDE + 40} {TOP + TALL + 50}"'
    style = 'font-family="sans-serif" font-size="11"'
    head = (
        f'<text x="{LEFT}" y="20" font-size="13">Share right against cost, in parts of always asking the dearest</text>'
    )
    body = head + "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}><rect width="100%" height="100%" fill="white"/>'
        f"{body}</svg>\n"
    )


def _best(points: Sequence[Point]) -> list[Point]:
    """From the cheapest on, those that are better than all cheaper ones."""
    best: list[Point] = []
    for point in sorted(points):
        if not best or point.right > best[-1].right:
            best.append(point)
    return best


def _axes(low: float) -> str:
    parts: list[str] = []
    for i in range(6):
        x, y = _x(0.25 * i), _y(low + (1 - low) * i / 5, low)
        parts.append(f'<path d="M{x:.1f} {TOP}V{TOP + TALL}M{LEFT} {y:.1f}H{LEFT + WIDE}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 12:.1f}" y="{TOP + TALL + 16}">{0.25 * i:.0%}</text>')
        parts.append(f'<text x="{LEFT - 42}" y="{y + 4:.1f}">{low + (1 - low) * i / 5:.1%}</text>')
    return "".join(parts)


def _line(strong: float, low: float) -> str:
    y = _y(strong, low)
    mark = f'<path d="M{LEFT} {y:.1f}H{LEFT + WIDE}" stroke="black" stroke-dasharray="4 3"/>'
    return mark + f'<text x="{LEFT + WIDE - 90}" y="{y + 14:.1f}">always-strong</text>'


def _x(cost: float) -> float:
    return LEFT + WIDE * min(cost, 1.25) / 1.25


def _y(right: float, low: float) -> float:
    return TOP + TALL * (1 - (right - low) / (1 - low))
