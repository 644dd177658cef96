"""The cost-quality frontier as an SVG drawing that stands inside the verdict page."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10

from agentflow.exams.summary import Told
from agentflow.exams.verdict import frontier

LEFT, TOP, WIDE, TALL = 60, 20, 560, 300
INK, LINE, CHOSEN = "#1c1c1c", "#1f5fbf", "#1e7b4f"
LETTER, ROW = 6.5, 13
"""About the width of a letter and the height of a row of names."""
CENTS = 0.1
FREE = 10.0
"""A candidate that costs nothing stands at a tenth of the cheapest that costs something."""


def picture(told: Sequence[Told], chosen: str) -> str:
    """Every candidate by what its models cost a case and how often it is right; a line joins the best for the money."""
    usable = [each for each in told if each.whole.right.value is not None and each.whole.cost.value is not None]
    scale = _Scale(usable)
    drawn = [*_axes(scale), _line(scale, frontier(usable))]
    drawn += [part for each in usable for part in _mark(scale, each, each.candidate == chosen)]
    drawn += _names(scale, usable, chosen)
    drawn += [_text(LEFT + WIDE, TOP - 8, "dashed: the best for the money", "end")] if len(usable) > 1 else []
    told_in_words = "; ".join(f"{each.candidate} {100 * (each.whole.right.value or 0):.1f} % right" for each in usable)
    frame = f'viewBox="0 0 {LEFT + WIDE + 40} {TOP + TALL + 50}" role="img" font-family="sans-serif" font-size="11"'
    return f"<svg {frame}><title>{escape(told_in_words)}</title>{''.join(drawn)}</svg>"


class _Scale:
    """Where a cost and a share stand; costs by their logarithm."""

    def __init__(self, told: Sequence[Told]) -> None:
        costs = [each.whole.cost.value or 0.0 for each in told]
        paid = [cost for cost in costs if cost > 0] or [1e-3]
        self.least = min(paid) / (FREE if min(costs, default=0) <= 0 else 1)
        self.low, self.high = floor(log10(self.least) - 0.15), ceil(log10(max(paid)) + 0.15)
        lowest = min((each.whole.right.low or 0.0 for each in told), default=0.0)
        self.floor = floor(10 * lowest) / 10 if lowest < 1 else 0.9

    def x(self, cost: float) -> float:
        return LEFT + WIDE * (log10(max(cost, self.least)) - self.low) / (self.high - self.low)

    def y(self, share: float) -> float:
        return TOP + TALL * (1 - share) / (1 - self.floor)


def _axes(scale: _Scale) -> Iterator[str]:
    for power in range(scale.low, scale.high + 1):
        x = scale.x(10.0**power)
        yield f'<path d="M{x:.1f} {TOP}V{TOP + TALL}" stroke="#e4e4e4"/>'
        yield _text(x, TOP + TALL + 16, plain(10.0**power), "middle")
    for tenth in range(round(10 * scale.floor), 11):
        y = scale.y(tenth / 10)
        yield f'<path d="M{LEFT} {y:.1f}H{LEFT + WIDE}" stroke="#e4e4e4"/>'
        yield _text(LEFT - 8, y + 4, f"{10 * tenth} %", "end")
    yield _text(LEFT + WIDE / 2, TOP + TALL + 36, "USD that models cost a case", "middle")
    yield _text(LEFT, TOP - 8, "cases that come out right, with nobody looking", "start")


def _line(scale: _Scale, best: Sequence[Told]) -> str:
    points = [(scale.x(each.whole.cost.value or 0), scale.y(each.whole.right.value or 0)) for each in best]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{LINE}" stroke-dasharray="5 3"/>'


def _mark(scale: _Scale, each: Told, chosen: bool) -> Iterator[str]:
    x, right = scale.x(each.whole.cost.value or 0), each.whole.right
    y, color = scale.y(right.value or 0), CHOSEN if chosen else LINE
    yield f'<path d="M{x:.1f} {scale.y(right.low or 0):.1f}V{scale.y(right.high or 1):.1f}" stroke="{color}"/>'
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{6 if chosen else 4}" fill="{color}"/>'


def _names(scale: _Scale, told: Sequence[Told], chosen: str) -> Iterator[str]:
    """Names off the rising line: below it to the right, else above it to the left; none stands on another."""
    taken: list[tuple[float, float]] = []
    for each in told:
        x, y = scale.x(each.whole.cost.value or 0), scale.y(each.whole.right.value or 0)
        late, wide = x > LEFT + 0.7 * WIDE, LETTER * len(each.candidate)
        left, base = (x - 9 - wide, y - 8) if late else (x + 9, min(y + 14, TOP + TALL - 4))
        while any(abs(base - other) < ROW and left - wide < start < left + wide for start, other in taken):
            base += -ROW if y > TOP + TALL / 2 else ROW
        taken.append((left, base))
        place = (left + wide, "end") if late else (left, "start")
        yield _text(place[0], base, each.candidate, place[1], bold=each.candidate == chosen)


def plain(value: float) -> str:
    """An amount without an exponent, two figures of it where it is small: 0.000026."""
    if not 0 < abs(value) < CENTS:
        return f"{value:.2f}"
    return f"{value:.{1 - floor(log10(abs(value)))}f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}"{weight}>{escape(text)}</text>'
