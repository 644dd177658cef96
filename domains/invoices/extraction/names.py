"""Names of parties: which lines may be one, and how far a name reaches."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from domains.invoices.extraction.addresses import (
    ATTENTION,
    SALUTATION,
    clean_name,
    could_be_name,
    has_legal_form,
    is_street,
    is_town,
)
from domains.invoices.extraction.blocks import NAME_LABEL
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Segment, Sheet, Token
from domains.invoices.extraction.labels import Label
from domains.invoices.extraction.money import traits
from domains.invoices.extraction.text import compact, fold

TITLE = re.compile(
    r"(?:original|copy|duplicate|kopie|seite|page|hinweis|notes?|bemerkung|thank you|welcome|tax invoice|danke|"
    r"position|menge|description|details|summary)\b"
)


TOTALS = frozenset({"sum", "grand", "net", "gross", "tax", "due", "subtotal", "amount"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a party may have, with what speaks for it (0 to 1) and where it is printed."""

    text: str
    score: float
    lines: tuple[Segment, ...]
    source: str

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens of its lines."""
        return tuple(t for s in self.lines for t in s.tokens)


def topmost(sheet: Sheet, line: Segment) -> bool:
    """Whether a line is the first of its page that may be a name, as the sender's is."""
    top = next((s for s in sheet.segments if could_be_name(s.text) and not no_name(s.text)), None)
    return top is not None and line.tokens[0] is top.tokens[0]


def same(a: str, b: str) -> bool:
    """Whether two names are one."""
    return fuzz.ratio(compact(a), compact(b)) > 88


def strip_name_label(text: str) -> str:
    """A line without a leading `Name:`."""
    stripped = NAME_LABEL.sub("", text) if ":" in text else text
    return stripped or text


def announcing(labels: Sequence[Label]) -> frozenset[int]:
    """Tokens that open a label, so that the line is not a name."""
    names = ("supplier", "buyer", "ship_to")
    return frozenset(
        lab.tokens[0].index for lab in labels if lab.first and (lab.role not in names or lab.alone or lab.colon)
    )


def first_name(lines: Sequence[Segment], taken: frozenset[int]) -> Segment | None:
    """The first line that may be a name; lines that open with one of the `taken` tokens are not."""
    return next((line for line in lines if is_name(line, taken)), None)


def is_name(line: Segment, taken: frozenset[int]) -> bool:
    """Whether a line may be the name of a party."""
    text = ATTENTION.sub("", strip_name_label(line.text))
    if line.tokens[0].index in taken or no_name(text) or SALUTATION.match(text) or not could_be_name(clean_name(text)):
        return False
    return ":" not in text or bool(NAME_LABEL.match(line.text))


def name_lines(lines: Sequence[Segment], taken: frozenset[int], size: float) -> list[Segment]:
    """The name in the lines of an address: one line, or a group that is set apart from the street below it."""
    first = first_name(lines, taken)
    if first is None:
        return []
    start = end = list(lines).index(first)
    while start and SALUTATION.match(lines[start - 1].text) and space(lines[start - 1], lines[start]) < 0.5 * size:
        start -= 1
    while end + 1 < len(lines) and space(lines[end], lines[end + 1]) < 0.5 * size and is_name(lines[end + 1], taken):
        end += 1
    apart = (
        end + 1 < len(lines)
        and end > start
        and space(lines[end], lines[end + 1]) > space(lines[start], lines[start + 1]) + 0.6 * size
    )
    address = end + 1 < len(lines) and (is_street(lines[end + 1].text) or is_town(lines[end + 1].text))
    return list(lines[start : end + 1]) if apart and address and end - start < 3 else [first]


def space(above: Segment, below: Segment) -> float:
    """The white between two lines."""
    return below.box[1] - above.box[3]


def no_name(text: str) -> bool:
    """Whether a line is a table head, a total, a currency, a note in brackets rather than a name."""
    if has_legal_form(text):
        return False
    plain = text.strip()
    if len(plain.split()) > 6 or find_dates(plain):
        return True
    return (
        bool(re.search(r"[%€$£*]|^\(.*\)$|[!?]$|\w{6,}\.$", plain))
        or len(plain) <= 3
        or bool(TITLE.match(fold(plain)))
        or bool(traits(plain) & TOTALS)
    )
