"""Hidden text: what the file holds and no reader of the page sees, found by painting the page with and without text."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from domains.invoices.reading.claims import Spelt
from domains.invoices.reading.pdfium import PdfPage, size
from domains.invoices.reading.picture import Colour, Grey, render_colour, scale_for, with_only, without_text
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
_TAGS = 0xE0000
SLIP = 20
"""Letters and digits."""
CROSSING = 0.25
"""Share of its box that a run may have in common with other text."""
MAX_CROSSING = 300
"""Words printed over others that are looked at one by one; a page with more of them is not legible."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What the text of a page adds to its picture."""

    page: PdfPage
    scale: float
    bare: Colour
    """The page without its text."""
    change: Grey
    """How far the text changes it: the largest difference of any colour."""

    def of(self, box: Box) -> int:
        """The largest change within a box of the page."""
        return _largest(self.change, self._window(box))

    def ground(self, box: Box) -> tuple[int, int, int]:
        """The usual red, green and blue of the page under a box."""
        under = self.bare[self._window(box)].reshape(-1, self.bare.shape[2])
        blue, green, red = np.median(under, axis=0)[:3].tolist() if under.size else (255, 255, 255)
        return int(red), int(green), int(blue)

    def alone(self, pieces: list[Run]) -> Iterator[tuple[Run, int]]:
        """For each run the largest change within its box that its own text object makes."""
        done: dict[int, Grey] = {}
        with without_text(self.page):
            for run in pieces:
                key = id(run.paint)
                if key not in done:
                    with with_only(run.paint.owner):
                        done[key] = _difference(render_colour(self.page, self.scale), self.bare)
                yield run, _largest(done[key], self._window(run.ink))

    def _window(self, box: Box) -> tuple[slice, slice]:
        x0, y0, x1, y1 = (round(v * self.scale) for v in box)
        return slice(max(y0, 0), max(y1 + 1, 0)), slice(max(x0, 0), max(x1 + 1, 0))


def traces(page: PdfPage) -> Traces:
    """Paint the page twice."""
    scale = scale_for(*size(page), DPI, PIXELS)
    full = render_colour(page, scale)
    with without_text(page):
        bare = render_colour(page, scale)
    return Traces(page, scale, bare, _difference(full, bare))


def _difference(a: Colour, b: Colour) -> Grey:
    apart = np.maximum(a, b) - np.minimum(a, b)
    return np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2])


def _largest(change: Grey, window: tuple[slice, slice]) -> int:
    part = change[window]
    return int(part.max()) if part.size else 0


def part(pieces: list[Run], area: tuple[float, float], trace: Traces) -> tuple[list[Run], list[Run]]:
    """The runs that a reader sees, and those that none does."""
    unseen = {id(run) for run in pieces if not _shows(run, area, trace)}
    crossing = _crossing([run for run in pieces if id(run) not in unseen])
    unseen |= {id(run) for run, own in trace.alone(crossing[:MAX_CROSSING]) if own < CONTRAST}
    unseen |= {id(run) for run in crossing[MAX_CROSSING:]}
    return [run for run in pieces if id(run) not in unseen], [run for run in pieces if id(run) in unseen]


def _shows(run: Run, area: tuple[float, float], trace: Traces) -> bool:
    x, y = (run.ink[0] + run.ink[2]) / 2, (run.ink[1] + run.ink[3]) / 2
    if not (0 <= x <= area[0] and 0 <= y <= area[1]) or run.paint.mode == INVISIBLE or run.paint.colour[3] == 0:
        return False
    if run.paint.size < TINY and run.ink[3] - run.ink[1] < TINY and run.ink[2] - run.ink[0] < TINY * len(run.text):
        return False
    return trace.of(run.ink) >= CONTRAST


def _crossing(seen: list[Run]) -> list[Run]:
    """The runs that share much of their box with other text, whose trace may be taken for theirs."""
    boxes = np.array([run.ink for run in seen], dtype=np.float32).reshape(-1, 4)
    found: list[Run] = []
    for run, (x0, y0, x1, y1) in zip(seen, boxes, strict=True):
        wide = np.minimum(boxes[:, 2], x1) - np.maximum(boxes[:, 0], x0)
        high = np.minimum(boxes[:, 3], y1) - np.maximum(boxes[:, 1], y0)
        shared = np.where((wide > 0) & (high > 0), wide * high, 0) > CROSSING * (x1 - x0) * (y1 - y0)
        if any(seen[n].text != run.text for n in np.flatnonzero(shared)):
            found.append(run)
    return found


def _blends_in(run: Run, trace: Traces) -> bool:
    """Filled with the colour that is there anyway."""
    *colour, alpha = run.paint.colour
    unlike = max(abs(a - b) for a, b in zip(colour, trace.ground(run.ink), strict=True))
    return run.paint.mode == 0 and unlike * alpha / 255 < CONTRAST


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


def smuggled(spelt: Spelt, seen: list[Run]) -> Iterator[str]:
    """Text in characters without a shape (Unicode tags, which spell ASCII), and phrases behind a single shape.

    A careless program gives an icon the text beside it; what is printed on the page anyway is not told.
    """
    tags = "".join(chr(ord(g.text) - _TAGS) for g in spelt.glyphs if _TAGS + 0x20 <= ord(g.text) <= _TAGS + 0x7E)
    if tags.strip():
        yield tags
    printed = {run.text for run in seen}
    unprinted = [text for text in spelt.claimed if any(w not in printed for w in text.split() if w[-1:].isalnum())]
    if sum(char.isalnum() for text in set(unprinted) for char in text) > SLIP:
        yield from unprinted
