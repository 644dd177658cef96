"""What kind of paper it is: an invoice, a credit note, or none of both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domains.invoices.extraction.geometry import Sheet, sheets
from domains.invoices.extraction.lexicon import kind_words
from domains.invoices.extraction.text import compact
from domains.invoices.records import Layout

CODED = re.compile(r"\((3[2389]\d|575|751|877|261|262)\)")
"""A UNTDID 1001 code that is printed behind the title."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Whether a document is an invoice or a credit note, and what says so."""

    invoice: bool
    reason: str


def is_invoice(layout: Layout) -> Kind:
    """Whether the pages are an invoice, a credit note or a receipt.

    Conservative: False only where there is no text to speak of, where the page names itself otherwise and nowhere in
    a title says invoice, or where it shows neither the word for an invoice nor any amount of money.
    """
    pages = sheets(layout.pages)
    texts = [s.text for sheet in pages for s in sheet.segments]
    if sum(len(t) for t in texts) < 20:
        return Kind(False, "there is no text on the pages")
    words = kind_words()
    own = (*words["invoice"], *words["receipt"], *words["credit"])
    other = next(
        (kind for kind in words if kind not in ("invoice", "receipt", "credit") and titled(pages, words[kind])), None
    )
    if other and not titled(pages, own):
        return Kind(False, f"the page calls itself {other}")
    named = any(
        t.plain in own or (len(t.plain) > 8 and t.plain.startswith(own)) for sheet in pages for t in sheet.tokens
    )
    if not named and not any(re.search(r"\d[.,]\d{2}(?!\d)", t) for t in texts):
        return Kind(False, "the pages show neither the word for an invoice nor an amount of money")
    return Kind(True, "the page calls itself an invoice" if named else "the page shows amounts of money")


def titled(pages: Sequence[Sheet], words: Sequence[str]) -> bool:
    """Whether a short line on the first page opens with one of the words, or with a compound that ends in one."""
    for line in pages[0].segments if pages else ():
        if len(line.tokens) > 6 or line.box[1] > 0.6 * pages[0].height:
            continue
        for end in range(1, min(4, len(line.tokens)) + 1):
            phrase = compact("".join(t.plain for t in line.tokens[:end]))
            if phrase in words or any(len(w) > 6 and phrase.endswith(w) for w in words):
                return True
    return False


def type_code(pages: Sequence[Sheet]) -> tuple[str, float]:
    """The UNTDID 1001 code, as printed in brackets behind the title or by the title's word; with its trust.

    Which of the many codes for an invoice it is a page does not tell: the trust in 380 is that it is none for a credit.
    """
    for sheet in pages[:1]:
        for line in sheet.segments:
            printed = CODED.search(line.text)
            if printed and line.box[1] < 0.5 * sheet.height:
                return printed[1], 0.97
    words = kind_words()
    if titled(pages, words["credit"]):
        return "381", 0.85
    return "380", 0.97 if titled(pages, words["invoice"]) else 0.6
