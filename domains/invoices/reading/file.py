"""Files: a path is opened, its kind found by its content, and what it holds made into pages or an e-invoice."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from domains.invoices.einvoice import Syntax, XmlError, sniff
from domains.invoices.einvoice.tree import read as read_xml
from domains.invoices.reading import image, mail
from domains.invoices.reading.kinds import HEAD, Kind, foreign, kind_of
from domains.invoices.reading.opened import MAX_BYTES, MEGABYTE, Opened, Refused, refusal
from domains.invoices.reading.page import flattened, read_page
from domains.invoices.reading.pdf import carried, open_pdf
from domains.invoices.reading.pdfium import PdfiumError, size
from domains.invoices.reading.picture import Grey, render, scale_for
from domains.invoices.records import Layout, Page

DPI = 200
PIXELS = 12_000_000
"""Of a page that is rendered for OCR; A4 at 300 dpi has 8.7 million."""
MAX_HIDDEN = 50


def open_file(path: str, name: str) -> Opened:
    """Open a file of unknown origin.

    Pages that are pictures come back named in `scans`, without their words; `picture` renders them. Whatever is wrong
    with the file is told as a refusal; bounds of time and memory are the caller's: run it in a worker.
    """
    try:
        part = _load(path, name)
        return _OPENERS[part.kind](part)
    except Refused as error:
        return refusal(error.problem)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile file may break the libraries in any way
        return refusal(_damaged(error).problem)


def _damaged(error: Exception) -> Refused:
    reason = f"{type(error).__name__}: {error}"[:200]
    return Refused("damaged", f"The file is damaged and cannot be read ({reason}). Ask the sender for an intact one.")


def work(task: Literal["open", "picture"], *args: Any) -> Any:
    """What the worker process runs: one process for both tasks, so that a file is never opened outside of it."""
    return open_file(*args) if task == "open" else picture(*args)


def picture(path: str, name: str, number: int) -> tuple[Grey, float]:
    """The picture of a page (1-based) in shades of grey and its width in points, for OCR.

    Raises Refused where the picture cannot be decoded.
    """
    part = _load(path, name)
    try:
        if part.kind == "image":
            width, _ = image.sizes(part.data)[number - 1]
            return image.grey(part.data, number - 1, PIXELS), width
        page = flattened(open_pdf(part.data), number - 1)
        width, height = size(page)
        return render(page, scale_for(width, height, DPI, PIXELS)), width
    except (PdfiumError, ValueError, OSError) as error:
        raise _damaged(error) from error


def _load(path: str, name: str) -> mail.Part:
    """The bytes to read: the file's own, or those of the one invoice in a mail."""
    data = _bytes(Path(path))
    kind = kind_of(data[:HEAD])
    if kind is None:
        raise Refused("unsupported_type", f"This kind of file is not read. {foreign(data[:HEAD])}")
    return _invoice(data) if kind == "mail" else mail.Part(name, data, kind)


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Refused("no_file", "There is no file at this place, or it is a folder or a device.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            limit = MAX_BYTES // MEGABYTE
            raise Refused(
                "too_large", f"The file has {size // MEGABYTE} MB; at most {limit} MB are read. Send it smaller."
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise Refused("unreadable_file", f"The file cannot be read ({reason}). Check its permissions.") from error
    if not data.strip(b"\x00 \r\n\t"):
        raise Refused("empty", "The file is empty. Ask the sender to send it again.")
    return data


def _invoice(data: bytes) -> mail.Part:
    """The one invoice of a mail; an XML beside a PDF is taken for the same invoice."""
    found = mail.attachments(data)
    sheets = [part for part in found.parts if part.kind == "pdf"]
    codes = [part for part in found.parts if part.kind == "xml" and _syntax(part.data)]
    choice = sheets or codes or [part for part in found.parts if part.kind in ("image", "xml")]
    if not choice:
        raise _nothing_in(found.others)
    if len(choice) > 1 or len(codes) > 1:
        names = ", ".join(dict.fromkeys(part.name for part in [*choice, *codes]))
        raise Refused("several_documents", f"The mail has several documents ({names}). Send each in a mail of its own.")
    return replace(choice[0], beside=codes[0].data if codes else None)


def _nothing_in(others: list[str]) -> Refused:
    has = f" It has {', '.join(others[:5])}, which is not opened." if others else ""
    return Refused(
        "no_attachment", f"The mail has no PDF, XML or picture attached.{has} Ask the sender for the invoice."
    )


def _syntax(xml: bytes) -> Syntax | None:
    try:
        return sniff(xml)
    except XmlError as error:
        raise Refused("xml_refused", str(error)) from error


def _open_xml(part: mail.Part) -> Opened:
    try:
        _, syntax = read_xml(part.data)
    except XmlError as error:
        raise Refused("xml_refused", str(error)) from error
    return Opened(kind="einvoice", xml=part.data, syntax=syntax, part=part.name)


def _open_image(part: mail.Part) -> Opened:
    sizes = image.sizes(part.data)
    pages = [Page(number=n, width=w, height=h, words=[], source="ocr") for n, (w, h) in enumerate(sizes, 1)]
    scans = [page.number for page in pages]
    return Opened(kind="pages", layout=Layout(pages=pages), source="ocr", scans=scans, part=part.name)


def _open_pdf(part: mail.Part) -> Opened:
    pdf = open_pdf(part.data)
    invoice = next(((one.xml, one.syntax) for one in carried(pdf)), None) or _beside(part)
    read = [read_page(pdf, index) for index in range(len(pdf))]
    scans = [one.page.number for one in read if one.scan]
    pages = Opened(
        kind="pages",
        layout=Layout(pages=[one.page for one in read]),
        source="text" if not scans else "ocr" if len(scans) == len(read) else "mixed",
        hidden=[text for one in read for text in one.hidden][:MAX_HIDDEN],
        scans=scans,
        part=part.name,
    )
    if invoice is None:
        return pages
    return pages.model_copy(update={"kind": "einvoice", "xml": invoice[0], "syntax": invoice[1]})


def _beside(part: mail.Part) -> tuple[bytes, Syntax] | None:
    syntax = _syntax(part.beside) if part.beside else None
    return (part.beside, syntax) if part.beside and syntax else None


_OPENERS: dict[Kind, Callable[[mail.Part], Opened]] = {"pdf": _open_pdf, "xml": _open_xml, "image": _open_image}
