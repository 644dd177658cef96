"""Papers: small PDFs, pictures and mails, written byte by byte so that a test shows what is wrong with them."""

import io
import zlib
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import reportlab
from PIL import Image, ImageDraw, ImageFont

UBL = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>7</ID></Invoice>'
CII = (
    b'<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100">'
    b"</rsm:CrossIndustryInvoice>"
)
LINES = ["Rechnung Nr. 2024-0815 vom 07.05.2024", "Größe und Übergabe, Straße 12", "Netto 1.000,00", "Summe 1.190,00"]


def stream(data: bytes, head: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), head, data)


def document(*objects: bytes) -> bytes:
    """A PDF of the given objects, numbered from 1; the first one is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    end = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return bytes(out) + end % (count, table, count, len(out))


@dataclass
class Sheet:
    """A PDF of one page whose content is spelt out."""

    content: bytes = b""
    box: bytes = b"0 0 595 842"
    rotate: int = 0
    resources: bytes = b""
    filters: bytes = b""
    more: list[bytes] = field(default_factory=list[bytes])
    """Objects from number 6 on."""

    def text(self, text: str, x: float = 50, y: float = 700, size: float = 12, before: str = "") -> "Sheet":
        """Print text; `before` is content that sets colour, mode or matrix."""
        safe = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        line = f"q {before} BT /F1 {size} Tf {x} {y} Td ({safe}) Tj ET Q\n"
        self.content += line.encode("cp1252")
        return self

    def picture(self, grey: np.ndarray, x: float, y: float, width: float, height: float) -> "Sheet":
        """Paint a picture."""
        number = 6 + len(self.more)
        size = b"/Width %d/Height %d" % (grey.shape[1], grey.shape[0])
        head = b"/Type/XObject/Subtype/Image%s/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/FlateDecode" % size
        self.more.append(stream(zlib.compress(grey.tobytes()), head))
        self.resources = b"/XObject<</I%d %d 0 R>>" % (number, number)
        self.content += f"q {width} 0 0 {height} {x} {y} cm /I{number} Do Q\n".encode()
        return self

    def pdf(self) -> bytes:
        """The bytes of the file."""
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Rotate %d/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>%s>>>>"
        return document(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page % (self.box, self.rotate, self.resources),
            stream(self.content, self.filters),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
            *self.more,
        )


def letter() -> Sheet:
    """An honest page with enough text to be one."""
    sheet = Sheet()
    for row, line in enumerate(LINES * 2):
        sheet.text(line, y=780 - 20 * row)
    return sheet


def with_attachments(pdf: bytes, **files: bytes) -> bytes:
    """A PDF with files embedded; `factur_x_xml` becomes `factur-x.xml`."""
    document = pdfium.PdfDocument(pdf)
    for name, data in files.items():
        document.new_attachment(name.replace("_xml", ".xml").replace("_", "-")).set_data(data)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def printed(lines: list[str] | None = None, turns: int = 0, slant: float = 0.0) -> Image.Image:
    """A page as a scanner sees it, with lines of text, turned clockwise by quarter turns."""
    image = Image.new("L", (1240, 900), 250)
    font = ImageFont.truetype(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf", 32)
    for row, line in enumerate(lines or LINES):
        ImageDraw.Draw(image).text((100, 120 + 120 * row), line, fill=20, font=font)
    return image.rotate(-90 * turns - slant, expand=turns % 2 == 1, fillcolor=250)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a picture file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def mail(*parts: tuple[str, str, bytes], text: str = "Please find attached.") -> bytes:
    """An e-mail with attachments of name, media type and bytes."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Invoice"
    message.set_content(text)
    for name, media, data in parts:
        main, sub = media.split("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def swelling(megabytes: int) -> bytes:
    """Some kilobytes, deflated twice, that grow to `megabytes` of blanks."""
    squeeze = zlib.compressobj(9)
    first, block = (squeeze.compress(b" " * (1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return zlib.compress(first + block * (megabytes - 1) + squeeze.flush(), 9)
