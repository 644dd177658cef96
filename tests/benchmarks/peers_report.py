"""What the comparison tells: shares and costs with their intervals, paired differences, a table and a picture."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers_run import Result
from tests.benchmarks.peers_task import World
from tests.benchmarks.report import Metric, wilson

Span = tuple[float, float, float]
"""A figure and its 95 % interval."""
COLORS = {"agentflow": "#1f5fbf", "langgraph": "#2a9d3a", "instructor": "#d9822b", "pydantic-ai": "#c0392b"}
COMPARABLE = 1.1
"""Cost per right outcome up to so many times a peer's is comparable to it."""


@dataclass(frozen=True)
class Figures:
    """What came of one contestant."""

    right: Span
    silent: Span
    wrong_values: Span
    """Share of the values that were handed on."""
    review: Span
    """Given up, or a person is asked."""
    calls: Span
    """Per right outcome."""
    cost: Span
    """USD per right outcome."""


def figures(result: Result) -> Figures:
    """The contestant's figures."""
    did, n = result.did, len(result.did)
    values = sum(one.values for one in did)
    return Figures(
        right=_share(sum(one.right for one in did), n),
        silent=_share(sum(one.silent for one in did), n),
        wrong_values=_clustered([one.wrong for one in did], [one.values for one in did]) if values else (0.0, 0.0, 1.0),
        review=_share(sum(one.made is None for one in did), n),
        calls=_clustered([one.sends for one in did], [one.right for one in did]),
        cost=_clustered([one.cost for one in did], [one.right for one in did]),
    )


def _share(count: int, n: int) -> Span:
    return (count / n, *wilson(count / n, n))


def _clustered(above: Sequence[float], below: Sequence[float]) -> Span:
    """The ratio of two sums over cases, by the delta method; with nothing above the line, 3 / n (rule of three)."""
    whole, n = sum(below), len(below)
    if not whole:
        return math.nan, math.nan, math.nan
    ratio = sum(above) / whole
    if not ratio:
        return 0.0, 0.0, 3 / whole
    rest = [a - ratio * b for a, b in zip(above, below, strict=True)]
    half = 1.96 * statistics.pstdev(rest) * math.sqrt(n) / whole
    return ratio, max(0.0, ratio - half), ratio + half


