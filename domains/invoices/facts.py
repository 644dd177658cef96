"""Checks that look beyond the invoice: the rules of its form, its page, the buyer's own data."""

from functools import lru_cache

from agentflow import Documents, JobId, Problem, ties
from domains.invoices import checks
from domains.invoices.connectors.orders import Orders
from domains.invoices.connectors.register import Register
from domains.invoices.connectors.vendors import Vendors
from domains.invoices.einvoice import Rules
from domains.invoices.einvoice.agreement import disagreements
from domains.invoices.einvoice.printed import Printed
from domains.invoices.records import EInvoice, Invoice, Layout, Pages, Rejected


async def rules_hold(invoice: Invoice, einvoice: EInvoice, *, documents: Documents, rules: Rules) -> list[Problem]:
    """`rule_broken` for each rule of EN 16931 that the XML breaks."""
    xml = await documents.get(einvoice.xml)
    return [*einvoice.notes, *await rules.broken(xml, einvoice.syntax, hybrid=einvoice.layout is not None)]


async def page_agrees(invoice: Invoice, einvoice: EInvoice, *, documents: Documents) -> list[Problem]:
    """`page_disagrees` for each field that the page prints otherwise than its XML says."""
    if einvoice.layout is None:
        return []
    return disagreements(invoice, Layout.model_validate_json(await documents.get(einvoice.layout)))


async def page_account_on_file(
    invoice: Invoice, einvoice: EInvoice, *, documents: Documents, vendors: Vendors
) -> list[Problem]:
    """`bank_details_changed` where the XML names no account and the page one that the vendor book does not have."""
    match = vendors.match(invoice)
    if einvoice.layout is None or invoice.accounts or match is None or not match.vendor.ibans:
        return []
    page = Printed.of(Layout.model_validate_json(await documents.get(einvoice.layout)))
    strange = sorted(page.accounts - match.vendor.ibans)
    if not strange or page.accounts & match.vendor.ibans:
        return []
    message = f"The page asks for payment to {strange[0]}; the vendor book has another account of {match.vendor.name}."
    return [Problem(code="bank_details_changed", path="iban", message=message, reference=match.vendor.vendor_id)]


def one_document(rejected: Rejected) -> list[Problem]:
    """Keeps with a person what holds several invoices: it is readable, but not one job."""
    several = [problem for problem in rejected.problems if problem.code == "several_documents"]
    return [problem.model_copy(update={"severity": "error"}) for problem in several]


def nothing_hidden_in_xml(invoice: Invoice, einvoice: EInvoice) -> list[Problem]:
    """`hidden_text` where the file holds text that no reader of its page can see."""
    return _hidden(einvoice.hidden)


def nothing_hidden(invoice: Invoice, pages: Pages) -> list[Problem]:
    """`hidden_text` where the file holds text that no reader of its page can see."""
    return [*pages.notes, *_hidden(pages.hidden)]


async def stands_on_page(invoice: Invoice, pages: Pages, *, documents: Documents) -> list[Problem]:
    """`not_on_page` for each value that its quote does not show, or whose quote the page does not."""
    return (await _of_page(pages, documents)).grounded(invoice)


@ties("lines.*.line_total", "net_total")
async def lines_explained(invoice: Invoice, pages: Pages, *, documents: Documents) -> list[Problem]:
    """`lines_differ` where the lines do not add up and the page does not say why."""
    return (await _of_page(pages, documents)).lines(invoice)


@ties("lines.*.quantity", "lines.*.unit_price", "lines.*.line_total")
async def line_prices_explained(invoice: Invoice, pages: Pages, *, documents: Documents) -> list[Problem]:
    """`line_mismatch` where a line is not its quantity x price and the page does not say why."""
    return (await _of_page(pages, documents)).prices(invoice)


def vendor_known(invoice: Invoice, *, vendors: Vendors) -> list[Problem]:
    """What differs from the vendor book."""
    return vendors.problems(invoice)


async def order_agrees(
    invoice: Invoice, *, orders: Orders, vendors: Vendors, register: Register, job: JobId
) -> list[Problem]:
    """What differs from the purchase order that the invoice names; nothing where the invoice itself came before."""
    if any(seen.relation == "same" for seen in await register.similar(invoice, job.value)):
        return []
    found = vendors.match(invoice)
    problems = await orders.problems(invoice, job.value, found.vendor.vendor_id if found else None)
    # Whether the order still has room is asked where the invoice is drawn on it, once.
    return [problem for problem in problems if problem.code != "order_amount_exceeded"]


async def seen_before(invoice: Invoice, *, register: Register, job: JobId) -> list[Problem]:
    """What was seen before and is, or could be, the same invoice."""
    return await register.problems(invoice, job.value)


class _PageChecks:
    """The checks that hold an invoice against its page, which is read once for all of them and all answers."""

    def __init__(self, layout: Layout) -> None:
        self.grounded = checks.grounded(layout)
        self.lines = checks.lines_explained(layout)
        self.prices = checks.line_prices_explained(layout)


@lru_cache(32)
def _page_checks(layout: bytes) -> _PageChecks:
    return _PageChecks(Layout.model_validate_json(layout))


async def _of_page(pages: Pages, documents: Documents) -> _PageChecks:
    return _page_checks(await documents.get(pages.layout))


def _hidden(texts: list[str]) -> list[Problem]:
    if not texts:
        return []
    shown = "; ".join(text[:80] for text in texts[:3])
    message = f"The file holds text that its page does not show: {shown}. Look at who sent it before you trust it."
    return [Problem(code="hidden_text", message=message)]
