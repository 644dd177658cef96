"""Glyphs: the characters of a PDF page as pdfium reports them, with place, size, direction and paint."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from domains.invoices.reading.geometry import Frame
from domains.invoices.reading.pdfium import PdfObject, PdfText, raw

MAX_GLYPHS = 200_000
"""On one page; the fullest honest page holds some 20,000."""

Rgba = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Paint:
    """What the text object of a glyph says of its looks."""

    size: float
    """Points as shown: the font's size under the object's matrix."""
    angle: float
    """Degrees clockwise as shown, 0 to 360."""
    mode: int
    """PDF text rendering mode: 0 fill, 1 stroke, 3 invisible, 7 clip ..."""
    colour: Rgba
    owner: PdfObject = field(default=None, compare=False, repr=False)
    """The text object itself, good for as long as its page is open."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character; `x` and `y` is where its baseline starts, in points from the top left as shown."""

    text: str
    x: float
    y: float
    ink: tuple[float, float, float, float]
    """The box of the drawn shape as shown; without area for a space."""
    advance: float
    """Points to where the next glyph is due, along the baseline."""
    paint: Paint
    mapped: bool
    """False where the font does not tell which character this is."""


def glyphs(text: PdfText, frame: Frame) -> Iterator[Glyph]:
    """The glyphs of a page in the order of its content; spaces and breaks that pdfium makes up are left out."""
    paints: dict[int, Paint] = {}
    handle: Any = text.raw
    for index in range(min(text.count_chars(), MAX_GLYPHS)):
        code = raw.FPDFText_GetUnicode(handle, index)
        if raw.FPDFText_IsGenerated(handle, index) == 1:
            continue
        key = ctypes.addressof(owner.contents) if (owner := raw.FPDFText_GetTextObject(handle, index)) else -index
        if key not in paints:
            paints[key] = _paint(handle, index, owner, frame)
        mapped = raw.FPDFText_HasUnicodeMapError(handle, index) != 1
        yield _glyph(handle, index, _character(code), paints[key], frame, mapped)


def _character(code: int) -> str:
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\N{REPLACEMENT CHARACTER}"


def _glyph(handle: Any, index: int, char: str, paint: Paint, frame: Frame, mapped: bool) -> Glyph:
    x, y = ctypes.c_double(), ctypes.c_double()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = raw.FS_RECTF()
    raw.FPDFText_GetCharOrigin(handle, index, x, y)
    raw.FPDFText_GetCharBox(handle, index, left, right, bottom, top)
    raw.FPDFText_GetLooseCharBox(handle, index, loose)
    ax, ay = frame.point(left.value, bottom.value)
    bx, by = frame.point(right.value, top.value)
    ox, oy = frame.point(x.value, y.value)
    level = (round(paint.angle / 90) + frame.turns) % 2 == 0
    advance = abs(loose.right - loose.left) if level else abs(loose.top - loose.bottom)
    ink = (min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))
    return Glyph(char, ox, oy, ink, advance, paint, mapped)


def _paint(handle: Any, index: int, owner: Any, frame: Frame) -> Paint:
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(handle, index, matrix)
    size = raw.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d)
    angle = math.degrees(math.atan2(-matrix.b, matrix.a)) + 90 * frame.turns
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFText_GetFillColor(handle, index, red, green, blue, alpha)
    mode = raw.FPDFTextObj_GetTextRenderMode(owner) if owner else 0
    return Paint(size, angle % 360, mode, (red.value, green.value, blue.value, alpha.value), owner)
