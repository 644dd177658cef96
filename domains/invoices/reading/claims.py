"""Claims: text that a PDF says its shapes stand for, where the shapes need not agree with it.

A font may map one shape to several characters (a ligature), and `ActualText` may put any words in the place of what is
printed. pdfium reports both as characters that start at one and the same point.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from domains.invoices.reading.glyphs import Glyph

LIGATURE = 3
"""Characters that a single shape may honestly stand for."""


@dataclass(frozen=True)
class Spelt:
    """The glyphs of a page that may be believed."""

    glyphs: list[Glyph]
    claimed: list[str]
    """Phrases that a single shape claims to be."""
    replaced: bool
    """Words stand in the place of what is printed: the page has to be read as a picture."""


def believed(found: list[Glyph]) -> Spelt:
    """Sort out what the shapes of a page cannot vouch for."""
    kept: list[Glyph] = []
    claimed: list[str] = []
    replaced = False
    for group in _from_one_point(found):
        text = "".join(glyph.text for glyph in group).strip()
        if len(text) <= LIGATURE:
            kept.extend(group)
        elif len({glyph.ink for glyph in group}) == 1:
            claimed.append(text)
        else:
            replaced = True
            kept.extend(group)
    return Spelt(kept, claimed, replaced)


def _from_one_point(found: list[Glyph]) -> Iterator[list[Glyph]]:
    for _, group in groupby(found, key=lambda glyph: (glyph.x, glyph.y)):
        yield list(group)
