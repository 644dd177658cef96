"""Pictures of benchmarks: shares with their intervals as bars, in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLORS = ("#1f5fbf", "#999999", "#d2691e", "#2e8b57", "#8a2be2")
_WIDE, _TALL = 380, 14
_LETTER = 5.6
"""About the width of a letter of ten points."""
_BEYOND = 14
"""How far past the share 1 an interval may reach."""


@dataclass(frozen=True)
class Bar:
    """One bar: a share from 0 to 1 of a series, with its interval."""

    label: str
    series: str
    value: float
    low: float
    high: float


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Bars one below the other, those of one label together, a colour a series."""
    series = list(dict.fromkeys(row.series for row in rows))
    left = 24 + _LETTER * max((len(row.label) for row in rows), default=0)
    keys, y = _keys(series, left + _WIDE)
    drawn, before = [_text(10, 18, title, 12), *keys], None
    for row in rows:
        if row.label != before:
            y += 8
            drawn.append(_text(10, y + 10, row.label, 10))
        drawn.append(_bar(row, left, y, COLORS[series.index(row.series) % len(COLORS)]))
        y, before = y + _TALL, row.label
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + _WIDE + 60:.0f} {y + 12:.0f}"'
    return (
        f'<svg {frame} font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>{"".join(drawn)}</svg>\n'
    )


def _keys(series: Sequence[str], wide: float) -> tuple[list[str], float]:
    """The names of the series in rows of at most `wide`, and where the bars begin below them."""
    drawn: list[str] = []
    x, y = 10.0, 28.0
    for place, name in enumerate(series):
        needs = 30 + _LETTER * len(name)
        if x > 10 and x + needs > wide:
            x, y = 10.0, y + 16
        square = f'<rect x="{x:.1f}" y="{y:.1f}" width="10" height="10" fill="{COLORS[place % len(COLORS)]}"/>'
        drawn.append(square + _text(x + 14, y + 9, name, 10))
        x += needs
    return drawn, y + 20


def _bar(row: Bar, left: float, y: float, color: str) -> str:
    low, high = (left + min(_WIDE * share, _WIDE + _BEYOND) for share in (row.low, row.high))
    middle, wide = y + _TALL / 2, min(_WIDE * row.value, _WIDE + _BEYOND)
    body = f'<rect x="{left:.1f}" y="{y + 2:.1f}" width="{wide:.1f}" height="{_TALL - 4}" fill="{color}"/>'
    whisker = f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="black" stroke-width="1"/>'
    return body + whisker + _text(left + _WIDE + _BEYOND + 6, y + 11, f"{row.value:.3f}", 9)


def _text(x: float, y: float, text: str, size: int) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}">{escape(text)}</text>'
