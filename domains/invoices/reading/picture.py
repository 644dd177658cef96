"""Pictures of PDF pages, never larger than a set number of pixels whatever size the page claims."""

import contextlib
import math
from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from domains.invoices.reading.pdfium import PdfObject, PdfPage, raw

Grey = NDArray[np.uint8]
"""A picture: rows x columns, 0 black to 255 white."""

Colour = NDArray[np.uint8]
"""A picture: rows x columns x blue, green, red."""

MAX_OBJECTS = 3_000_000


def scale_for(width: float, height: float, dpi: float, pixels: int) -> float:
    """Pixels a point: `dpi` / 72, or less where the page would have more than `pixels`."""
    return min(dpi / 72, math.sqrt(pixels / max(width * height, 1)))


def render(page: PdfPage, scale: float) -> Grey:
    """The page as a reader sees it, in shades of grey."""
    picture = _rendered(page, scale, grey=True)
    return picture.reshape(picture.shape[:2])


def render_colour(page: PdfPage, scale: float) -> Colour:
    """The page as a reader sees it."""
    return _rendered(page, scale, grey=False)


def _rendered(page: PdfPage, scale: float, *, grey: bool) -> NDArray[np.uint8]:
    bitmap = page.render(scale=scale, grayscale=grey)
    copy = np.array(bitmap.to_numpy(), dtype=np.uint8)
    bitmap.close()
    return copy


@contextlib.contextmanager
def without_text(page: PdfPage) -> Generator[None]:
    """Leave out all text of the page, also that inside of forms, from what is rendered meanwhile."""
    texts = [found for found in objects(page) if raw.FPDFPageObj_GetType(found) == raw.FPDF_PAGEOBJ_TEXT]
    for found in texts:
        raw.FPDFPageObj_SetIsActive(found, False)
    try:
        yield
    finally:
        for found in texts:
            raw.FPDFPageObj_SetIsActive(found, True)


@contextlib.contextmanager
def with_only(text: PdfObject) -> Generator[None]:
    """Show one text again inside of `without_text`."""
    raw.FPDFPageObj_SetIsActive(text, True)
    try:
        yield
    finally:
        raw.FPDFPageObj_SetIsActive(text, False)


def objects(page: PdfPage) -> Iterator[PdfObject]:
    """The page's objects with those nested in forms, in the order they are painted."""
    budget = iter(range(MAX_OBJECTS))
    for index in range(raw.FPDFPage_CountObjects(page.raw)):
        yield from _nested(raw.FPDFPage_GetObject(page.raw, index), budget, 0)


def _nested(found: PdfObject, budget: Iterator[int], depth: int) -> Iterator[PdfObject]:
    if next(budget, None) is None or depth > 20:
        return
    yield found
    if raw.FPDFPageObj_GetType(found) == raw.FPDF_PAGEOBJ_FORM:
        for index in range(max(raw.FPDFFormObj_CountObjects(found), 0)):
            yield from _nested(raw.FPDFFormObj_GetObject(found, index), budget, depth + 1)
