"""The pictures of the chain benchmark, as SVG that reads on light and on dark pages."""

import math
from collections.abc import Mapping, Sequence

from tests.benchmarks.chain_side import ERRORS, LENGTH, SHARED, Way
from tests.benchmarks.chain_steps import ceiling
from tests.benchmarks.chain_stream import Frontier, Point

LEFT, TOP, WIDTH, HEIGHT = 56, 64, 520, 300
LONGEST = 1000

STYLE = """<style>
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328;
paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.title{font-size:16px;font-weight:600}.soft{fill:#59636e;font-size:12px}.grid{stroke:#59636e;stroke-opacity:.22}
.line{fill:none;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round}
.naive{stroke:#8b949e}.tnaive{fill:#6e7781}.dnaive{fill:#8b949e}
.one{stroke:#0969da}.tone{fill:#0969da;font-weight:600}.done{fill:#0969da}
.two{stroke:#1a7f37}.ttwo{fill:#1a7f37;font-weight:600}.dtwo{fill:#1a7f37}
.aided{stroke:#8250df}.taided{fill:#8250df;font-weight:600}
.ceiling{stroke:#1f2328;stroke-width:1.25;stroke-dasharray:5 4;stroke-opacity:.75}
@media (prefers-color-scheme:dark){text{fill:#e6edf3;stroke:#0d1117}.soft{fill:#9198a1}.grid{stroke:#9198a1}
.tnaive{fill:#9198a1}.one{stroke:#4493f8}.tone,.done{fill:#4493f8}.two{stroke:#3fb950}.ttwo,.dtwo{fill:#3fb950}
.aided{stroke:#ab7df8}.taided{fill:#ab7df8}.ceiling{stroke:#e6edf3}}
</style>"""


def cascade(ways: Mapping[str, Way]) -> str:
    """P(chain right) against its length, a line a rule, drawn from what was measured on one step."""
    lines = "".join(
        _curve(ways[name].rate, kind)
        for name, kind in (
            ("single call", "naive"),
            ("retry until it validates", "naive"),
            ("best of 3", "naive"),
            ("agentflow, one source", "one"),
            ("agentflow, two sources", "two"),
            ("agentflow, two sources, a person", "aided"),
        )
    )
    lines += _curve(ceiling(ERRORS, 1), "ceiling")
    return _page(
        f"{_axes()}{lines}{_names(ways)}", 800, "How likely is a whole chain of steps to be right?", _told(ways)
    )


def _told(ways: Mapping[str, Way]) -> str:
    share = f"{ERRORS.p:.0%} of answers are wrong: of those a check sees 60 %, 30 % are slips, 10 % recur every time"
    return f"{share}; the second source shares {SHARED:.0%} of the recurring ones."


def _names(ways: Mapping[str, Way]) -> str:
    person = ways["agentflow, two sources, a person"]
    review = 1 - person.rate - person.wrong
    aided = (1 - person.wrong) ** LONGEST
    two = ways["agentflow, two sources"].rate ** LONGEST
    end = LEFT + WIDTH + 8
    return "".join(
        (
            _beside(ways["single call"].rate, 0.36, ["one call"], "tnaive"),
            _beside(ways["retry until it validates"].rate, 0.22, ["retry until", "it validates"], "tnaive"),
            _beside(ways["best of 3"].rate, 0.13, ["best of 3:", _calls(ways["best of 3"])], "tnaive"),
            _before(ways["agentflow, one source"].rate, 0.80, _one(ways), "tone"),
            _text(end, _y(two) - 8, ["agentflow, two sources:", _calls(ways["agentflow, two sources"])], "ttwo"),
            _text(end, _y(aided) - 8, ["and a person for", f"{review:.1%} of the steps"], "taided"),
            _text(end, _y(0.02) - 14, ["the most that", "one source can reach"], "soft"),
        )
    )


def _one(ways: Mapping[str, Way]) -> list[str]:
    return ["agentflow, one source:", _calls(ways["agentflow, one source"])]


def _calls(way: Way) -> str:
    return f"{way.calls:.1f} calls a step"


