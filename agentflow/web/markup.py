"""XML as strictly as a document needs it: no document type, no entities or inclusions, nothing nested past reason."""

from typing import BinaryIO
from xml.parsers import expat

from agentflow.web.problems import Problem

DEEPEST = 100
MOST_ELEMENTS = 500_000
XINCLUDE = "http://www.w3.org/2001/XInclude "
CHUNK = 1 << 20
_ODD = expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]


def check_xml(source: BinaryIO) -> None:
    """Reads XML to its end or its first fault, and keeps none of it; memory stays constant.

    XML that is not well-formed is left to who reads it. Raises Problem where it is not safe to open.
    """
    counter = _Counter()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = counter.start
    parser.EndElementHandler = counter.end
    parser.StartDoctypeDeclHandler = _declares
    try:
        while chunk := source.read(CHUNK):
            parser.Parse(chunk, False)
    except expat.ExpatError as error:
        if error.code == _ODD:
            raise _unsafe("it is in an encoding of its own") from None
    except (LookupError, ValueError):
        raise _unsafe("it is in an encoding of its own") from None


class _Counter:
    def __init__(self) -> None:
        self._depth = 0
        self._elements = 0

    def start(self, name: str, _: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST or self._elements > MOST_ELEMENTS:
            raise _unsafe(f"it has over {DEEPEST} levels or {MOST_ELEMENTS} elements")
        if name.startswith(XINCLUDE):
            raise _unsafe("it includes other files")

    def end(self, _: str) -> None:
        self._depth -= 1


def _declares(*_: object) -> None:
    raise _unsafe("it has a document type of its own")


def _unsafe(why: str) -> Problem:
    return Problem("unsafe-document", f"The XML is not taken: {why}.")
