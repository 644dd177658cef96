"""Labels on a page: phrases that announce a field, and the tokens beside or below them that may be its value."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentflow import Box
from domains.invoices.extraction.geometry import Segment, Sheet, Token, around, beside, overlap
from domains.invoices.extraction.lexicon import Meaning, look_up

LONGEST = 8
"""Tokens that a label may have."""
MARKS = ("nr", "no", "n", "number", "nummer", "numero", "num", "numer", "cislo", "nro", "c")
"""The number sign, as `compact` writes it in the languages of the lexicon."""
REACH = 60
"""Tokens before and, three times as many, behind a label in reading order that may stand on its line."""
TITLES = ("rechnung", "gutschrift", "factuur", "faktura", "nota")
"""What the compounds of Germanic languages for an invoice end with."""
SENTENCE = 6
"""Words from which on a run of text is taken as prose, in which a word is less likely a label."""


@dataclass(frozen=True, slots=True)
class Label:
    """A phrase that announces a field."""

    role: str
    weight: float
    phrase: str
    tokens: tuple[Token, ...]
    first: bool
    """Whether it opens its segment."""
    alone: bool
    """Whether its segment holds nothing else."""

    @property
    def box(self) -> Box:
        """The smallest box that holds it all."""
        return around(t.box for t in self.tokens)

    @property
    def page(self) -> int:
        """1-based page it stands on."""
        return self.tokens[0].page

    @property
    def colon(self) -> bool:
        """Whether it ends with a mark that announces a value."""
        return self.tokens[-1].text.endswith((":", "#", "№"))

    @property
    def text(self) -> str:
        """Its tokens with blanks between."""
        return " ".join(t.text for t in self.tokens)


def find_labels(sheet: Sheet, fuzzy: bool) -> list[Label]:
    """Every label of a page; a phrase with two meanings gives two labels with the same tokens."""
    found: list[Label] = []
    for row in sheet.rows:
        for segment in row:
            found += segment_labels(segment, fuzzy)
        found += title_number(row, found)
    return found


def segment_labels(segment: Segment, fuzzy: bool) -> Iterator[Label]:
    """The labels of one segment, the longest first where several begin at one token."""
    tokens = segment.tokens
    start = 0
    while start < len(tokens):
        hit = longest(tokens, start, fuzzy)
        if hit is None:
            start += 1
            continue
        end, phrase, meanings = hit
        part = tokens[start:end]
        prose = len(tokens) > SENTENCE and start > 0 and not part[-1].text.endswith(":")
        for meaning in meanings:
            weight = meaning.weight * (0.6 if prose else 1.0)
            yield Label(meaning.role, weight, phrase, part, start == 0, start == 0 and end == len(tokens))
        start = end


def longest(tokens: Sequence[Token], start: int, fuzzy: bool) -> tuple[int, str, tuple[Meaning, ...]] | None:
    """The longest label that begins at a token: where it ends, its phrase, its meanings."""
    if not tokens[start].plain:
        return None
    best: tuple[int, str, tuple[Meaning, ...]] | None = None
    phrase = ""
    for end in range(start, min(len(tokens), start + LONGEST)):
        token = tokens[end]
        if end > start and re.fullmatch(r"\(\w{1,4}\)", token.text):
            continue
        phrase += token.plain
        known = look_up(phrase, fuzzy)
        if known and (token.plain or best is None):
            best = (end + 1, known[0], known[1])
        if token.text.endswith(":"):
            break
    while best and best[0] < len(tokens) and tokens[best[0]].text in (":", "-", ".:", ";"):
        best = (best[0] + 1, best[1], best[2])
    return best


def title_number(row: tuple[Segment, ...], found: list[Label]) -> Iterator[Label]:
    """`Rechnung des Versicherers Nr. 17`: a number sign in a row that opens with the word for an invoice."""
    opening = [
        lab for lab in found[-12:] if lab.role == "invoice_number" and lab.first and lab.tokens[0] is row[0].tokens[0]
    ]
    tokens = [t for segment in row for t in segment.tokens]
    compound = len(tokens[0].plain) > 9 and tokens[0].plain.endswith(TITLES)
    if not compound and (not opening or opening[-1].weight == 1.0):
        return
    start = len(opening[-1].tokens) if opening else 1
    for token, after in pairwise(tokens[start:]):
        if token.plain in MARKS and any(c.isdigit() for c in after.text):
            yield Label("invoice_number", 0.9, "nr", (token,), False, False)
            return


def right_of(label: Label, sheet: Sheet, stops: frozenset[int]) -> list[Token]:
    """The tokens right of a label on its line, up to the next label; `stops` holds the indexes that open labels."""
    box = label.box
    start = label.tokens[0].index - sheet.tokens[0].index
    near = sheet.tokens[max(0, start - REACH) : start + 3 * REACH]
    line = [t for t in near if t.box[0] >= box[2] - 1 and beside(t.box, box)]
    taken: list[Token] = []
    for token in sorted(line, key=lambda t: t.box[0]):
        if token in label.tokens:
            continue
        if token.index in stops:
            break
        taken.append(token)
    return taken


def below(label: Label, sheet: Sheet) -> Segment | None:
    """The nearest segment under a label, in its column."""
    box = label.box
    under: list[tuple[float, Segment]] = []
    for segment in sheet.segments:
        other = segment.box
        gap = other[1] - box[3]
        if -0.3 * sheet.size <= gap <= 2.2 * sheet.size and other[1] > box[1] and aligned(box, other, sheet.size):
            under.append((gap, segment))
    return min(under, key=lambda u: (round(u[0]), abs(u[1].box[0] - box[0])))[1] if under else None


def aligned(label: Box, value: Box, size: float) -> bool:
    """Whether a value stands in the column of a label: flush left, flush right, or mostly above one another."""
    shared = overlap(label[0], label[2], value[0], value[2])
    narrow = min(label[2] - label[0], value[2] - value[0])
    flush = abs(label[0] - value[0]) < 1.2 * size or abs(label[2] - value[2]) < 1.2 * size
    return flush or shared >= 0.6 * narrow
