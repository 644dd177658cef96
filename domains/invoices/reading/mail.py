"""E-mails: the attachments that may be an invoice, found within bounds of depth and number."""

import email
import email.policy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from domains.invoices.reading.kinds import HEAD, Kind, kind_of
from domains.invoices.reading.opened import MAX_BYTES, Refused

MAX_PARTS = 200
MAX_DEPTH = 10
DECORATION = 20_000
"""Bytes; a smaller picture in a mail is a logo or an icon."""


@dataclass(frozen=True)
class Part:
    """A file to read: an attachment, or a file that came without a mail."""

    name: str
    data: bytes
    kind: Kind
    beside: bytes | None = None
    """The XML of the same invoice that was attached beside it."""


@dataclass(frozen=True)
class Attachments:
    """What a mail has attached."""

    parts: list[Part]
    """Those that may be an invoice, each once."""
    others: list[str]
    """The names of those that are not read."""


def attachments(data: bytes) -> Attachments:
    """The attachments of a mail; Refused where it is nested or split beyond reason."""
    found: dict[str, Part] = {}
    others: list[str] = []
    total = 0
    for leaf in _leaves(_parsed(data), 0):
        name, content = _name(leaf), _payload(leaf)
        total += len(content)
        if total > MAX_BYTES or len(found) > MAX_PARTS:
            raise Refused("too_large", "The mail holds more than can be read. Send the invoice alone.")
        kind = kind_of(content[:HEAD])
        if kind in (None, "mail"):
            others.extend([name] if name else [])
        elif not _is_decoration(leaf, kind, len(content)):
            part = Part(name or f"part {len(found) + 1}", content, kind)
            found.setdefault(hashlib.sha256(content).hexdigest(), part)
    return Attachments(list(found.values()), others)


def _parsed(data: bytes) -> Message:
    return email.message_from_bytes(data, policy=email.policy.compat32)


def _leaves(message: Message, depth: int) -> Iterator[Message]:
    """The parts that hold no further ones, those of forwarded mails among them; the mail's own text left out."""
    if depth > MAX_DEPTH:
        raise Refused("nested_mail", f"The mail nests more than {MAX_DEPTH} mails or parts. Send the invoice alone.")
    if message.is_multipart():
        inner: Any = message.get_payload()
        if len(inner) > MAX_PARTS:
            raise Refused("too_large", f"The mail has more than {MAX_PARTS} parts. Send the invoice alone.")
        for part in inner:
            yield from _leaves(part, depth + 1)
    elif kind_of((content := _payload(message))[:HEAD]) == "mail":
        yield from _leaves(_parsed(content), depth + 1)
    elif not _is_text(message):
        yield message


def _is_text(leaf: Message) -> bool:
    named = _name(leaf) is not None or leaf.get_content_subtype() == "xml"
    return leaf.get_content_maintype() == "text" and not named


def _is_decoration(leaf: Message, kind: Kind, size: int) -> bool:
    """A logo or an icon."""
    inline = leaf.get_content_disposition() == "inline" and leaf.get("Content-ID") is not None
    return kind == "image" and (inline or size < DECORATION)


def _payload(leaf: Message) -> bytes:
    try:
        data: Any = leaf.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return b""
    return data if isinstance(data, bytes) else b""


def _name(leaf: Message) -> str | None:
    """The file name the sender gave, for people only."""
    try:
        name = leaf.get_filename()
        return str(make_header(decode_header(name)))[:200] if name else None
    except (ValueError, LookupError, TypeError, UnicodeError):
        return "attachment"
