"""Kinds: what a file is by its first bytes; its name and extension are the sender's claim."""

import re
from typing import Literal

Kind = Literal["pdf", "xml", "image", "mail"]

HEAD = 4096

_HEADER = re.compile(rb"(?im)\A(?:[!-9;-~]+:[ \t].*\r?\n(?:[ \t].*\r?\n)*){2}")
_MAIL = re.compile(rb"(?im)^(from|to|subject|date|mime-version|received|content-type|message-id|return-path):")
_XML = re.compile(r"\s*<(\?xml|[A-Za-z_!])")
_MARKS: dict[bytes, Kind] = {
    b"\x89PNG\r\n\x1a\n": "image",
    b"\xff\xd8\xff": "image",
    b"II*\x00": "image",
    b"MM\x00*": "image",
}
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Office file; unpack it, or print it to PDF",
    b"\xd0\xcf\x11\xe0": "an old Office or Outlook file; save a mail as .eml, print a document to PDF",
    b"Rar!": "a RAR archive; unpack it",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it",
    b"\x1f\x8b": "a gzip archive; unpack it",
    b"GIF8": "a GIF picture; save it as PNG or JPEG",
    b"BM": "a BMP picture; save it as PNG or JPEG",
    b"RIFF": "a WebP picture, a sound or a film; save a picture as PNG or JPEG",
    b"\x00\x00\x00": "a HEIC picture or a film; save a picture as JPEG",
    b"{\\rtf": "an RTF document; print it to PDF",
}


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file by its first `HEAD` bytes; None where it is none that is read."""
    if b"%PDF-" in head[:1024]:
        return "pdf"
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            return kind
    if _XML.match(_text(head)) and not re.match(r"(?i)\s*<(!doctype html|html)", _text(head)):
        return "xml"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return "mail" if _MAIL.search(start) and (_HEADER.match(start) or start.startswith(b"From ")) else None


def foreign(head: bytes) -> str:
    """What a file that is not read seems to be, and what to do about it."""
    for mark, advice in _FOREIGN.items():
        if head.startswith(mark):
            return f"It looks like {advice}."
    return "Send a PDF, an XML invoice, a PNG, JPEG or TIFF picture, or an .eml mail."


def _text(head: bytes) -> str:
    """The start as text, whatever Unicode encoding an XML file may use."""
    if head.startswith((b"\xff\xfe", b"<\x00")):
        return head.decode("utf-16-le", "ignore").lstrip("\ufeff")
    if head.startswith((b"\xfe\xff", b"\x00<")):
        return head.decode("utf-16-be", "ignore").lstrip("\ufeff")
    return head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
