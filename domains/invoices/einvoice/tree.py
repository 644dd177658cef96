"""XML from strangers, read into a tree within bounds of size, depth and number, and without a DTD."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from xml.parsers import expat

from agentflow import AgentflowError

Syntax = Literal["ubl", "cii", "zugferd1"]

BYTES = 64 * 1024 * 1024
NODES = 500_000
DEPTH = 100
TEXT = 4_000
DIGITS = 40

_ROOTS: dict[str, Syntax] = {
    "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2 Invoice": "ubl",
    "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2 CreditNote": "ubl",
    "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100 CrossIndustryInvoice": "cii",
    "urn:ferd:CrossIndustryDocument:invoice:1p0 CrossIndustryDocument": "zugferd1",
    "urn:ferd:invoice:rc CrossIndustryDocument": "zugferd1",
}
_XINCLUDE = "http://www.w3.org/2001/XInclude "
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?!\d)", re.ASCII)


class XmlError(AgentflowError):
    """An XML file is broken, is no e-invoice, or asks for what no invoice needs (a DTD, entities, huge nesting)."""


class _Root(Exception):
    """Stops the reading as soon as the root element is known."""


def sniff(xml: bytes) -> Syntax | None:
    """Tell the syntax of an e-invoice by its root element; None where the bytes are no XML or another kind of XML.

    Raises XmlError where a DTD stands before the root element.
    """
    found: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        found.append(name)
        raise _Root

    try:
        _feed(xml[:BYTES], start, _ignore)
    except (_Root, expat.ExpatError, LookupError, ValueError):
        return _syntax(found[0]) if found else None
    return None


def read(xml: bytes) -> tuple[ET.Element, Syntax]:
    """Read an e-invoice into a tree.

    Raises XmlError: not an e-invoice, not well-formed, a DTD or XInclude, more than 64 MiB, 500,000 elements or
    100 levels.
    """
    if len(xml) > BYTES:
        raise XmlError(f"The XML has {len(xml)} bytes; at most {BYTES} are read. Send it without its attachments.")
    builder = _Builder()
    try:
        _feed(xml, builder.start, builder.end, builder.data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise XmlError(f"The XML is not well-formed ({error}). Ask the sender for an intact file.") from error
    root = builder.close()
    return root, _known(root)


def _known(root: ET.Element) -> Syntax:
    syntax = _syntax(root.tag.replace("}", " ").lstrip("{"))
    if syntax is None:
        raise XmlError(f"{root.tag} is not an e-invoice. UBL, CII and ZUGFeRD 1 are read.")
    return syntax


def _syntax(name: str) -> Syntax | None:
    """The syntax of a root element; the drafts of ZUGFeRD 1 differ in what follows the namespace's stem."""
    if name in _ROOTS:
        return _ROOTS[name]
    draft = name.startswith("urn:ferd:") and name.endswith(" CrossIndustryDocument")
    return "zugferd1" if draft else None


class _Builder:
    """Builds the tree while it counts."""

    def __init__(self) -> None:
        self._tree = ET.TreeBuilder()
        self._depth = 0
        self._nodes = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._nodes += 1
        if self._depth > DEPTH or self._nodes > NODES:
            raise XmlError(f"The XML has over {DEPTH} levels or over {NODES} elements, more than any invoice needs.")
        if name.startswith(_XINCLUDE):
            raise XmlError("The XML asks to include another file (XInclude). Ask the sender for a file without it.")
        self._tree.start(_clark(name), {_clark(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._tree.end(_clark(name))

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> ET.Element:
        return self._tree.close()


def _clark(name: str) -> str:
    return "{" + name.replace(" ", "}", 1) if " " in name else name


def _ignore(_: str) -> None:
    pass


def _feed(
    xml: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    data: Callable[[str], None] = _ignore,
) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.Parse(xml, True)


def _refuse_dtd(*_: Any) -> None:
    raise XmlError("The XML declares a DTD, which an e-invoice must not. Ask the sender for a file without it.")


class Node:
    """An element, or none, asked by paths of local names; `a/b|c/d` takes either b or c."""

    def __init__(self, element: ET.Element | None) -> None:
        self._element = element

    def all(self, path: str) -> "list[Node]":
        """Every element along the path, in document order."""
        found = [] if self._element is None else [self._element]
        for step in path.split("/"):
            names = step.split("|")
            found = [child for parent in found for child in parent if _local(child.tag) in names]
        return [Node(element) for element in found]

    def one(self, path: str) -> "Node":
        """The first element along the path, or an empty node."""
        return next(iter(self.all(path)), Node(None))

    @property
    def own(self) -> str | None:
        """The element's own text with white space folded, at most 4,000 characters; None where there is none."""
        return None if self._element is None else " ".join((self._element.text or "")[:TEXT].split()) or None

    def text(self, *paths: str) -> str | None:
        """The first text that is not empty along the paths, in their order."""
        return next((node.own for path in paths for node in self.all(path) if node.own), None)

    def number(self, *paths: str) -> Decimal | None:
        """The first text along the paths as xs:decimal; None where it is written in any other way."""
        return decimal(self.text(*paths))

    def attribute(self, name: str) -> str | None:
        """An attribute's value; None where it is absent or empty."""
        return None if self._element is None else (self._element.get(name) or "").strip() or None


def decimal(text: str | None) -> Decimal | None:
    """An xs:decimal; None for anything else, since a badly written number is not guessed at."""
    return Decimal(text) if text and len(text) <= DIGITS and _DECIMAL.fullmatch(text) else None


def iban(accounts: list[Node]) -> str | None:
    """The first account that has the form of an IBAN; UBL puts account numbers of other kinds in the same place."""
    return next((account for account in stated(accounts) if _IBAN.fullmatch(account)), None)


def stated(accounts: list[Node]) -> list[str]:
    """The accounts as written, letters and digits alone, without the word IBAN before them; each once."""
    plain = ("".join(c for c in (account.own or "").upper() if c.isalnum()) for account in accounts)
    return list(dict.fromkeys(text.removeprefix("IBAN") for text in plain if text))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def day(text: str | None) -> date | None:
    """A date of UBL (`2024-05-07`, a zone allowed) or CII (`20240507`); None for anything else."""
    match = _DAY.match(text or "")
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
