"""Documents as benchmark cases: the pages as the pack reads them, and the right answer with its quotes.

`python -m tests.benchmarks.invoice_gold --write truth.jsonl` writes them for `python -m agentflow.testing`.
"""

import argparse
import asyncio
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow import Document, Documents
from agentflow.testing.truth import GoldLine, dump_lines
from domains.invoices.asking import HEADS, page_text
from domains.invoices.checks.grounding import look, says
from domains.invoices.einvoice import parse
from domains.invoices.reading import Reader
from domains.invoices.records import Invoice, Layout, Page, Pages
from tests.benchmarks.invoices import DATA, ROOT

__all__ = ["DATA", "ROOT", "Case", "read_cases", "read_gold"]

Answer = dict[str, Any]
"""What a model that makes no mistake says: the head as `{"value", "quote"}`, lines and taxes as plain rows."""

PAGE_KINDS = ("pdf_stripped", "pdf_plain", "scan_pdf", "scan_render")
ASKED = frozenset(
    (
        "supplier_name", "supplier_vat_id", "invoice_number", "type_code", "issue_date", "due_date", "currency",
        "net_total", "tax_total", "gross_total", "amount_due", "iban", "buyer_name", "buyer_vat_id", "po_number",
    )
)  # fmt: skip
"""The fields that have gold labels."""
_MOST_WORDS = {Decimal: 3, date: 4}
_KIND = re.compile(r"(?i)rechnung|invoice|fact|factuur|gutschrift|credit|beleg|bill")


