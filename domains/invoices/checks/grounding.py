"""Grounding: every value read from a page stands on it, in whatever notation."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from rapidfuzz import fuzz

from agentflow import Evidence, Problem
from domains.invoices.checks.sources import printed
from domains.invoices.extraction.dates import PACKED, find_dates
from domains.invoices.extraction.notation import currency_of
from domains.invoices.extraction.text import CONFUSABLE, compact
from domains.invoices.records import Invoice, Layout, Page

INFERRED = frozenset(("type_code",))
"""What a quote only speaks for: the word `Gutschrift` stands for 381."""
ALIKE = 85
"""Per cent of a name or an address that must stand in its quote; the rest may be put right by its reader."""
_DIGITS = str.maketrans("OoQIl|", "000111")
_GROUPING = "'’´`"  # noqa: RUF001 the apostrophes that people print between thousands


def grounded(layout: Layout) -> Callable[[Invoice], list[Problem]]:
    """A check: `not_on_page` for each value that its quote does not say, or whose quote its page does not.

    What stands in a line is only noted: the totals vouch for it.
    """
    texts = {page.number: look(" ".join(word.text for word in page.words)) for page in layout.pages}
    words = {page.number: _words(page) for page in layout.pages}

    def missing(invoice: Invoice) -> list[Problem]:
        problems = (
            _problem(invoice, path, found) for path, found in invoice.evidence.items() if printed(invoice, path)
        )
        return [problem for problem in problems if problem]

    def _problem(invoice: Invoice, path: str, found: Evidence) -> Problem | None:
        value = value_at(invoice, path)
        if value is None or not found.quote:
            return None
        pages = [found.page] if found.page in texts else list(texts)
        if not any(_on_page(found.quote, texts[page], words[page]) for page in pages):
            return _told(path, f"The page does not say {found.quote!r}, from which {value} is taken.")
        if path not in INFERRED and not says(found.quote, value, path, invoice):
            return _told(path, f"{found.quote!r} does not say {value}.")
        return None

    return missing


def value_at(invoice: Invoice, path: str) -> Any:
    """The value that a path such as `lines.2.line_total` names; None where there is none."""
    name, *rest = path.split(".")
    value: Any = getattr(invoice, name, None)
    if not rest:
        return value
    place, _, part = ".".join(rest).partition(".")
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return getattr(items[int(place)], part, None) if place.isdigit() and int(place) < len(items) else None


def says(quote: str, value: Any, path: str, invoice: Invoice) -> bool:
    """Whether a quote says a value: the number, the date or the text, in any usual notation."""
    match value:
        case Decimal():
            return any(number == abs(value) for number in numbers(quote))
        case date():
            return value in _dates(quote) or (path == "due_date" and _by_terms(quote, value, invoice.issue_date))
        case str() if path == "currency":
            return _currency(quote, value)
        case str():
            return _text(quote, value, path)
        case _:
            return False


def _text(quote: str, value: str, path: str) -> bool:
    wanted, said = look(value), look(quote)
    if wanted in said or (path.endswith("vat_id") and wanted[2:] in said):
        return True
    return not _is_code(path) and fuzz.partial_ratio(wanted, said) >= ALIKE


def _is_code(path: str) -> bool:
    return path in {"invoice_number", "po_number", "iban", "bic", "supplier_vat_id", "buyer_vat_id"}


def _currency(quote: str, value: str) -> bool:
    """A sign or a code; where a sign stands for several currencies the document decides which."""
    signs = re.findall(r"[A-Za-złčKČ]{1,4}\.?|[^\w\s.,]{1,2}|[A-Z]{1,2}\$", quote)
    return value in quote.upper() or any(currency_of(sign) == value or sign.casefold() in "$ kr. €" for sign in signs)


def _dates(quote: str) -> set[date]:
    """Every date that a text can be read as, day first or month first."""
    found = {dated.value for day_first in (True, False) for dated in find_dates(quote, day_first)}
    packed = (match.groupdict() for match in PACKED.finditer(quote))
    return found | {day for part in packed if (day := _day(int(part["y"]), int(part["m"]), int(part["d"])))}


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _by_terms(quote: str, due: date, issued: date | None) -> bool:
    """Whether a due date follows from a term such as `30 days net`."""
    days = [int(n) for n in re.findall(r"(?<!\d)\d{1,3}(?!\d)", quote)] or [0]
    return issued is not None and any(issued + timedelta(days=n) == due for n in days)


def numbers(quote: str) -> Iterator[Decimal]:
    """Every number that a text can be read as: any separator as a decimal mark or between groups, blanks too."""
    for text in (quote, quote.translate(_DIGITS)):
        chunks = re.findall(rf"\d[\d.,{_GROUPING}]*|[.,]\d+", text)
        for start in range(len(chunks)):
            for end in range(start + 1, min(start + 5, len(chunks)) + 1):
                run = chunks[start:end]
                if all(re.match(r"\d{3}(?!\d)", chunk) for chunk in run[1:]):
                    yield from _readings("".join(run))


def _readings(digits: str) -> Iterator[Decimal]:
    bare = re.sub(f"[{_GROUPING}]", "", digits).rstrip(".,")
    for mark in ("", ".", ","):
        head, found, tail = bare.rpartition(mark) if mark else (bare, "", "")
        if mark and not found:
            continue
        try:
            yield Decimal(f"{re.sub('[.,]', '', head) or 0}.{tail or 0}")
        except InvalidOperation:
            continue


def _words(page: Page) -> frozenset[str]:
    return frozenset(look(part) for word in page.words for part in word.text.split())


def _on_page(quote: str, text: str, words: frozenset[str]) -> bool:
    """Whether a page says a quote, in one go or word by word: columns and lines may part what belongs together."""
    if look(quote) in text:
        return True
    return all(look(part) in words or look(part) in text for part in quote.split())


def _told(path: str, message: str) -> Problem:
    return Problem(code="not_on_page", path=path, message=message, severity="note" if "." in path else "error")


def look(text: str) -> str:
    """Letters and digits alone, those that an OCR engine mixes up made one."""
    return compact(text).translate(CONFUSABLE)
