"""Whether the page of a hybrid invoice says the same as the XML in it.

Silence is no disagreement: a value that the page does not print is a problem only where every invoice prints it (the
number, what is to be paid) or where the page prints another value in its place.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal

from agentflow import Problem
from domains.invoices.codes import plain
from domains.invoices.einvoice.printed import Printed, dates_in, readings
from domains.invoices.extraction.text import compact, fold
from domains.invoices.records import Invoice, Layout

_WORDS = 25
"""Words from which on a page is taken to print what every invoice prints."""
_HALF = 0.5
_CERTAIN = 0.8
"""Score from which on a label says for certain which date stands by it."""
_SHORT = 3
"""Characters up to which an invoice number may be met by chance, so that only a labelled one counts."""

_NET = re.compile(
    r"\b(netto(betrag|summe|total)?|(sub ?|sous.)total|net (total|amount)|(total|totaal|totale|montant)\W+"
    r"(net|netto|ht|excl|ohne|hors)|(base )?imponibile|rechnungssumme (netto|ohne)|summa exkl|sum eks)\b"
)
_TAX = re.compile(
    r"\b(ust|umsatzsteuer|mwst|mehrwertsteuer|steuer\w*|vat|tva|tax(es|e)?|btw|iva|moms|mva|dph|alv|afa)\b"
)
_PAYING = re.compile(
    r"\b(zahl\w*|uberweis\w*|fallig\w*|pay\w*|remit\w*|due|until|echeance|regle\w*|paiement|payer|betal\w*|"
    r"verval\w*|pagamento|pagar|pago|scaden\w*|vencimiento|vencimento|forfall\w*|forfald\w*|termin\w*|splatnost\w*)\b"
)
_DISCOUNT = re.compile(r"skonto|discount|escompte|korting|sconto|descuento|rabatt")
_MONEY = re.compile(r"\d[.,]\d\d(?!\d)")
_BUYER = re.compile(
    r"\b(client|customer|kunde\w*|buyer|bill to|acheteur|kaufer|empfanger|klant|afnemer|cliente|votre|your|ihre?|"
    r"destinataire|kund|kjoper|kober|nabywca)\b"
)
_VAT_WORD = re.compile(r"\b(ust\w*|umsatzsteuer\w*|mwst\w*|vat|tva|btw|iva|moms|mva|uid|nip|dph|dic|alv|afa|tax)\b")
_VAT_ID = re.compile(
    r"(?<![A-Z0-9])(?:AT|BE|BG|CHE|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|XI)"
    r"[ .-]?[0-9A-Z](?:[ .-]?[0-9]){6,11}(?:[ .-]?(?:B\d\d|MVA|MWST|TVA|IVA|[A-Z]))?(?![A-Z0-9])"
)
_SIGNS = {
    r"€|\beuros?\b": ("EUR",),
    r"£": ("GBP",),
    r"\$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "BRL"),
    r"¥": ("JPY", "CNY"),
    r"\bs?fr\.": ("CHF",),
    r"\bkr\b|:-": ("SEK", "NOK", "DKK", "ISK"),
    r"\bzł": ("PLN",),
    r"\bkč": ("CZK",),
    r"\bft\b": ("HUF",),
    r"\blei\b": ("RON",),
    r"\bлв": ("BGN",),
}
"""Printed signs of money and the currencies that each may stand for."""
_CODES = re.compile(r"(?<![A-Z])(EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|CAD|AUD|JPY|CNY)(?![A-Z])")
_FORMS = (
    "gmbh mbh inc ltd llc llp plc sarl sas eurl spa srl bvba sprl aps oyj sro kft zrt doo ead ood eood gbr ohg kgaa ug "
    "and und the les des der die das von van den del della firma company group holding international"
)
_NOT_NAMES = frozenset(_FORMS.split())
"""Legal forms and fillers, which many names share."""


def disagreements(invoice: Invoice, layout: Layout) -> list[Problem]:
    """A problem `page_disagrees` for each field where the pages show another value than the XML.

    Dates, numbers and codes count as the same in any usual notation; signs do not count, since credit notes are
    printed with either. Pages with hardly any text agree with everything.
    """
    page = Printed.of(layout)
    if page.words < _WORDS:
        return []
    return [problem for rule in _RULES for problem in rule(invoice, page)]


def _number(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    number = invoice.invoice_number
    if number and not _prints_number(number, page):
        yield _problem("invoice_number", number, "the page does not show it", page.labelled_numbers())


def _prints_number(number: str, page: Printed) -> bool:
    code = plain(number)
    if len(code) <= _SHORT and page.labelled_numbers():
        return code in page.labelled_numbers()
    return any(_whole(code).search(row) for row in page.rows)


def _whole(code: str) -> re.Pattern[str]:
    """A number with any separators in it, not as part of a longer one; small letters may have run into it."""
    spelt = r"[\W_]*".join(re.escape(c) for c in code)
    before, after = r"(?<![A-Z0-9])(?<![^\W_][-/_])(?<!\d\.)", r"(?![A-Z0-9])(?![-/_][^\W_])(?!\.\d)"
    return re.compile(f"{before}(?i:{spelt}){after}")


def _issued(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    issued = invoice.issue_date
    if issued is None or not page.dates:
        return
    labelled, certain = page.labelled_dates("issue_date"), page.labelled_dates("issue_date", _CERTAIN)
    if issued not in page.dates:
        yield _problem("issue_date", issued, "the page does not show it", labelled or page.dates)
    elif certain and issued not in labelled:
        yield _problem("issue_date", issued, "the page dates the invoice otherwise", certain)


def _due(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    due = invoice.due_date
    if due is None or due in page.dates:
        return
    spoken = {day for row in page.rows for day in _paid_by(fold(row))} - {invoice.issue_date}
    others = page.labelled_dates("due_date") | spoken
    if others:
        yield _problem("due_date", due, "the page says otherwise", others)


def _paid_by(row: str) -> set[date]:
    """The dates of a row that speaks of paying; a single one beside a discount may be the discount's."""
    days = dates_in(row) if _PAYING.search(row) else set[date]()
    return set() if len(days) == 1 and _DISCOUNT.search(row) else days


