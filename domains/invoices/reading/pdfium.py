"""PDFium: the one place that imports pypdfium2, which ships no types; its objects are `Any` from here on."""

from typing import Any

import pypdfium2 as _pdfium  # pyright: ignore[reportMissingTypeStubs] - ships none
import pypdfium2.raw as _raw  # pyright: ignore[reportMissingTypeStubs] - ships none

raw: Any = _raw
PdfiumError = _pdfium.PdfiumError

Pdf = Any
"""A document."""
PdfPage = Any
PdfText = Any
"""The characters of a page."""
PdfObject = Any
"""A thing painted on a page: a text, a picture, a path, a form."""


def open_bytes(data: bytes) -> Pdf:
    """A document; raises PdfiumError, whose `err_code` says why it cannot be opened."""
    make: Any = _pdfium.PdfDocument
    return make(data)


def size(page: PdfPage) -> tuple[float, float]:
    """Width and height of a page in points, as shown."""
    width, height = page.get_size()
    return float(width), float(height)
