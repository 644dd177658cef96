"""Spaces: the gaps in a line's print that the network read over."""

from itertools import pairwise

import numpy as np

from domains.invoices.reading.picture import Grey

WIDE = 15
"""Pixels of a line that is 48 high: between letters and digits; a printed space is some 10 to 25 wide."""
SLIM = 12
"""Pixels beside a mark that words are seldom continued after, or before."""
UNLIKE = 3.5
"""How many times the usual gap of its line a gap must be, so that spaced-out words stay whole."""

_CLOSES, _OPENS = ":;#)=", "(=#"
_INNER = ".,-/'\u2019"
"""Marks with much white about them inside of numbers, dates and names."""


def missed(chars: str, places: list[float], line: Grey) -> list[int]:
    """Where a space is missing: numbers of characters that one stands before.

    `places` are the middles of the characters as shares of the width of `line`, a level picture 48 pixels high.
    """
    if len(chars) < 3:
        return []
    ink = _ink(line)
    at = [int(place * len(ink)) for place in places]
    gaps = [_blank(ink[a:b]) for a, b in pairwise(at)]
    inside = [gap for gap, (a, b) in zip(gaps, pairwise(chars), strict=True) if " " not in (a, b)]
    usual = float(np.median(inside)) if inside else 0.0
    pairs = enumerate(zip(gaps, pairwise(chars), strict=True), 1)
    return [n for n, (gap, (a, b)) in pairs if gap >= UNLIKE * usual and _parts(gap, a, b)]


def _parts(gap: int, before: str, after: str) -> bool:
    if " " in (before, after) or before in _INNER or after in _INNER:
        return False
    if before in _CLOSES or after in _OPENS:
        return gap >= SLIM
    return gap >= WIDE and before.isalnum() and after.isalnum()


def _ink(line: Grey) -> list[bool]:
    """Whether there is print in each column, the lines above and below left out."""
    body = line[5:-5]
    light, dark = np.percentile(body, (90, 2))
    return (body < light - 0.2 * (light - dark)).any(axis=0).tolist()


def _blank(ink: list[bool]) -> int:
    """The longest stretch without print."""
    best = run = 0
    for printed in ink:
        run = 0 if printed else run + 1
        best = max(best, run)
    return best
