"""Pictures of benchmarks: shares with their intervals as bars, in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLORS = ("#1f5fbf", "#999999", "#d2691e", "#2e8b57", "#8a2be2")
_LEFT, _WIDE, _TALL = 250, 380, 14


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
    drawn: list[str] = [_text(10, 18, title, 12)]
    drawn += [_key(i, name) for i, name in enumerate(series)]
    y, before = 48.0, None
    for row in rows:
        if row.label != before:
            y += 8
            drawn.append(_text(10, y + 10, row.label, 10))
        drawn.append(_bar(row, y, COLORS[series.index(row.series) % len(COLORS)]))
        y, before = y + _TALL, row.label
    frame = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 60} {y + 12:.0f}"'
    return (
        f'<svg {frame} font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>{"".join(drawn)}</svg>\n'
    )


def _key(place: int, name: str) -> str:
    x = 10 + 200 * place
    square = f'<rect x="{x}" y="28" width="10" height="10" fill="{COLORS[place % len(COLORS)]}"/>'
    return square + _text(x + 14, 37, name, 10)


def _bar(row: Bar, y: float, color: str) -> str:
    low, high = (_LEFT + _WIDE * share for share in (row.low, row.high))
    middle = y + _TALL / 2
    body = f'<rect x="{_LEFT}" y="{y + 2:.1f}" width="{_WIDE * row.value:.1f}" height="{_TALL - 4}" fill="{color}"/>'
    whisker = f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="black" stroke-width="1"/>'
    return body + whisker + _text(_LEFT + _WIDE + 8, y + 11, f"{row.value:.3f}", 9)


def _text(x: float, y: float, text: str, size: int) -> str:
    return f'<text x="{x}" y="{y:.1f}" font-size="{size}">{escape(text)}</text>'