def mcnemar(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[int, int, float]:
    """Cases that only one of them has, ours first, and the exact two-sided p (McNemar, 1947; binomial)."""
    only = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    other = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    n = only + other
    tail = sum(math.comb(n, k) for k in range(min(only, other) + 1)) / 2**n
    return only, other, min(1.0, 2 * tail)


def difference(ours: Sequence[bool], theirs: Sequence[bool]) -> Span:
    """Ours less theirs as shares of the same cases; the interval by Agresti and Min (2005)."""
    only, other, _ = mcnemar(ours, theirs)
    n = len(ours)
    b, c, m = only + 0.5, other + 0.5, n + 2
    half = 1.96 * math.sqrt(b + c - (b - c) ** 2 / m) / m
    return (only - other) / n, (b - c) / m - half, (b - c) / m + half


def dearer(ours: Result, theirs: Result) -> Span:
    """Our cost per right outcome over theirs, paired by case; the interval of the logarithm by the delta method."""
    parts = [_influence(one) for one in (ours, theirs)]
    mine, peer = figures(ours).cost[0], figures(theirs).cost[0]
    rest = [a / mine - b / peer for a, b in zip(*parts, strict=True)]
    half = 1.96 * statistics.pstdev(rest) / math.sqrt(len(rest))
    return mine / peer, mine / peer * math.exp(-half), mine / peer * math.exp(half)


def _influence(result: Result) -> list[float]:
    cost, right = figures(result).cost[0], statistics.fmean(one.right for one in result.did)
    return [(one.cost - cost * one.right) / right for one in result.did]


def rivals(results: Sequence[Result]) -> Iterator[tuple[Result, Result]]:
    """Ours and a peer's: with the same models; and ours with all models against peers with the best one alone."""
    for ours in results:
        for theirs in results:
            same = theirs.arm.models == ours.arm.models
            best = len(ours.arm.models) > 1 and theirs.arm.models == ours.arm.models[-1:]
            if ours.arm.ours and not theirs.arm.ours and (same or best):
                yield ours, theirs


def metrics(world: World, results: Sequence[Result], *, told: str = "") -> list[Metric]:
    """The figures of all contestants, and the bars that agentflow is held against."""
    found: list[Metric] = []
    where = f"{world.title}{told}"
    for result in results:
        for name, span in vars(figures(result)).items():
            bar = result.arm.alpha if name == "wrong_values" and _held(result) else None
            found.append(_metric(f"{where} | {result.arm.title} | {name}", span, bar))
    for ours, theirs in rivals(results):
        pair = f"{where} | {ours.arm.title} - {theirs.arm.title}"
        mine, peer = ([one.silent for one in result.did] for result in (ours, theirs))
        bar = 0.0 if _held(ours) else None
        found.append(_metric(f"{pair} | silent", difference(mine, peer), bar))
        found.append(Metric(f"{pair} | McNemar p", mcnemar(mine, peer)[2], None, None, None))
        if figures(ours).right[0] and figures(theirs).right[0]:
            bar = COMPARABLE if _held(ours) else None
            found.append(_metric(f"{pair} | cost ratio", dearer(ours, theirs), bar))
    return found


def _metric(name: str, span: Span, bar: float | None) -> Metric:
    value, low, high = span
    return Metric(name, value, low, high, bar, "at most")


def _held(result: Result) -> bool:
    """Whether the bars speak of it: figures known or estimated."""
    return result.arm.ours and result.arm.told != "priors"


def show(world: World, results: Sequence[Result], *, told: str = "") -> None:
    """Prints the table of a world."""
    names = ("right", "silent", "wrong values", "review", "calls/right", "USD/1000 right")
    table = Table("contestant", *names, title=f"{world.title}{told}, {len(results[0].did)} cases", title_justify="left")
    for result in results:
        shown = figures(result)
        shares = [_percent(span) for span in (shown.right, shown.silent, shown.wrong_values, shown.review)]
        table.add_row(result.arm.title, *shares, _plain(shown.calls, 1), _plain(shown.cost, 1000))
    Console(width=170).print(table)
    versus = Table("agentflow against", "silent: only ours, only theirs, p", "difference", "cost ratio", title="paired")
    for ours, theirs in rivals(results):
        versus.add_row(*_versus(ours, theirs))
    Console(width=170).print(versus)


def _versus(ours: Result, theirs: Result) -> tuple[str, str, str, str]:
    mine, peer = ([one.silent for one in result.did] for result in (ours, theirs))
    only, other, p = mcnemar(mine, peer)
    ratio = _plain(dearer(ours, theirs), 1) if figures(ours).right[0] and figures(theirs).right[0] else "-"
    told = f"{only}, {other}, p = {p:.2g}"
    return f"{ours.arm.title} | {theirs.arm.title}", told, _percent(difference(mine, peer)), ratio


def _percent(span: Span) -> str:
    value, low, high = (100 * one for one in span)
    return f"{value:.2f} ({low:.2f} - {high:.2f}) %"


def _plain(span: Span, times: float) -> str:
    value, low, high = (times * one for one in span)
    return f"{value:.3g} ({low:.3g} - {high:.3g})"


def rows(results: Sequence[Result]) -> dict[str, Any]:
    """A world in the JSON: its contestants, and the pairs that are held against each other."""
    contestants = [
        {"name": one.arm.title, "cases": len(one.did), "raised": dict(one.errors), **_spans(one)} for one in results
    ]
    return {"contestants": contestants, "pairs": [_pair(ours, theirs) for ours, theirs in rivals(results)]}


def _spans(result: Result) -> dict[str, list[float | None]]:
    spans: dict[str, Span] = vars(figures(result))
    return {name: [None if math.isnan(one) else one for one in span] for name, span in spans.items()}


def _pair(ours: Result, theirs: Result) -> dict[str, Any]:
    mine, peer = ([one.silent for one in result.did] for result in (ours, theirs))
    only, other, p = mcnemar(mine, peer)
    ratio = list(dearer(ours, theirs)) if figures(ours).right[0] and figures(theirs).right[0] else None
    told = {"ours": ours.arm.title, "theirs": theirs.arm.title, "silent_only_ours": only, "silent_only_theirs": other}
    return {**told, "mcnemar_p": p, "silent_difference": list(difference(mine, peer)), "cost_ratio": ratio}


WIDE, HIGH, LEFT, UP = 300, 230, 46, 34


def draw(worlds: Mapping[str, Sequence[Result]]) -> str:
    """Cost per right outcome against silent errors, a panel a world, as SVG; bars are 95 % intervals."""
    across = min(2, len(worlds))
    panels = [
        f'<g transform="translate({WIDE * (i % across)},{HIGH * (i // across)})">{_panel(title, results)}</g>'
        for i, (title, results) in enumerate(worlds.items())
    ]
    tall = HIGH * math.ceil(len(worlds) / across) + 24
    keys = "".join(
        f'<circle cx="{14 + 110 * i}" cy="{tall - 12}" r="4" fill="{color}"/>'
        f'<text x="{22 + 110 * i}" y="{tall - 9}" font-size="10">{name}</text>'
        for i, (name, color) in enumerate(COLORS.items())
    )
    keys += f'<text x="{22 + 110 * len(COLORS)}" y="{tall - 9}" font-size="10">filled: both models</text>'
    frame = (
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(600, WIDE * across)} {tall}" font-family="sans-serif"'
    )
    return f'<svg {frame}><rect width="100%" height="100%" fill="white"/>{"".join(panels)}{keys}</svg>\n'


