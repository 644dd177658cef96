"""Reading an invoice: from words and boxes to a record with evidence for every value."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from agentflow import Evidence
from domains.invoices.extraction.breakdown import TaxRow
from domains.invoices.extraction.candidates import Candidate, Place, agreed, candidates, date_reader, places, read_id
from domains.invoices.extraction.codes import Code
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Sheet, Token, around, sheets
from domains.invoices.extraction.kind import type_code
from domains.invoices.extraction.labels import Label, find_labels
from domains.invoices.extraction.money import Entry, entries, groups_with_blanks, traits
from domains.invoices.extraction.names import Name
from domains.invoices.extraction.notation import Notation
from domains.invoices.extraction.parties import party_names
from domains.invoices.extraction.payment import due_from_terms, find_bic, find_iban, find_terms
from domains.invoices.extraction.setting import currency, language, notation
from domains.invoices.extraction.tables import read_lines, tax_rows
from domains.invoices.extraction.taxids import party_vats
from domains.invoices.extraction.totals import Sum, Totals, choose_totals
from domains.invoices.records import Invoice, Layout, Line, Tax

SOURCE = "device"
DOUBTFUL = 0.6
SPEAKING = 0.34
"""From this score on a name is one that something speaks for."""
GUESSED = 0.25
"""Up to this score a labelled value is a guess."""
FLOOR = 0.45
"""Values trusted less than this are not given."""
NET_DAYS = frozenset((14, 21, 30, 45, 60, 90))
"""Days that invoices are usually payable in without a discount."""
UNRIVALLED = 0.75
"""From this trust on no other date came close."""
BY_CHANCE = 0.2
"""How much of the doubt in a due date is left when it falls on usual terms: about one wrong date in five would."""


SPELLING = 0.9
"""How surely an OCR engine spells a name of several words right."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value with its trust and the tokens it is printed with."""

    value: str | date | Decimal
    trust: float
    tokens: tuple[Token, ...] = ()
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A document cut up and annotated, from which the fields are read."""

    sheets: Sequence[Sheet]
    lang: str
    notation: Notation
    labels: Sequence[Label]
    places: Sequence[Place]
    entries: Sequence[Entry]
    scanned: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What the source read, and by name the identities that hold between the totals."""

    invoice: Invoice
    identities: frozenset[str]


def read_invoice(layout: Layout) -> Invoice:
    """What the pages say, field by field; a field the source is not sure of is null.

    `evidence` gives trust (0 to 1), page (1-based), box (points) and quote of each value, under the field's name or,
    for a line, under `lines.0.line_total`.
    """
    return report(layout).invoice


def report(layout: Layout) -> Report:
    """`read_invoice` with the identities that hold: `net+tax=gross`, `rows=tax`, `bases=net`, `lines=net` ..."""
    reading = annotate(layout)
    taxes = tax_rows(reading.sheets, reading.notation)
    lines, line_sum = read_lines(reading.sheets, reading.notation)
    exempt = any("exempt" in traits(s.text) for sheet in reading.sheets for s in sheet.segments)
    totals = choose_totals(reading.entries, taxes, line_sum, exempt)
    found = {**header(reading), **parties(reading)}
    found |= money(reading, totals, found.get("supplier_vat_id"))
    found = signed(found)
    found = {name: f for name, f in found.items() if f.trust >= FLOOR}
    evidence = {name: evidence_of(f) for name, f in found.items()}
    values = {name: f.value for name, f in found.items()}
    listed = [line.line for line in lines]
    for number, line in enumerate(lines):
        shown = Evidence(trust=line.trust, source=SOURCE, page=line.page, box=line.box, quote=line.quote)
        evidence |= {f"lines.{number}.{name}": shown for name, value in line.line if value is not None}
    return Report(assemble(values, listed, taxes, evidence), totals.identities)


def signed(found: dict[str, Found]) -> dict[str, Found]:
    """On a credit note with totals below nought the signs are doubtful: some books want them turned."""
    gross, kind = found.get("gross_total"), found.get("type_code")
    if not (gross and kind and kind.value == "381" and isinstance(gross.value, Decimal) and gross.value < 0):
        return found
    totals = ("net_total", "tax_total", "gross_total", "amount_due")
    return {name: replace(f, trust=min(f.trust, DOUBTFUL)) if name in totals else f for name, f in found.items()}


