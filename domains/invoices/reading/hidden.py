"""Hidden text: what the file holds and no reader of the page sees, found by painting the page with and without text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from domains.invoices.reading.geometry import overlap
from domains.invoices.reading.glyphs import Glyph
from domains.invoices.reading.pdfium import PdfPage, size
from domains.invoices.reading.picture import Grey, render, scale_for, without_text
from domains.invoices.reading.runs import Run
from domains.invoices.records import Box

DPI = 100
PIXELS = 2_000_000
CONTRAST = 14
"""Of 255: how far a glyph's darkest trace must differ from what would be there without it."""
TINY = 3.0
"""Points; print below this size is not read by a person."""
INVISIBLE = 3
"""The PDF text rendering mode that paints nothing."""
SLIP = 20
"""Letters and digits."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What the text of a page adds to its picture."""

    scale: float
    bare: Grey
    """The page without its text."""
    change: Grey

    def of(self, box: Box) -> Grey:
        """The change within a box of the page."""
        return self.change[self._window(box)]

    def ground(self, box: Box) -> int:
        """The usual grey of the page under a box, 0 to 255."""
        part = self.bare[self._window(box)]
        return int(np.median(part)) if part.size else 255

    def _window(self, box: Box) -> tuple[slice, slice]:
        x0, y0, x1, y1 = (round(v * self.scale) for v in box)
        return slice(max(y0, 0), max(y1 + 1, 0)), slice(max(x0, 0), max(x1 + 1, 0))


def traces(page: PdfPage) -> Traces:
    """Paint the page twice."""
    scale = scale_for(*size(page), DPI, PIXELS)
    full = render(page, scale)
    with without_text(page):
        bare = render(page, scale)
    change = np.where(full > bare, full - bare, bare - full)
    return Traces(scale, bare, change)


def part(pieces: list[Run], area: tuple[float, float], trace: Traces) -> tuple[list[Run], list[Run]]:
    """The runs that a reader sees, and those that none does."""
    seen: list[Run] = []
    unseen: list[Run] = []
    for run in pieces:
        (seen if _shows(run, area, trace) else unseen).append(run)
    covered = [run for run in seen if _blends_in(run, trace) and _overlaps(run, seen)]
    return [run for run in seen if run not in covered], unseen + covered


def _shows(run: Run, area: tuple[float, float], trace: Traces) -> bool:
    x, y = (run.ink[0] + run.ink[2]) / 2, (run.ink[1] + run.ink[3]) / 2
    if not (0 <= x <= area[0] and 0 <= y <= area[1]) or run.paint.mode == INVISIBLE or run.paint.colour[3] == 0:
        return False
    if run.paint.size < TINY and run.ink[3] - run.ink[1] < TINY and run.ink[2] - run.ink[0] < TINY * len(run.text):
        return False
    change = trace.of(run.ink)
    return bool(change.size) and int(change.max()) >= CONTRAST


def _blends_in(run: Run, trace: Traces) -> bool:
    """Filled with the colour that is there anyway, so that the trace within its box must come from other text."""
    red, green, blue, alpha = run.paint.colour
    grey = (299 * red + 587 * green + 114 * blue) / 1000
    return run.paint.mode == 0 and abs(grey - trace.ground(run.ink)) * alpha / 255 < CONTRAST


def _overlaps(run: Run, others: list[Run]) -> bool:
    return any(overlap(run.ink, other.ink) and other.paint.colour != run.paint.colour for other in others)


def told(unseen: list[Run], trace: Traces) -> list[str]:
    """Hidden runs as lines of text, where they are more than a slip of the layout.

    Ordinary text that a template lets run off the page or out of its cell is a slip up to `SLIP` letters and digits;
    text in the colour of its ground, without paint or too small to read was put there on purpose.
    """
    meant = [run for run in unseen if not _ordinary(run, trace)]
    slips = [run for run in unseen if _ordinary(run, trace)]
    kept = unseen if _weight(slips) > SLIP else meant
    return [text for text in _lines(kept) if any(c.isalnum() for c in text)]


def _ordinary(run: Run, trace: Traces) -> bool:
    return run.paint.mode == 0 and run.paint.size >= TINY and not _blends_in(run, trace)


def _weight(pieces: list[Run]) -> int:
    return sum(c.isalnum() for text in {run.text for run in pieces} for c in text)


def _lines(pieces: list[Run]) -> list[str]:
    lines: list[list[Run]] = []
    for run in pieces:
        last = lines[-1][-1] if lines else None
        if last and last.paint.angle == run.paint.angle and abs(last.start[1] - run.start[1]) < 1:
            lines[-1].append(run)
        else:
            lines.append([run])
    return [" ".join(run.text for run in line) for line in lines]


def smuggled(glyphs: Iterable[Glyph]) -> Iterator[str]:
    """Text spelt in characters without a shape: Unicode tags, which spell ASCII."""
    tags = "".join(chr(ord(g.text) - 0xE0000) for g in glyphs if 0xE0020 <= ord(g.text) <= 0xE007E)
    if tags.strip():
        yield tags
