"""Whose VAT id it is: the supplier's or the buyer's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domains.invoices.extraction.candidates import Place
from domains.invoices.extraction.codes import Code, bare_vat, ibans, prefixed_vats
from domains.invoices.extraction.geometry import Segment, Sheet
from domains.invoices.extraction.labels import Label
from domains.invoices.extraction.names import Name
from domains.invoices.extraction.text import fold

YOURS = re.compile(
    r"\bv/|\b(?:vosso|vossa|seu|vs|deres|jeres|ihre?|your|votre|client|kunden?|customer|kaufers?|buyer|klant|uw|cliente|su|vostra|deres|ert?|asiakas|"
    r"asiakkaan|nabywc\w+|odberatel\w*|"
    r"acheteur|purchaser|recipient|empfangers?|leistungsempfangers?|koper|committente|cessionario|kundens|jeres|"
    r"afnemer|ostajan)\b"
)


PARTIES = ("buyer", "supplier", "ship_to")


@dataclass(frozen=True, slots=True)
class Vat:
    """A VAT id with what speaks for its party."""

    code: Code
    trust: float
    buyer: float
    """How surely it is the buyer's, 0 to 1."""


def party_vats(
    sheets: Sequence[Sheet], labels: Sequence[Label], found: Sequence[Place], buyer: Name | None
) -> tuple[Vat | None, Vat | None]:
    """The VAT ids of supplier and buyer."""
    known: dict[str, Vat] = {}
    for vat in (*prefixed(sheets, labels, buyer), *labelled(sheets, labels, found, buyer)):
        old = known.get(vat.code.value)
        if old is not None:
            known[vat.code.value] = Vat(old.code, max(old.trust, vat.trust), max(old.buyer, vat.buyer))
        elif not any(vat.code.value in k or k in vat.code.value for k in known):
            known[vat.code.value] = vat
    sold = sorted((v for v in known.values() if v.buyer < 0.5), key=lambda v: -v.trust)
    bought = sorted((v for v in known.values() if v.buyer >= 0.5), key=lambda v: -v.trust)
    return chosen(sold), chosen(bought)


def chosen(vats: Sequence[Vat]) -> Vat | None:
    """The best, trusted less where there are several."""
    if not vats:
        return None
    best = vats[0]
    rival = len(vats) > 1 and vats[1].trust > best.trust - 0.05
    return Vat(best.code, best.trust - (0.15 if rival else 0), best.buyer)


def prefixed(sheets: Sequence[Sheet], labels: Sequence[Label], buyer: Name | None) -> Iterator[Vat]:
    """Every id that shows its country, with or without a label."""
    marked = {lab.tokens[-1].index for lab in labels if lab.role == "vat_id"}
    for sheet in sheets:
        for segment in sheet.segments:
            banked = {t.index for code in ibans(segment.tokens) for t in code.tokens}
            for code in prefixed_vats(segment):
                if code.tokens[0].index in banked:
                    continue
                named = any(0 < code.tokens[0].index - n <= 3 for n in marked)
                named = named or code.tokens[-1].plain.endswith(("mwst", "tva", "iva", "mva"))
                if not named and not code.valid:
                    continue
                trust = 0.97 if code.valid and named else 0.93 if named else 0.8
                yield Vat(code, trust, belongs(code, sheet, labels, buyer))


def labelled(
    sheets: Sequence[Sheet], labels: Sequence[Label], found: Sequence[Place], buyer: Name | None
) -> Iterator[Vat]:
    """Ids behind a label, in any national form."""
    by_number = {sheet.number: sheet for sheet in sheets}
    for place in found:
        if place.label.role != "vat_id":
            continue
        code = bare_vat(place.tokens)
        if code:
            sheet = by_number[place.label.page]
            bare = code.value[:1].isdigit()
            trust = (0.96 if code.valid else 0.7 if bare else 0.92) * (1.0 if place.near > 0.9 else 0.9)
            yours = 0.95 if YOURS.search(fold(place.label.text)) else 0.0
            yield Vat(code, trust, yours or belongs(code, sheet, labels, buyer))


def belongs(code: Code, sheet: Sheet, labels: Sequence[Label], buyer: Name | None) -> float:
    """How surely an id is the buyer's: by the words before it, the heading above it, the buyer's block around it."""
    first = code.tokens[0]
    row = next(r for r in sheet.rows if any(t is first for s in r for t in s.tokens))
    lead = " ".join(t.text for s in row for t in s.tokens if first.box[0] - 0.4 * sheet.width < t.box[0] < first.box[0])
    if YOURS.search(fold(lead)):
        return 0.95
    heading = last_heading(code, sheet, labels)
    if heading:
        return 0.9 if heading.role in ("buyer", "ship_to") else 0.1
    return 0.8 if buyer and near_buyer(code, sheet, buyer) else 0.15


def last_heading(code: Code, sheet: Sheet, labels: Sequence[Label]) -> Label | None:
    """The heading of a party above an id in its column, within reach."""
    box = code.tokens[0].box
    over = [
        lab for lab in labels
        if lab.page == sheet.number and lab.role in PARTIES and (lab.alone or lab.colon) and lab.first
        and 0 <= box[1] - lab.box[1] < 14 * sheet.size
        and -0.05 * sheet.width < box[0] - lab.box[0] < 0.3 * sheet.width
    ]  # fmt: skip
    return max(over, key=lambda lab: (lab.box[1], lab.box[0])) if over else None


def near_buyer(code: Code, sheet: Sheet, buyer: Name) -> bool:
    """Whether an id stands in the lines below the buyer's name."""
    line: Segment | None = next((s for s in buyer.lines if s.page == sheet.number), None)
    if line is None:
        return False
    box, home = code.tokens[0].box, line.box
    return 0 <= box[1] - home[1] < 9 * sheet.size and -2 * sheet.size < box[0] - home[0] < 0.25 * sheet.width
