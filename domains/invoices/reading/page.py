"""Pages of a PDF: their visible words, or the finding that they are pictures of text."""

from collections import Counter
from ctypes import c_float
from dataclasses import dataclass, field

import numpy as np

from domains.invoices.reading import hidden
from domains.invoices.reading.claims import believed
from domains.invoices.reading.geometry import Frame, turned
from domains.invoices.reading.glyphs import glyphs
from domains.invoices.reading.letterspacing import closed_up
from domains.invoices.reading.pdfium import Pdf, PdfObject, PdfPage, raw, size
from domains.invoices.reading.picture import objects
from domains.invoices.reading.runs import Run, in_reading_order, runs, words
from domains.invoices.records import Page, Word

FEW = 60
"""Letters and digits: a page with fewer, and with a drawing on it, may be a picture of text."""
STAMP = 250
"""Letters and digits that a scanner or fax machine may print on its picture."""
COVER = 0.6
"""Share of a page that one picture must cover to be taken for a scan."""
CODED = 0.3
"""Share of letters without a known character from which on a page is read as a picture."""
INK = 0.002
"""Share of a page that is dark where there is a drawing."""
_DRAWN_ANNOTATIONS = {raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP}


@dataclass(frozen=True)
class PageRead:
    """A page with its visible words; of a `scan` these are at most a stamp on the picture."""

    page: Page
    scan: bool = False
    hidden: list[str] = field(default_factory=list[str])


def read_page(pdf: Pdf, index: int) -> PageRead:
    """Read the page at a 0-based index."""
    page = flattened(pdf, index)
    width, height = size(page)
    spelt = believed(list(glyphs(page.get_textpage(), frame(page))))
    trace = hidden.traces(page)
    seen, unseen = hidden.part(runs(spelt.glyphs), (width, height), trace)
    upright = _upright(index + 1, width, height, seen)
    if spelt.replaced or _is_coded(seen):
        return PageRead(upright.model_copy(update={"words": []}), scan=True)
    if _is_scan(page, seen, unseen, trace):
        return PageRead(upright, scan=True)
    return PageRead(upright, hidden=[*hidden.told(unseen, trace), *hidden.smuggled(spelt, seen)])


def flattened(pdf: Pdf, index: int) -> PdfPage:
    """The page with what is typed into its form fields and notes as ordinary content."""
    page = pdf[index]
    count = raw.FPDFPage_GetAnnotCount(page.raw)
    if not any(_is_drawn(page, at) for at in range(min(count, 2000))):
        return page
    raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY)
    page.close()
    return pdf[index]


def _is_drawn(page: PdfPage, at: int) -> bool:
    annotation = raw.FPDFPage_GetAnnot(page.raw, at)
    if not annotation:
        return False
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    raw.FPDFPage_CloseAnnot(annotation)
    return kind in _DRAWN_ANNOTATIONS


def frame(page: PdfPage) -> Frame:
    """The shown part of a page."""
    return Frame(*page.get_bbox(), turns=page.get_rotation() // 90)


def _is_coded(seen: list[Run]) -> bool:
    """Whether the fonts do not tell which characters they print."""
    return _letters([run for run in seen if not run.mapped]) > CODED * max(_letters(seen), FEW)


def _is_scan(page: PdfPage, seen: list[Run], unseen: list[Run], trace: hidden.Traces) -> bool:
    """Whether the text of a page stands in its picture, with or without an invisible layer that repeats it."""
    visible, layer = _letters(seen), _letters([run for run in unseen if run.paint.mode == hidden.INVISIBLE])
    if visible < FEW and _has_drawing(trace):
        return True
    return (visible < STAMP or layer > visible) and _covered(page) > COVER


def _letters(pieces: list[Run]) -> int:
    return sum(c.isalnum() or c == "\N{REPLACEMENT CHARACTER}" for run in pieces for c in run.text)


def _has_drawing(trace: hidden.Traces) -> bool:
    green = trace.bare[::2, ::2, 1].astype(np.int16)
    return float(np.mean(np.abs(green - int(np.median(green))) > 60)) > INK


def _covered(page: PdfPage) -> float:
    """The largest share of the page that a single picture covers."""
    pictures = [found for found in objects(page) if raw.FPDFPageObj_GetType(found) == raw.FPDF_PAGEOBJ_IMAGE]
    left, bottom, right, top = page.get_bbox()
    area: float = max((right - left) * (top - bottom), 1.0)
    return max((_area(picture) for picture in pictures), default=0.0) / area


def _area(picture: PdfObject) -> float:
    left, bottom, right, top = (c_float() for _ in range(4))
    raw.FPDFPageObj_GetBounds(picture, left, bottom, right, top)
    return (right.value - left.value) * (top.value - bottom.value)


def _upright(number: int, width: float, height: float, seen: list[Run]) -> Page:
    """The page turned so that most of its text reads from left to right; what runs another way stands last."""
    turns = max(_direction(seen), 0)
    level = in_reading_order(_turn(words([r for r in seen if _quarter(r) == turns]), width, height, -turns))
    other = _turn(words([r for r in seen if _quarter(r) != turns]), width, height, -turns)
    if turns % 2:
        width, height = height, width
    return Page(number=number, width=width, height=height, words=closed_up(level) + other, turned=-90.0 * turns % 360)


def _direction(seen: list[Run]) -> int:
    """Quarter turns clockwise of most letters."""
    counts: Counter[int] = Counter()
    for run in seen:
        counts[_quarter(run)] += len(run.text)
    return max(counts, key=lambda q: counts[q], default=0) if counts else 0


def _quarter(run: Run) -> int:
    """Quarter turns clockwise, -1 where the text runs aslant."""
    turns = run.paint.angle / 90
    return round(turns) % 4 if abs(turns - round(turns)) < 0.12 else -1


def _turn(found: list[Word], width: float, height: float, turns: int) -> list[Word]:
    if turns % 4 == 0:
        return found
    return [word.model_copy(update={"box": turned(word.box, width, height, turns)}) for word in found]
