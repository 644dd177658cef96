"""The pack: invoices in, entries in the books out, nothing silently wrong."""

from agentflow import Document, Documents, Pack, Policy, Price, workflow
from domains.invoices import checks, facts
from domains.invoices.connectors.books import Books
from domains.invoices.connectors.orders import Orders
from domains.invoices.connectors.register import Register
from domains.invoices.connectors.vendors import Vendors
from domains.invoices.einvoice import Rules
from domains.invoices.reading import Reader
from domains.invoices.records import Declined, Duplicate, Invoice, Matched, Posted, Question, Rejected
from domains.invoices.steps import decline, extract, extract_on_device, match, parse, post, posted, read

ALPHA = 0.01
"""The promised share of silently wrong values: a promised field is trusted .99, or a person is asked."""

PROMISED = tuple(
    name for name in Invoice.model_fields if name not in (*checks.SIDELINES, "lines", "taxes", "accounts", "evidence")
)
"""What a booking or a payment turns on. Of lines and taxes the sums are checked; addresses and terms only inform."""

EVERY = (
    checks.complete,
    checks.totals_add_up,
    checks.due_follows,
    checks.tax_rows_hold,
    checks.tax_rows_add_up,
    checks.tax_bases_add_up,
    checks.signs,
    checks.dates_in_order,
    checks.iban_valid,
    checks.bic_valid,
    checks.vat_ids_valid,
    checks.currency_known,
    facts.vendor_known,
    facts.order_agrees,
    facts.seen_before,
)

invoices = Pack(
    name="invoices",
    workflow=workflow("invoices", takes=Document, gives=Posted | Duplicate | Rejected)
    .step(read, checks=[facts.one_document])
    .step(
        parse,
        checks=[
            facts.rules_hold,
            facts.page_agrees,
            facts.page_account_on_file,
            facts.nothing_hidden_in_xml,
            checks.lines_add_up,
            checks.line_totals,
            *EVERY,
        ],
    )
    .step(
        extract,
        policy=Policy(ladder=("device", "small", "frontier"), alpha=ALPHA, promises=PROMISED),
        sources={"device": extract_on_device},
        checks=[
            facts.stands_on_page,
            facts.nothing_hidden,
            facts.lines_explained,
            facts.line_prices_explained,
            *EVERY,
        ],
    )
    .step(match, effect=True)
    .review(Question, answers=Matched | Declined)
    .step(decline, effect=True)
    .step(post, effect=True, lookup=posted)
    .build(),
    connectors=[Documents, Reader, Rules, Vendors, Orders, Register, Books],
    prices={Posted: Price("0.40"), Duplicate: Price("0.10"), Rejected: Price("0.05")},
    delivers=Invoice,
)
