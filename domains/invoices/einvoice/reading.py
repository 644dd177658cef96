"""An e-invoice as an invoice record: every value is copied from the XML, none is guessed."""

from typing import Any

from agentflow import Evidence
from domains.invoices.einvoice import cii, ubl
from domains.invoices.einvoice.tree import Node, read
from domains.invoices.records import Invoice, Line

_SOURCE = "xml"


def parse(xml: bytes) -> Invoice:
    """Read UBL, CII or ZUGFeRD 1; a field is None where the XML does not have it or writes it against its type.

    Raises XmlError where the bytes are no e-invoice that is safe to read.
    """
    tree, syntax = read(xml)
    root, dialect = Node(tree), ubl if syntax == "ubl" else cii
    fields = {name: value for name, value in dialect.header(root).items() if value is not None}
    fields |= {"lines": [line for line in dialect.lines(root) if _bills(line)], "taxes": dialect.taxes(root)}
    return Invoice(**fields, evidence=_evidence(fields))


def _bills(line: Line) -> bool:
    """Whether a line is more than a heading or a note, which some senders write as a line of nothing."""
    return line != Line() and not (line.quantity == line.line_total == 0)


def _evidence(fields: dict[str, Any]) -> dict[str, Evidence]:
    rows = {f"lines.{row}.{name}": value for row, line in enumerate(fields["lines"]) for name, value in line}
    heads = {name: value for name, value in fields.items() if name not in ("lines", "taxes", "accounts")}
    said = {name: value for name, value in (heads | rows).items() if value is not None}
    return {name: Evidence(trust=1.0, source=_SOURCE, quote=str(value)) for name, value in said.items()}
