"""The steps of the job: read a file, make an invoice of it, match it with the buyer's own data, book it."""

import asyncio

from agentflow import Document, Documents, EffectKey, JobId, Model, Problem
from domains.invoices.asking import ask_for_invoice
from domains.invoices.connectors.books import Books
from domains.invoices.connectors.orders import Orders
from domains.invoices.connectors.register import Register
from domains.invoices.connectors.seen import Seen
from domains.invoices.connectors.vendors import Vendors
from domains.invoices.einvoice import parse as parse_xml
from domains.invoices.extraction import is_invoice, read_invoice
from domains.invoices.reading import Opened, Reader
from domains.invoices.records import (
    Declined,
    Duplicate,
    EInvoice,
    Invoice,
    Layout,
    Matched,
    Pages,
    Posted,
    Question,
    Rejected,
)
from domains.invoices.vouching import vouched


async def read(document: Document, *, documents: Documents, reader: Reader) -> EInvoice | Pages | Rejected:
    """Opens the file, whatever it is, and says what there is to go on with."""
    async with documents.file(document.sha256) as path:
        opened = await reader.read(path, document.name)
    notes = [opened.problem.model_copy(update={"severity": "note"})] if opened.problem else []
    if opened.kind == "einvoice" and opened.xml and opened.syntax:
        return EInvoice(
            document=document,
            xml=await documents.put(opened.xml),
            syntax=opened.syntax,
            layout=await _keep(documents, opened.layout),
            hidden=opened.hidden,
            notes=notes,
        )
    if opened.kind == "pages" and opened.layout:
        return await _pages(document, opened, opened.layout, documents, notes)
    return Rejected(problems=[opened.problem] if opened.problem else [])


async def parse(einvoice: EInvoice, *, documents: Documents) -> Invoice | Rejected:
    """Takes the invoice from its XML as it stands there."""
    return parse_xml(await documents.get(einvoice.xml))


async def extract(pages: Pages, *, documents: Documents, vendors: Vendors, model: Model) -> Invoice:
    """Has a language model read the invoice from its pages; every value comes with the quote it follows from."""
    return vouched(await ask_for_invoice(model, await layout_of(documents, pages.layout)), vendors)


async def extract_on_device(pages: Pages, *, documents: Documents, vendors: Vendors) -> Invoice:
    """Reads the invoice from words and boxes, and looks its supplier up in the vendor book."""
    layout = await layout_of(documents, pages.layout)
    return vouched(await asyncio.to_thread(read_invoice, layout), vendors)


async def match(
    invoice: Invoice, *, vendors: Vendors, orders: Orders, register: Register, job: JobId, key: EffectKey
) -> Matched | Duplicate | Question:
    """Claims the invoice for this job, unless an earlier job has it, and draws it on its order."""
    before = await register.claim(invoice, job.value)
    if before is not None:
        return Duplicate(of=before.job, problems=[_same_as(before)])
    found = vendors.match(invoice)
    vendor = found.vendor if found else None
    matched = Matched(
        invoice=invoice, vendor_id=vendor.vendor_id if vendor else None, account=vendor.account if vendor else None
    )
    exceeded = await orders.draw(invoice, job.value)
    return Question(matched=matched, problems=exceeded) if exceeded else matched


async def decline(declined: Declined, *, register: Register, orders: Orders, job: JobId, key: EffectKey) -> Rejected:
    """Gives back what was claimed for the invoice, so that a corrected one is no duplicate of it."""
    await orders.release(job.value)
    await register.release(job.value)
    return Rejected(problems=declined.problems)


async def post(matched: Matched, *, books: Books, orders: Orders, job: JobId, key: EffectKey) -> Posted:
    """Writes the invoice into the books, once, and draws it on its order, whoever approved it."""
    await orders.draw(matched.invoice, job.value, approved=True)
    posting = await books.post(matched.invoice, key.value, vendor_id=matched.vendor_id, account=matched.account)
    return Posted(entry=posting.id, vendor_id=matched.vendor_id, account=matched.account)


async def posted(*, books: Books, key: EffectKey) -> Posted | None:
    """What the books have of an earlier run that ended in the middle of posting."""
    posting = await books.find(key.value)
    return Posted(entry=posting.id, vendor_id=posting.vendor_id, account=posting.account) if posting else None


async def layout_of(documents: Documents, sha256: str) -> Layout:
    """The pages stored under `sha256`."""
    return Layout.model_validate_json(await documents.get(sha256))


async def _pages(
    document: Document, opened: Opened, layout: Layout, documents: Documents, notes: list[Problem]
) -> Pages | Rejected:
    kind = is_invoice(layout)
    if not kind.invoice:
        message = f"This is no invoice: {kind.reason}. If it is one, enter it by hand."
        return Rejected(problems=[Problem(code="not_an_invoice", message=message)])
    return Pages(
        document=document,
        layout=await documents.put(layout.model_dump_json().encode()),
        count=len(layout.pages),
        source=opened.source,
        hidden=opened.hidden,
        notes=notes,
    )


def _same_as(before: Seen) -> Problem:
    said = f"{before.invoice_number} of {before.supplier_name}, {before.gross_total}"
    message = f"The same invoice came before: {said}. Nothing is booked again."
    return Problem(code="duplicate", message=message, severity="note", reference=before.job)


async def _keep(documents: Documents, layout: Layout | None) -> str | None:
    return await documents.put(layout.model_dump_json().encode()) if layout else None