def _to_pay(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    """The total and what is due: a page prints at least one of them, and the second where they differ."""
    if not page.amounts:
        return
    sums = {"gross_total": invoice.gross_total, "amount_due": invoice.amount_due}
    known = {field: amount for field, amount in sums.items() if amount is not None}
    absent = {field: amount for field, amount in known.items() if not _prints_amount(amount, page)}
    for field, amount in absent.items():
        paid = field == "amount_due" and amount == 0
        rounded = field == "gross_total" and "amount_due" not in absent and _close(amount, invoice.amount_due)
        if not (paid or rounded):
            yield _problem(field, amount, "the page does not show it")


def _close(one: Decimal, other: Decimal | None) -> bool:
    """Whether two sums differ by no more than rounding to whole units of money."""
    return other is not None and abs(one - other) < 1


def _net(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    net = invoice.net_total
    if net is not None and not _prints_amount(net, page):
        others = _amounts_by(_NET, page)
        if others:
            yield _problem("net_total", net, "the page says otherwise", others)


def _tax(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    """The total tax, which need not be printed where its parts are."""
    total, parts = invoice.tax_total, [tax.amount for tax in invoice.taxes if tax.amount is not None]
    if not total or _prints_amount(total, page) or (parts and all(_prints_amount(part, page) for part in parts)):
        return
    others = _amounts_by(_TAX, page)
    if others:
        yield _problem("tax_total", total, "the page says otherwise", others)


def _amounts_by(label: re.Pattern[str], page: Printed) -> list[Decimal]:
    """The amounts of money in the rows that a label stands in."""
    rows = (row for row in page.rows if _MONEY.search(row) and label.search(fold(row)))
    return sorted({amount for row in rows for amount in readings(row)})


def _prints_amount(amount: Decimal, page: Printed) -> bool:
    return abs(amount).quantize(Decimal("0.01")) in page.amounts


def _currency(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    text = "\n".join(page.rows)
    signed = {code for sign, codes in _SIGNS.items() if re.search(sign, text.casefold()) for code in codes}
    shown = signed | set(_CODES.findall(text))
    if invoice.currency and shown and invoice.currency not in shown:
        yield _problem("currency", invoice.currency, "the page counts in another currency", shown)


def _account(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    iban = plain(invoice.iban or "")
    if iban and page.accounts and iban not in page.accounts and iban not in page.codes.replace("\n", ""):
        yield _problem("iban", iban, "the page names another account", page.accounts)


def _vat_ids(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    rows = [(fold(row), row.upper()) for row in page.rows]
    taxed = [(bool(_BUYER.search(low)), up) for low, up in rows if _VAT_WORD.search(low)]
    printed = [(buyers, plain(match[0])) for buyers, row in taxed for match in _VAT_ID.finditer(row)]
    own = {"supplier_vat_id": plain(invoice.supplier_vat_id or ""), "buyer_vat_id": plain(invoice.buyer_vat_id or "")}
    for field, code in own.items():
        of_buyer = field == "buyer_vat_id"
        others = {vat_id for buyers, vat_id in printed if buyers == of_buyer} - set(own.values())
        if code and others and not _prints_code(code, page):
            yield _problem(field, code, "the page names another one", others)


def _prints_code(code: str, page: Printed) -> bool:
    """Whether the page prints a code, or at least its digits, since the country is often left out."""
    digits = re.sub(r"\D", "", code)
    return code in page.codes or (len(digits) > 6 and digits in page.codes)


def _names(invoice: Invoice, page: Printed) -> Iterator[Problem]:
    """A party whose name is hardly printed; with its VAT id on the page a word of the name is enough."""
    for field, name, vat_id in (
        ("supplier_name", invoice.supplier_name, invoice.supplier_vat_id),
        ("buyer_name", invoice.buyer_name, invoice.buyer_vat_id),
    ):
        words = _significant(name or "")
        share = sum(len(word) for word in words if page.says(word)) / (sum(map(len, words)) or 1)
        known = bool(vat_id) and _prints_code(plain(vat_id or ""), page)
        if words and share < (_HALF if not known else 0.01):
            yield _problem(field, name, "the page does not show it")


def _significant(name: str) -> list[str]:
    """The words of a name that tell it from others; all of it where no word is long enough."""
    words = [word for word in re.findall(r"[^\W_]+", fold(name)) if len(word) > 2 and word not in _NOT_NAMES]
    return words or [whole for whole in [compact(name)] if whole]


def _problem(field: str, stated: object, finding: str, shown: Iterable[object] = ()) -> Problem:
    values = ", ".join(sorted(str(value) for value in shown)[:5])
    also = f": {values}" if values else ""
    words = field.replace("_", " ")
    message = f"The XML gives the {words} as {stated}, but {finding}{also}. Ask the supplier which one holds."
    return Problem(code="page_disagrees", path=field, message=message)


_RULES: tuple[Callable[[Invoice, Printed], Iterator[Problem]], ...] = (
    _number, _issued, _due, _to_pay, _net, _tax, _currency, _account, _vat_ids, _names,
)  # fmt: skip
