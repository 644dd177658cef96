"""The pictures of the chain benchmark, as SVG that reads on light and on dark pages."""

import math
from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.chain_side import ERRORS, LENGTH, SHARED, Way
from tests.benchmarks.chain_steps import ceiling
from tests.benchmarks.chain_stream import CHEAP, SURE, Frontier, Point

LEFT, TOP, WIDTH, HEIGHT = 56, 80, 570, 300
LONGEST = 1000
ROW = 15
AIDED = "agentflow, two sources, a person"

STYLE = """<style>
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;fill:#1f2328}
.title{font-size:16px;font-weight:600}.left{text-anchor:end}.soft{fill:#59636e;font-size:12px}.grid{stroke:#59636e;stroke-opacity:.22}
.line{fill:none;stroke-width:2.5;stroke-linecap:round;stroke-linejoin:round}
.naive{stroke:#8b949e}.tnaive{fill:#6e7781}.dnaive{fill:#8b949e}
.one{stroke:#0969da}.tone{fill:#0969da;font-weight:600}.done{fill:#0969da}
.two{stroke:#1a7f37}.ttwo{fill:#1a7f37;font-weight:600}.dtwo{fill:#1a7f37}
.aided{stroke:#8250df}.taided{fill:#8250df;font-weight:600}
.ceiling{stroke:#1f2328;stroke-width:1.25;stroke-dasharray:5 4;stroke-opacity:.75}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9198a1}.grid{stroke:#9198a1}
.tnaive{fill:#9198a1}.one{stroke:#4493f8}.tone,.done{fill:#4493f8}.two{stroke:#3fb950}.ttwo,.dtwo{fill:#3fb950}
.aided{stroke:#ab7df8}.taided{fill:#ab7df8}.ceiling{stroke:#e6edf3}}
</style>"""


def cascade(ways: Mapping[str, Way]) -> str:
    """P(chain right) against its length, a line a rule, drawn from what was measured on one step."""
    kinds = {
        "single call": "naive",
        "retry until it validates": "naive",
        "best of 3": "naive",
        "agentflow, one source": "one",
        "agentflow, two sources": "two",
    }
    lines = "".join(_curve(ways[name].rate, kind) for name, kind in kinds.items())
    lines += _curve(1 - ways[AIDED].wrong, "aided") + _curve(ceiling(ERRORS, 1), "ceiling")
    title = "How likely is a whole chain of steps to be right?"
    return _page(f"{_axes()}{lines}{_names(ways)}", title, _told())


def _told() -> list[str]:
    d, u, c = (f"{share:.0%}" for share in ERRORS.split)
    return [
        f"{ERRORS.p:.0%} of one source's answers are wrong: a check sees {d}, {u} are slips, {c} come each time.",
        f"The second source errs less and shares {SHARED:.0%} of what comes each time. Calls are those of one step.",
    ]


def _names(ways: Mapping[str, Way]) -> str:
    person, one, two = ways[AIDED], ways["agentflow, one source"], ways["agentflow, two sources"]
    review = sum(not r and not w for r, w in zip(person.right, person.silent, strict=True)) / len(person.right)
    end = LEFT + WIDTH + 8
    rows = [
        (_y((1 - person.wrong) ** LONGEST), ["and a person", f"for {review:.1%} of steps"], "taided"),
        (_y(two.rate**LONGEST), ["agentflow,", "two sources,", _calls(two)], "ttwo"),
        (_y(0), ["the most that one", "source can reach"], "soft"),
    ]
    return "".join(
        (
            _beside(ways["single call"].rate, 0.36, ["one call"], "tnaive"),
            _beside(ways["retry until it validates"].rate, 0.18, ["retry until", "it validates"], "tnaive"),
            _beside(ways["best of 3"].rate, 0.5, ["best of 3,", _calls(ways["best of 3"])], "tnaive", before=True),
            _beside(ceiling(ERRORS, 1), 0.6, ["agentflow,", "one source,", _calls(one)], "tone"),
            *(_text(end, y - 8, words, kind) for y, words, kind in _apart(rows)),
        )
    )


def _apart(rows: Sequence[tuple[float, list[str], str]]) -> Iterator[tuple[float, list[str], str]]:
    """Names at the ends of lines, from the lowest up; one that would stand on the one below it stands higher."""
    floor = math.inf
    for y, words, kind in sorted(rows, reverse=True):
        floor = min(y, floor - ROW * len(words) - 2)
        yield floor, words, kind


def _calls(way: Way) -> str:
    return f"{way.calls:.1f} calls"


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


def _beside(rate: float, share: float, words: Sequence[str], kind: str, *, before: bool = False) -> str:
    """Words to the right of where a curve has fallen so far, or to the left of it; their rows follow its slope."""
    rows: list[str] = []
    for place, word in enumerate(words):
        down = share - place * ROW / HEIGHT
        x = _x(math.log(down) / math.log(rate)) + (-10 if before else 9)
        rows.append(_text(x, _y(down) + 4, [word], f"{kind} left" if before else kind))
    return "".join(rows)


def _text(x: float, y: float, words: Sequence[str], kind: str) -> str:
    rows = "".join(f'<tspan x="{x:.1f}" dy="{ROW if i else 0}">{row}</tspan>' for i, row in enumerate(words))
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{rows}</text>'


def _x(steps: float) -> float:
    return LEFT + WIDTH * math.log10(steps) / math.log10(LONGEST)


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def _page(inside: str, title: str, told: Sequence[str]) -> str:
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 424" role="img" aria-label="{title}"'
    words = f'<text class="title" x="16" y="24">{title}</text>{_text(16, 45, told, "soft")}'
    return f"<svg {head}>{STYLE}{words}{inside}</svg>\n"


MOST_CALLS, MOST_WRONG = 5.0, 0.08


def trade(many: Frontier, few: Frontier) -> str:
    """Calls a case against silent errors: votes, and the layer by its alpha."""
    lines = _dots(list(many.votes.values()), "naive") + _dots(list(few.layer.values()), "two")
    lines += _dots(list(many.layer.values()), "one")
    names = [_by(point, "one call" if k == 1 else f"ahead by {k}", "tnaive") for k, point in many.votes.items()]
    names.append(_text(_across(2.75), _up(0.011), ["agentflow, 300 labels"], "ttwo"))
    names.append(_text(_across(2.75), _up(0.002), ["agentflow, 3,000 labels"], "tone"))
    title = "How many calls does a rule need, and how often is it silently wrong?"
    sure = many.layer[SURE]
    told = [
        "85% of cases are easy, 12% medium, 3% hard and mostly wrong alike. Of agentflow, a dot an alpha:",
        f"at {SURE:g}, {sure.coverage:.0%} of cases need no person, at {CHEAP:g} {many.layer[CHEAP].coverage:.0%}.",
    ]
    return _page(_grid() + lines + "".join(names), title, told)


def _by(point: Point, words: str, kind: str) -> str:
    return _text(_across(point.calls) + 8, _up(point.silent) - 8, [words], kind)


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


def _dots(points: Sequence[Point], kind: str) -> str:
    places = [(_across(point.calls), _up(point.silent)) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle class="d{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places)
    return f'<polyline class="line {kind}" points="{line}"/>{dots}'


def _across(calls: float) -> float:
    return LEFT + WIDTH * (calls - 1) / (MOST_CALLS - 1)


def _up(wrong: float) -> float:
    return TOP + HEIGHT * (1 - wrong / MOST_WRONG)
