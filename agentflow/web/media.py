"""What a file is, by its bytes; and what it may be called."""

import re
import unicodedata

from agentflow.web.problems import Problem

HEAD = 1 << 16
"""How many bytes are looked at."""
MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
LONGEST_NAME = 200


def media_type(head: bytes) -> str:
    """The media type of what begins with `head`. Raises Problem where it is none that is taken."""
    for magic, media in MAGIC:
        if head.startswith(magic):
            return media
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    text = _text(head)
    if text is None:
        raise Problem("unsupported-media", "PDF, PNG, JPEG, TIFF, WebP, XML, JSON and plain text are taken.")
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<svg")):
        raise Problem("unsupported-media", "Web pages and drawings with scripts are not taken.")
    if start.startswith("<"):
        return "application/xml"
    return "application/json" if start.startswith(("{", "[")) else "text/plain"


def _text(head: bytes) -> str | None:
    """The head as text; None where it is none."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < len(head) - 4:  # but a character that the head cuts in two is none
            return None
        text = head[: error.start].decode(encoding)
    return None if not text.strip() or "\x00" in text else text


def plain_name(name: str | None) -> str:
    """A file's name for people: no folders, no control or invisible characters, never more than 200 characters."""
    last = re.split(r"[/\\]", name or "")[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return shown.strip(" .-")[:LONGEST_NAME] or "document"
