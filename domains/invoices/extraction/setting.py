"""The setting of a document: its language, its notation of numbers and dates, its currency."""

import re
from collections import Counter
from collections.abc import Sequence

from domains.invoices.extraction.dates import order_votes
from domains.invoices.extraction.geometry import Sheet
from domains.invoices.extraction.lexicon import places_table
from domains.invoices.extraction.money import Entry
from domains.invoices.extraction.notation import CODES, Notation, currency_of, decimal_mark
from domains.invoices.extraction.text import fold

KRONE = {"sv": "SEK", "da": "DKK", "no": "NOK", "SE": "SEK", "DK": "DKK", "NO": "NOK"}
US = re.compile(
    r"\b[A-Z]{2}\.?,?\s+\d{5}(?:-\d{4})?\b|\bUSA\b|United States|\bU\.S\.A?\b|\(\d{3}\)\s?\d{3}-\d{4}|\bEIN\b"
)
DOLLARS = (
    ("CAD", re.compile(r"\bCanada\b|\bHST\b|\b[A-Z]\d[A-Z] \d[A-Z]\d\b")),
    ("AUD", re.compile(r"\bABN\b|\bAustralia\b|\b(?:NSW|VIC|QLD) \d{4}\b")),
    ("SGD", re.compile(r"\bSingapore\b")),
    ("NZD", re.compile(r"\bNew Zealand\b")),
    ("HKD", re.compile(r"\bHKD\b")),
    ("MYR", re.compile(r"(?i)\bsdn\.?\s*bhd|\bMalaysia\b|\bRM\d|\bJalan\b")),
)


def language(sheets: Sequence[Sheet]) -> str:
    """The language most words of a document are of (ISO 639-1); English where none shows."""
    counts = Counter(w for sheet in sheets for t in sheet.tokens for w in re.findall(r"[^\W\d_]+", fold(t.text)))
    scores = {lang: sum(min(counts[w], 5) for w in words) for lang, words in places_table()["frequent"].items()}
    best = max(scores, key=lambda lang: scores[lang])
    return best if scores[best] else "en"


def notation(sheets: Sequence[Sheet], lang: str) -> Notation:
    """How the document writes numbers and dates, from all it prints; its language and country decide ties."""
    texts = [t.text for sheet in sheets for t in sheet.tokens]
    lines = [s.text for sheet in sheets for s in sheet.segments]
    votes = order_votes(lines)
    american = lang == "en" and any(US.search(line) for line in lines)
    return Notation(decimal_mark(texts), votes > 0 or (votes == 0 and not american))


def currency(
    sheets: Sequence[Sheet], listed: Sequence[Entry], lang: str, countries: Sequence[str]
) -> tuple[str, float, str] | None:
    """The currency (ISO 4217), its trust and what is printed for it; None where nothing tells."""
    texts = [s.text for sheet in sheets for s in sheet.segments]
    named = Counter(c for text in texts for c in re.findall(r"\b[A-Z]{3}\b", text) if c in CODES)
    signs = Counter(e.money.currency for e in listed if e.money.currency)
    dollar = signs["USD"] > named["USD"] and any("$" in text for text in texts)
    for code, pattern in DOLLARS if dollar else ():
        if any(pattern.search(text) for text in texts):
            return code, 0.8, "$"
    votes = Counter(signs) + Counter({code: 2 * n for code, n in named.items()})
    for text in texts:
        votes.update({c for w in text.split() if (not w.isalnum() or w == "RM") and (c := currency_of(w))})
    if votes:
        best = max(votes, key=lambda code: votes[code])
        trust = 0.97 if votes[best] > 0.7 * sum(votes.values()) else 0.75
        return best, trust, best if named[best] else _sign(best, texts)
    home = next((c for c in (*countries, lang) if c in KRONE), None)
    if home and any(re.search(r"\bkr\b", fold(text)) for text in texts):
        return KRONE[home], 0.93, "kr"
    known = [code for c in countries for code, homes in places_table()["currency"].items() if c in homes]
    return (known[0], 0.55, "") if known else None


def _sign(code: str, texts: Sequence[str]) -> str:
    """What the pages print for a currency that they do not name by its code; nothing where it cannot be told."""
    parts = (part for text in texts for word in text.split() for part in (word, *re.split(r"[\d.,+-]+", word)))
    return next((part for part in parts if part and currency_of(part) == code), "")
