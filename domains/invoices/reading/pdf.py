"""PDF files: opened within bounds, refused with a reason, and searched for the XML they carry."""

import re
from dataclasses import dataclass
from typing import Any

from domains.invoices.einvoice import Syntax, XmlError, sniff
from domains.invoices.reading.opened import MAX_BYTES, MAX_PAGES, Refused
from domains.invoices.reading.pdfium import Pdf, PdfiumError, open_bytes, raw

END = b"%%EOF"
TAIL = 4096
MAX_ATTACHMENTS = 100
_NO_PAGES = re.compile(rb"/Count\s+0\b")

_NAMES = ("factur-x.xml", "xrechnung.xml", "zugferd-invoice.xml")
"""The names the standards give to the XML, in the order of preference."""


@dataclass(frozen=True)
class Carried:
    """An e-invoice inside a PDF."""

    name: str
    xml: bytes
    syntax: Syntax


def open_pdf(data: bytes) -> Pdf:
    """Open a PDF; Refused where it is locked, damaged, cut short, or has no pages or too many."""
    try:
        pdf = open_bytes(data)
        count = len(pdf)
    except PdfiumError as error:
        raise _refused(data, getattr(error, "err_code", None)) from error
    if END not in data[-TAIL:]:
        raise _truncated()
    if count < 1:
        raise _no_pages()
    if count > MAX_PAGES:
        raise Refused(
            "too_many_pages", f"The PDF has {count} pages; at most {MAX_PAGES} are read. Send the invoice alone."
        )
    return pdf


def _refused(data: bytes, code: int | None) -> Refused:
    if code == raw.FPDF_ERR_PASSWORD:
        return Refused("encrypted", "The PDF is locked with a password. Ask the sender for an unlocked file.")
    if END not in data[-TAIL:]:
        return _truncated()
    if _NO_PAGES.search(data):
        return _no_pages()
    return Refused("damaged", "The PDF is damaged and cannot be opened. Ask the sender for an intact file.")


def _no_pages() -> Refused:
    return Refused("no_pages", "The PDF has no page. Ask the sender for an intact file.")


def _truncated() -> Refused:
    return Refused("truncated", "The PDF ends before its end mark: a part is missing. Ask the sender to send it again.")


def carried(pdf: Pdf) -> list[Carried]:
    """The e-invoices attached to a PDF, the one to read first; the name decides, then the order in the file.

    Raises XmlError where an attached XML has a DTD.
    """
    found = [_carried(pdf.get_attachment(i)) for i in range(min(pdf.count_attachments(), MAX_ATTACHMENTS))]
    invoices = [one for one in found if one]
    return sorted(invoices, key=lambda one: _NAMES.index(one.name) if one.name in _NAMES else len(_NAMES))


def _carried(attachment: Any) -> Carried | None:
    name = attachment.get_name().casefold()
    try:
        xml = bytes(attachment.get_data())
    except PdfiumError:
        return None
    if len(xml) > MAX_BYTES or not (name.endswith(".xml") or xml.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")[:1] == b"<"):
        return None
    try:
        syntax = sniff(xml)
    except XmlError as error:
        raise Refused("xml_refused", f"The XML {name} inside the PDF: {error}") from error
    return Carried(name, xml, syntax) if syntax else None