def assemble(
    values: Mapping[str, object], lines: list[Line], taxes: Sequence[TaxRow], evidence: dict[str, Evidence]
) -> Invoice:
    """The record of all that was found."""
    listed = [Tax(rate=t.rate, base=t.base, amount=t.amount) for t in taxes]
    return Invoice.model_validate({**values, "lines": lines, "taxes": listed, "evidence": evidence})


def annotate(layout: Layout) -> Reading:
    """A layout cut into rows and segments, with its labels, its amounts and its notation."""
    pages = sheets(layout.pages)
    lang = language(pages)
    style = notation(pages, lang)
    scanned = {page.number for page in layout.pages if page.source == "ocr"}
    labels: list[Label] = []
    placed: list[Place] = []
    for sheet in pages:
        here = find_labels(sheet, sheet.number in scanned)
        labels += here
        placed += places(sheet, here)
    spaced = groups_with_blanks(pages)
    listed = [e for sheet in pages for e in entries(sheet, style.decimal, spaced)]
    return Reading(pages, lang, style, labels, placed, listed, bool(scanned))


def evidence_of(found: Found) -> Evidence:
    """The evidence of a value."""
    if not found.tokens:
        return Evidence(trust=found.trust, source=SOURCE, quote=found.quote)
    box = around(t.box for t in found.tokens)
    quote = found.quote or " ".join(t.text for t in found.tokens)
    return Evidence(trust=found.trust, source=SOURCE, page=found.tokens[0].page, box=box, quote=quote)


def header(reading: Reading) -> dict[str, Found]:
    """Numbers, dates, type and currency."""
    dates = date_reader(reading.notation.day_first)
    code, trust = type_code(reading.sheets)
    number = pick(agreed(candidates(reading.places, "invoice_number", read_id)))
    labelled = [*candidates(reading.places, "issue_date", dates), *beside_number(reading, number)]
    issued = pick(agreed(sorted(labelled, key=lambda c: -c.score)) or loose_date(reading))
    found = {
        "type_code": Found(code, trust),
        "invoice_number": number,
        "issue_date": issued,
        "po_number": pick(agreed(candidates(reading.places, "po_number", read_id))),
        "delivery_date": pick(agreed(candidates(reading.places, "delivery_date", dates))),
        "due_date": due_date(reading, issued),
    }
    return {name: each for name, each in found.items() if each}


def due_date(reading: Reading, issued: Found | None) -> Found | None:
    """The due date: labelled, else as a sentence on payment has it."""
    dates = date_reader(reading.notation.day_first)
    labelled = pick(agreed(candidates(reading.places, "due_date", dates)))
    if labelled:
        return borne_out(labelled, issued)
    stated = due_from_terms(reading.sheets, reading.notation.day_first, issued and issued.value)
    return Found(*stated) if stated else None


def borne_out(due: Found, issued: Found | None) -> Found:
    """A due date that falls on usual net terms after the issue date is trusted more: two dates rarely do by chance.

    Shorter terms are those of discounts too, and bear nothing out; nor do they lift a date that has a rival.
    """
    if issued is None or due.trust < UNRIVALLED:
        return due
    to, since = due.value, issued.value
    usual = isinstance(to, date) and isinstance(since, date) and (to - since).days in NET_DAYS
    return replace(due, trust=1 - (1 - due.trust) * BY_CHANCE) if usual else due


def pick(found: Sequence[Candidate]) -> Found | None:
    """The best candidate with its trust: its own score, less where another value comes close."""
    if not found:
        return None
    best = found[0]
    second = next((c.score for c in found[1:]), 0.0)
    trust = 0.62 + 0.37 * best.score - (0.3 if second > 0.85 * best.score else 0)
    return Found(best.value, trust if best.score > GUESSED else 0.0, best.tokens, best.quote)


OF = ("vom", "of", "du", "dated", "del", "van", "av", "den", "fra", "dnia", "dne", "da", "de")
"""Words between an invoice number and its date."""


