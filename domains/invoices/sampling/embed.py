"""PDFs that carry an e-invoice: Factur-X with its XMP, UBL or ZUGFeRD 1 as a plain attachment."""

import re
from io import BytesIO
from typing import Any

import facturx as _facturx  # pyright: ignore[reportMissingTypeStubs] - ships none
from pypdf import PdfWriter

from domains.invoices.sampling.bill import Bill

_library: Any = _facturx
FILE_STAMP = re.compile(rb"(D(?::|\\072))\d{14}")
XMP_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=\+00:00)")
"""The clock's readings that factur-x writes; pypdf writes a colon as an octal escape."""


def facturx(page: bytes, xml: bytes, bill: Bill) -> bytes:
    """A Factur-X / ZUGFeRD 2 PDF; the profile is read from the XML, which must pass the profile's XSD."""
    about = {
        "author": bill.supplier.name,
        "keywords": "Factur-X, Invoice",
        "title": f"{bill.supplier.name}: {bill.number}",
        "subject": f"{bill.number}, {bill.issued}",
    }
    return _stamped(
        _library.generate_from_binary(page, xml, pdf_metadata=about, lang=bill.language, xmp_compression=False), bill
    )


def attached(page: bytes, xml: bytes, name: str) -> bytes:
    """The page with the XML as an ordinary attachment, without XMP."""
    writer = PdfWriter(clone_from=BytesIO(page))
    writer.add_attachment(name, xml)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def _stamped(pdf: bytes, bill: Bill) -> bytes:
    """The bill's date in place of the clock's, in as many bytes, so that the offsets in the file hold."""
    pdf = FILE_STAMP.sub(rb"\g<1>" + f"{bill.issued:%Y%m%d}080000".encode(), pdf)
    return XMP_STAMP.sub(f"{bill.issued}T08:00:00".encode(), pdf)