def _axes() -> str:
    parts: list[str] = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = _y(share)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for steps in (1, 10, LENGTH, LONGEST):
        x = _x(steps)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>')
        label = f"{steps:,} step{'s' if steps > 1 else ''}"
        parts.append(f'<text class="soft" x="{x:.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{label}</text>')
    return "".join(parts)


def _curve(rate: float, kind: str) -> str:
    lengths = [10 ** (i / 40) for i in range(40 * 3 + 1)]
    points = " ".join(f"{_x(n):.1f},{_y(rate**n):.1f}" for n in lengths)
    return f'<polyline class="line {kind}" points="{points}"/>'


def _beside(rate: float, share: float, words: Sequence[str], kind: str) -> str:
    """Words to the right of where a curve has fallen so far."""
    return _text(_x(math.log(share) / math.log(rate)) + 9, _y(share), words, kind)


def _before(rate: float, share: float, words: Sequence[str], kind: str) -> str:
    """Words to the right, of a curve that has the ceiling just above it."""
    return _text(_x(math.log(share) / math.log(rate)) + 12, _y(share) - 2, words, kind)


def _text(x: float, y: float, words: Sequence[str], kind: str) -> str:
    rows = "".join(f'<tspan x="{x:.1f}" dy="{0 if i == 0 else 15}">{row}</tspan>' for i, row in enumerate(words))
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{rows}</text>'


def _x(steps: float) -> float:
    return LEFT + WIDTH * math.log10(steps) / math.log10(LONGEST)


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def _page(inside: str, width: int, title: str, told: str) -> str:
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 412" role="img" aria-label="{title}"'
    words = f'<text class="title" x="16" y="26">{title}</text><text class="soft" x="16" y="46">{told}</text>'
    return f"<svg {head}>{STYLE}{words}{inside}</svg>\n"


MOST_CALLS, MOST_WRONG = 5.0, 0.08


def trade(many: Frontier, few: Frontier) -> str:
    """Calls a case against silent errors: votes, and the layer by its alpha."""
    votes = [(f"ahead by {k}" if k > 1 else "one call", point) for k, point in many.votes.items()]
    sure = [(f"alpha {alpha:g}: {_covered(point)}", point) for alpha, point in many.layer.items()]
    lines = _dots(votes, "naive") + _dots(sure, "one") + _dots([("", point) for point in few.layer.values()], "two")
    last = list(few.layer.values())[-1]
    told = _text(_across(last.calls) + 10, _up(last.silent) + 16, ["agentflow, 300 labels"], "ttwo")
    first = next(iter(many.layer.values()))
    told += _text(_across(first.calls) - 10, _up(first.silent) - 22, ["agentflow, 3,000 labels"], "tone")
    title = "How many calls does a rule need, and how often is it silently wrong?"
    return _page(
        _grid() + lines + told, 800, title, "85 % of cases are easy, 12 % medium, 3 % hard and mostly wrong alike."
    )


def _covered(point: Point) -> str:
    return f"{point.coverage:.0%} without a person"


def _grid() -> str:
    parts: list[str] = []
    for wrong in (0, 0.02, 0.04, 0.06, 0.08):
        y = _up(wrong)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{wrong:.0%}</text>')
    for calls in range(1, 6):
        x = _across(calls)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HEIGHT}"/>')
        label = f"{calls} call{'s' if calls > 1 else ''}"
        parts.append(f'<text class="soft" x="{x:.1f}" y="{TOP + HEIGHT + 20}" text-anchor="middle">{label}</text>')
    return "".join(parts)


def _dots(points: Sequence[tuple[str, Point]], kind: str) -> str:
    places = [(_across(point.calls), _up(point.silent), name) for name, point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    dots = "".join(f'<circle class="d{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y, _ in places)
    names = "".join(_text(x + 8, y - 7, [name], "soft") for x, y, name in places if name)
    return f'<polyline class="line {kind}" points="{line}"/>{dots}{names}'


def _across(calls: float) -> float:
    return LEFT + WIDTH * (calls - 1) / (MOST_CALLS - 1)


def _up(wrong: float) -> float:
    return TOP + HEIGHT * (1 - wrong / MOST_WRONG)