def beside_number(reading: Reading, number: Found | None) -> list[Candidate]:
    """`Nr. 17 of 2 May 2020`: the date that follows the invoice number, or opens the line after it."""
    if number is None:
        return []
    read = date_reader(reading.notation.day_first)
    sheet = next(s for s in reading.sheets if s.number == number.tokens[0].page)
    last = number.tokens[-1]
    row = next(r for r in sheet.rows if any(t is last for s in r for t in s.tokens))
    after = [t for s in row for t in s.tokens if t.index > last.index][:4]
    following = [t for t in sheet.tokens if t.index > last.index][:4]
    if len(after) <= 1 and following and following[0].plain in OF:
        after = following
    value = read(after)
    if value is None or value.fit < 0.8:
        return []
    return [Candidate(value.value, 0.95, sheet.number, last.box, " ".join(t.text for t in after), value.tokens)]


PLACED = re.compile(r"(?:[^\W\d_][\w.' -]{2,25}\s?,\s*(?:den|the|le|li|il|dnia|dne|el)?\s*)?", re.IGNORECASE)
"""What may stand before the date of a letter: the town it is written in."""


def loose_date(reading: Reading) -> list[Candidate]:
    """Without a labelled date: the first date on the first page that stands alone or behind the name of a town."""
    for sheet in reading.sheets[:1]:
        for segment in sheet.segments:
            dates = find_dates(segment.text, reading.notation.day_first)
            if dates and PLACED.fullmatch(segment.text[: dates[0].start]):
                return [Candidate(dates[0].value, 0.65, sheet.number, segment.box, segment.text, segment.tokens)]
    return []


def parties(reading: Reading) -> dict[str, Found]:
    """Names and tax ids of supplier and buyer."""
    sold, bought = party_names(reading.sheets, reading.labels)
    found: dict[str, Found] = {}
    for field, names in (("supplier_name", sold), ("buyer_name", bought)):
        if names:
            found[field] = named(names, SPELLING if reading.scanned else 1.0)
    vats = party_vats(reading.sheets, reading.labels, reading.places, bought[0] if bought else None)
    for field, vat in zip(("supplier_vat_id", "buyer_vat_id"), vats, strict=True):
        if vat:
            found[field] = coded(vat.code, vat.trust)
    return found


def named(names: Sequence[Name], spelt: float) -> Found:
    """The best name with its trust; `spelt` is how surely its letters are read right."""
    best = names[0]
    close = len(names) > 1 and names[1].score > 0.9 * best.score
    trust = 0.35 + 0.65 * best.score - (0.15 if close else 0)
    return Found(best.text, (trust if best.score > SPEAKING else 0.0) * spelt, best.tokens)


def coded(code: Code, trust: float) -> Found:
    """A number with a known form as a value."""
    return Found(code.value, trust, code.tokens)


def money(reading: Reading, totals: Totals, vat: Found | None) -> dict[str, Found]:
    """Totals, currency and bank account."""
    found: dict[str, Found] = {}
    pairs = (
        ("net_total", totals.net), ("tax_total", totals.tax), ("gross_total", totals.gross), ("amount_due", totals.due),
        ("prepaid", totals.prepaid), ("rounding", totals.rounding),
    )  # fmt: skip
    for name, total in pairs:
        if total:
            found[name] = summed(total)
    bank = find_iban(reading.sheets, reading.places)
    if bank:
        found["iban"] = coded(*bank)
    bic = find_bic(reading.places)
    if bic:
        found["bic"] = coded(*bic)
    terms = find_terms(reading.places)
    if terms:
        found["payment_terms"] = Found(terms[0], terms[1], terms[2])
    countries = [bank[0].value[:2]] if bank else []
    countries += [str(vat.value)[:2]] if vat else []
    code = currency(reading.sheets, reading.entries, reading.lang, countries)
    if code:
        found["currency"] = Found(code[0], code[1], quote=code[2] or None)
    return found


def summed(total: Sum) -> Found:
    """A total as a value with its place."""
    if total.entry is None:
        return Found(total.value, total.trust)
    tokens = (*total.entry.heading, *total.entry.money.tokens)
    return Found(total.value, total.trust, total.entry.money.tokens, " ".join(t.text for t in tokens))
