"""A sheet of paper to draw on: millimetres from the top left, one type family, no clock and no chance in the bytes."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import reportlab
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib import utils
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

MM = 72 / 25.4
A4 = (210.0, 297.0)
LETTER = (215.9, 279.4)
INK = "#1a1a1a"
FAMILIES = {
    "sans": ("Helvetica", "Helvetica-Bold"),
    "serif": ("Times-Roman", "Times-Bold"),
    "typewriter": ("Courier", "Courier-Bold"),
    "vera": ("Vera", "VeraBd"),
}
"""Regular and bold. The first three are built into every PDF reader; Vera is embedded, as PDF/A asks."""
_utils: Any = utils
_split = _utils.simpleSplit
_fonts: Any = pdfmetrics
_register = _fonts.registerFont


def _embed_vera() -> None:
    fonts = Path(reportlab.__file__).parent / "fonts"
    for name in FAMILIES["vera"]:
        _register(TTFont(name, str(fonts / f"{name}.ttf")))


class Sheet:
    """Pages of one document. Positions and widths are millimetres, type sizes points."""

    def __init__(self, title: str, *, family: str = "sans", size: tuple[float, float] = A4, accent: str = INK) -> None:
        if family == "vera":
            _embed_vera()
        self.width, self.height = size
        self.accent = accent
        self.number = 1
        self._regular, self._bold = FAMILIES[family]
        self._buffer = BytesIO()
        points = (self.width * MM, self.height * MM)
        self._canvas = Canvas(self._buffer, pagesize=points, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setCreator("agentflow samples")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        *,
        bold: bool = False,
        align: str = "left",
        colour: str = INK,
    ) -> None:
        """One line, its baseline at `y`; `align` is left, right or center, about `x`."""
        self._canvas.setFillColor(_colour(colour))
        self._canvas.setFont(self._bold if bold else self._regular, size)
        draw: dict[str, Callable[[float, float, str], None]] = {
            "left": self._canvas.drawString,
            "right": self._canvas.drawRightString,
            "center": self._canvas.drawCentredString,
        }
        draw[align](x * MM, (self.height - y) * MM, text)

    def block(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        size: float = 9,
        *,
        leading: float = 4.2,
        bold_first: bool = False,
        align: str = "left",
        colour: str = INK,
    ) -> float:
        """Lines one below the other; empty ones are left out. Returns the baseline after the last."""
        for i, line in enumerate(line for line in lines if line):
            self.text(x, y, line, size, bold=bold_first and i == 0, align=align, colour=colour)
            y += leading
        return y

    def wrap(self, text: str, width: float, size: float = 9) -> list[str]:
        """The text broken into lines that fit `width`."""
        return _split(text, self._regular, size, width * MM)

    def rule(self, x0: float, y0: float, x1: float, y1: float, width: float = 0.4, colour: str = INK) -> None:
        """A straight line `width` points thick."""
        self._canvas.setStrokeColor(_colour(colour))
        self._canvas.setLineWidth(width)
        self._canvas.line(x0 * MM, (self.height - y0) * MM, x1 * MM, (self.height - y1) * MM)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str | None = None,
        line: str | None = INK,
        thick: float = 0.5,
    ) -> None:
        """A rectangle, `x`, `y` its top left corner."""
        self._canvas.setLineWidth(thick)
        if line:
            self._canvas.setStrokeColor(_colour(line))
        if fill:
            self._canvas.setFillColor(_colour(fill))
        self._canvas.rect(
            x * MM,
            (self.height - y - height) * MM,
            width * MM,
            height * MM,
            stroke=int(bool(line)),
            fill=int(bool(fill)),
        )

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle, for marks that stand for a logo."""
        self._canvas.setFillColor(_colour(colour))
        self._canvas.circle(x * MM, (self.height - y) * MM, radius * MM, stroke=0, fill=1)

    def qr(self, x: float, y: float, size: float, text: str) -> None:
        """A QR code, `size` millimetres wide."""
        widget = QrCodeWidget(text, barWidth=size * MM, barHeight=size * MM, barBorder=0, barLevel="M")
        code = Drawing(size * MM, size * MM)
        code.add(widget)
        code.drawOn(self._canvas, x * MM, (self.height - y - size) * MM)

    def turn(self) -> None:
        """Ends this page and begins the next."""
        self._canvas.showPage()
        self.number += 1

    def pdf(self) -> bytes:
        """The finished document; the sheet cannot be drawn on afterwards."""
        self._canvas.save()
        return self._buffer.getvalue()


def _colour(code: str) -> Color:
    return HexColor(code)
