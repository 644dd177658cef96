"""E-mails: the attachments that may be an invoice, found within bounds of depth and number."""

import email
import email.policy
import hashlib
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from domains.invoices.reading.kinds import HEAD, Kind, kind_of
from domains.invoices.reading.opened import MAX_BYTES, Refused

MAX_PARTS = 200
MAX_DEPTH = 4
DECORATION = 20_000
"""Bytes; a smaller picture in a mail is a logo or an icon."""


@dataclass(frozen=True)
class Part:
    """An attachment."""

    name: str
    data: bytes
    kind: Kind


def parts(data: bytes) -> list[Part]:
    """The attachments that are read, each once; Refused where the mail is nested or split beyond reason."""
    found: dict[str, Part] = {}
    total = 0
    for leaf in _leaves(email.message_from_bytes(data, policy=email.policy.compat32), 0):
        part = _part(leaf, len(found) + 1)
        if part is None:
            continue
        total += len(part.data)
        if total > MAX_BYTES or len(found) > MAX_PARTS:
            raise Refused("too_large", "The mail holds more than can be read. Send the invoice alone.")
        found.setdefault(hashlib.sha256(part.data).hexdigest(), part)
    return list(found.values())


def _leaves(message: Message, depth: int) -> list[Message]:
    if depth > MAX_DEPTH:
        raise Refused("nested_mail", f"The mail nests more than {MAX_DEPTH} mails or parts. Send the invoice alone.")
    if not message.is_multipart():
        return [message]
    inner: Any = message.get_payload()
    if len(inner) > MAX_PARTS:
        raise Refused("too_large", f"The mail has more than {MAX_PARTS} parts. Send the invoice alone.")
    deeper = depth + 1
    return [leaf for part in inner for leaf in _leaves(part, deeper)]


def _part(leaf: Message, number: int) -> Part | None:
    """A leaf of the mail as an attachment; None for its text, its decoration and what is not read."""
    name = _name(leaf)
    if name is None and leaf.get_content_maintype() == "text" and leaf.get_content_subtype() != "xml":
        return None
    data = _payload(leaf)
    kind = kind_of(data[:HEAD])
    if kind in (None, "mail") or (kind == "image" and (len(data) < DECORATION or _is_inline(leaf))):
        return None
    return Part(name or f"part {number}", data, kind)


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


def _is_inline(leaf: Message) -> bool:
    return leaf.get_content_disposition() == "inline" and leaf.get("Content-ID") is not None
