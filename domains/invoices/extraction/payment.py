"""How to pay: bank account, terms, and the due date that the terms name."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from domains.invoices.extraction.candidates import Place, Value
from domains.invoices.extraction.codes import Code, ibans, labelled_bic, labelled_iban
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Sheet, Token
from domains.invoices.extraction.text import fold

PAY = re.compile(
    r"zahlbar|zahlung|zahlen|fallig|uberweis|begleich|payable|payment|pay |due|remit|payer|regler|reglement|"
    r"echeance|betal|voldoen|maksu|platn|zaplat|splatn|pagament|pagar|pago|netto|net "
)
CASH = re.compile(r"skonto|discount|escompte|sconto|descuento|korting|kassarabat|rabatt|alennus|skonta|pronto pago")
DAYS = re.compile(
    r"(\d{1,3})\s*(?:tage|tagen|days|day|jours|j\b|dagen|dager|dagar|dage|gg\b|giorni|dias|pv\b|paivaa|dni|dnu|"
    r"kalendertage|werktage|nap)"
)
PROMPT = re.compile(
    r"sofort|immediate|upon receipt|on receipt|comptant|a reception|per direct|a vista|al contado|pronto pagamento|"
    r"cash on delivery"
)


def find_iban(sheets: Sequence[Sheet], found: Sequence[Place]) -> tuple[Code, float] | None:
    """The account to pay to, with its trust: a valid IBAN, else what stands behind the label."""
    valid: dict[str, Code] = {}
    for sheet in sheets:
        for row in sheet.rows:
            for segment in row:
                for code in ibans(segment.tokens):
                    valid.setdefault(code.value, code)
            if not valid:
                for code in ibans([t for s in row for t in s.tokens]):
                    valid.setdefault(code.value, code)
    if valid:
        best = next(iter(valid.values()))
        return best, (0.97 if best.valid else 0.85) - (0.25 if len(valid) > 1 else 0)
    for place in found:
        code = labelled_iban(place.tokens) if place.label.role == "iban" else None
        if code:
            return code, 0.5
    return None


def find_bic(found: Sequence[Place]) -> tuple[Code, float] | None:
    """The labelled BIC."""
    for place in found:
        code = labelled_bic(place.tokens) if place.label.role == "bic" else None
        if code:
            return code, 0.92
    return None


def find_terms(found: Sequence[Place]) -> tuple[str, float, tuple[Token, ...]] | None:
    """The labelled terms of payment as printed."""
    for place in found:
        if place.label.role == "terms" and (place.label.first or place.label.colon):
            text = " ".join(t.text for t in place.tokens)
            if len(text) > 3 and any(c.isalpha() for c in text):
                return text, 0.7, place.tokens
    return None


def due_from_terms(
    sheets: Sequence[Sheet], day_first: bool, issued: Value | None
) -> tuple[date, float, tuple[Token, ...], str] | None:
    """The due date in a sentence on payment: a date that is not the discount's, else days after the invoice date."""
    for sheet in sheets:
        lines = list(sheet.segments)
        for at, line in enumerate(lines):
            if not PAY.search(fold(line.text)):
                continue
            following = (
                lines[at + 1].text
                if at + 1 < len(lines) and abs(lines[at + 1].box[0] - line.box[0]) < 3 * sheet.size
                else ""
            )
            stated = stated_due(f"{line.text} {following}", day_first)
            if stated:
                return stated, 0.8, line.tokens, line.text
    for sheet in sheets:
        for line in sheet.segments:
            days = DAYS.search(fold(line.text)) if PAY.search(fold(line.text)) else None
            if days and isinstance(issued, date) and not CASH.search(fold(line.text)):
                return issued + timedelta(days=int(days[1])), 0.6, line.tokens, line.text
            if isinstance(issued, date) and PAY.search(fold(line.text)) and PROMPT.search(fold(line.text)):
                return issued, 0.5, line.tokens, line.text
    return None


def stated_due(text: str, day_first: bool) -> date | None:
    """The date by which a sentence wants the whole amount: the one whose clause names no discount."""
    found = find_dates(text, day_first)
    if not found:
        return None
    clauses = [(fold(text[a.end if a else 0 : b.end]), b) for a, b in zip([None, *found[:-1]], found, strict=True)]
    whole = [d for clause, d in clauses if not CASH.search(clause)]
    wanted = [
        d
        for clause, d in clauses
        if not CASH.search(clause)
        and re.search(
            r"bis|by|before|avant|until|spatest|am|on|uiterlijk|senest|entro|antes|do|viimeist|due|le|fallig|senast|"
            r"vor|innen|voor|within",
            clause,
        )
    ]
    chosen = wanted or whole
    return max(d.value for d in chosen) if chosen else None