@dataclass(frozen=True)
class Case:
    """A document that has to be read from its pages."""

    id: str
    cluster: str
    """The document it is a form of: a scan and the PDF that it was made from are one."""
    supplier: str
    kind: str
    pages: Pages
    layout: Layout
    text: str
    """What a model is shown."""
    answer: Answer
    gold: Mapping[str, Any]
    """The labelled fields that the page shows; `type_code` is left out, since no page prints one."""
    sound: bool = True
    """False where the document itself breaks what a check asks for: a bank account that cannot exist."""

    @property
    def sha256(self) -> str:
        """Of the text that a model is shown."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_gold(data: Path) -> list[dict[str, Any]]:
    """The lines of gold.jsonl that are invoices."""
    lines = (data / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line.get("task") == "invoice"]


async def read_cases(data: Path, documents: Documents, reader: Reader, kinds: Sequence[str] = PAGE_KINDS) -> list[Case]:
    """The documents of these kinds that can be read, in the order of gold.jsonl."""
    gold = {line["id"]: line for line in read_gold(data)}
    cases: list[Case] = []
    for line in gold.values():
        if line["kind"] in kinds:
            cases += await _case(line, gold, data, documents, reader)
    return cases


async def _case(
    line: Mapping[str, Any], gold: Mapping[str, Any], data: Path, documents: Documents, reader: Reader
) -> list[Case]:
    document = await documents.add(data / line["file"], Path(line["file"]).name)
    async with documents.file(document.sha256) as path:
        opened = await reader.read(path, document.name)
    if opened.layout is None:
        return []
    root = _root(line, gold)
    xml = await _xml_of(root, data, documents, reader)
    stored = await documents.put(opened.layout.model_dump_json().encode())
    pages = Pages(document=document, layout=stored, count=len(opened.layout.pages), source=opened.source)
    answer = right_answer(opened.layout, line["fields"], line["visible_fields"], line.get("lines") or [], xml)
    said = {name: line["fields"][name] for name in line["visible_fields"] if answer.get(name) and name != "type_code"}
    sound = all((line.get("checks") or root.get("checks") or {}).values())
    supplier = line["fields"]["supplier_name"] or ""
    return [
        Case(
            id=line["id"], cluster=root["id"], supplier=supplier, kind=line["kind"], pages=pages,
            layout=opened.layout, text=page_text(opened.layout), answer=answer, gold=said, sound=sound,
        )
    ]  # fmt: skip


def _root(line: Mapping[str, Any], gold: Mapping[str, Any]) -> Mapping[str, Any]:
    while twin := gold.get(line.get("twin_of") or ""):
        line = twin
    return line


async def _xml_of(line: Mapping[str, Any], data: Path, documents: Documents, reader: Reader) -> Invoice | None:
    """What the XML inside the document says, where it holds one."""
    document: Document = await documents.add(data / line["file"], Path(line["file"]).name)
    async with documents.file(document.sha256) as path:
        opened = await reader.read(path, document.name)
    made = parse(opened.xml) if opened.xml else None
    return made if isinstance(made, Invoice) else None


def right_answer(
    layout: Layout,
    fields: Mapping[str, Any],
    visible: Sequence[str],
    lines: Sequence[Mapping[str, Any]],
    xml: Invoice | None,
) -> Answer:
    """The labelled values that the page shows, with where; of those without a label, what the XML says and it shows."""
    labelled = Invoice.model_validate({n: v for n, v in fields.items() if v is not None})
    answer: Answer = {}
    for name in HEADS:
        value = getattr(labelled, name) if name in ASKED else getattr(xml, name, None)
        quote = (
            None
            if value is None or (name in ASKED - {"type_code"} and name not in visible)
            else (quote_of(layout, name, value, labelled))
        )
        answer[name] = None if quote is None else {"value": str(value), "quote": quote}
    # A model is told that what is no credit note is 380, whether or not somebody labelled it.
    answer["type_code"] = answer["type_code"] or _kind(layout, labelled)
    answer["prepaid"] = answer["prepaid"] or _prepaid(layout, labelled)
    taxes = [tax.model_dump(mode="json", exclude={"category"}) for tax in xml.taxes] if xml else []
    return {**answer, "lines": [dict(line) for line in lines], "taxes": taxes}


def _kind(layout: Layout, labelled: Invoice) -> dict[str, str] | None:
    quote = quote_of(layout, "type_code", "380", labelled)
    return {"value": "380", "quote": quote} if quote else None


def _prepaid(layout: Layout, labelled: Invoice) -> dict[str, str] | None:
    """What is paid already (EN 16931: BT-113 = BT-112 - BT-115), where the page prints it and nobody labelled it."""
    if labelled.gross_total is None or labelled.amount_due in (None, labelled.gross_total):
        return None
    paid = labelled.gross_total - labelled.amount_due
    quote = quote_of(layout, "prepaid", paid, labelled)
    return {"value": str(paid), "quote": quote} if quote else None


def quote_of(layout: Layout, name: str, value: Any, invoice: Invoice) -> str | None:
    """The shortest run of words on a page that says the value; None where there is none."""
    if name == "type_code":
        words = [word.text for page in layout.pages for word in page.words]
        return next((word for word in words if _KIND.search(word)), words[0] if words else None)
    runs = (run for page in layout.pages for run in _runs(page, name, value))
    return next((run for run in sorted(runs, key=lambda r: len(r.split())) if says(run, value, name, invoice)), None)


def _runs(page: Page, name: str, value: Any) -> Iterator[str]:
    """The runs of neighbouring words that could say the value."""
    words = [word.text for word in page.words]
    most = _MOST_WORDS.get(type(value), len(str(value).split()) + 3)
    wanted = look(str(value))
    for start in range(len(words)):
        for length in range(1, most + 1):
            run = " ".join(words[start : start + length])
            if isinstance(value, str) and name != "currency":
                if wanted in look(run):
                    yield run
            elif name == "currency" or any(c.isdigit() for c in run):
                yield run


def truth_lines(cases: Sequence[Case]) -> str:
    """The text of a truth file of the faulty-model server: a case is known by the text that a model is shown."""
    return dump_lines(GoldLine(case=case.id, answer=case.answer, sha256=case.sha256) for case in cases)


def main() -> None:
    """Writes the truth file of a folder's documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "domains" / "invoices" / "samples")
    parser.add_argument("--write", type=Path, required=True)
    args = parser.parse_args()
    args.write.write_text(asyncio.run(_truth(args.data)), encoding="utf-8")


async def _truth(data: Path) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        async with Documents.open(None, Path(scratch)) as documents, Reader.open(None, Path(scratch)) as reader:
            return truth_lines(await read_cases(data, documents, reader))


if __name__ == "__main__":
    main()