def _panel(title: str, results: Sequence[Result]) -> str:
    shown = [(result, figures(result)) for result in results if any(one.right for one in result.did)]
    dear = max((each.cost[0] for _, each in shown), default=1.0) * 1.1
    worst = max([each.silent[2] for _, each in shown] + [0.01]) * 1.05
    dots = "".join(_dot(result, each, dear, worst) for result, each in shown)
    right, low, cost = WIDE - 10, HIGH - 30, f"USD per 1000 right, to {1000 * dear:.2f}"
    axes = (
        f'<path d="M{LEFT},{UP - 6}V{low}H{right}" fill="none" stroke="#444"/>'
        f'<text x="{LEFT}" y="14" font-size="10" font-weight="bold">{title}</text>'
        f'<text x="{right}" y="{low + 22}" font-size="9" text-anchor="end">{cost}</text>'
        f'<text x="{LEFT}" y="26" font-size="9">silently wrong, to {100 * worst:.1f} %</text>'
    )
    return axes + dots


def _dot(result: Result, shown: Figures, dear: float, worst: float) -> str:
    def height(share: float) -> float:
        return HIGH - 30 - (HIGH - 30 - UP) * share / worst

    x = LEFT + (WIDE - LEFT - 10) * shown.cost[0] / dear
    y, low, high = (height(share) for share in shown.silent)
    color = COLORS[result.arm.framework]
    filled = color if len(result.arm.models) > 1 else "white"
    told = f"<title>{result.arm.title}</title>"
    bar = f'<path d="M{x:.1f},{low:.1f}V{high:.1f}" stroke="{color}" stroke-width="1" opacity="0.5"/>'
    return f'{bar}<circle cx="{x:.1f}" cy="{y:.1f}" r="4" stroke="{color}" fill="{filled}">{told}</circle>'
