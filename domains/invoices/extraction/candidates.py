"""Candidates for labelled values (numbers of documents, dates): read by type, scored by label and place."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agentflow import Box
from domains.invoices.extraction.dates import Dated, find_dates
from domains.invoices.extraction.geometry import Sheet, Token, around
from domains.invoices.extraction.labels import MARKS, Label, below, right_of
from domains.invoices.extraction.text import fold

Value = str | date | Decimal


@dataclass(frozen=True, slots=True)
class Read:
    """A value read from tokens."""

    value: Value
    tokens: tuple[Token, ...]
    fit: float
    """How well the text is of the wanted type, 0 to 1."""


Reader = Callable[[Sequence[Token]], Read | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value a field may have, with the score of label, place and type (0 to 1) and where it is printed."""

    value: Value
    score: float
    page: int
    box: Box
    quote: str
    tokens: tuple[Token, ...]
    label: str = ""


ID = re.compile(r"[^\W_]*[\w][\w\-/.*_+–:&]*", re.IGNORECASE)
JOINERS = ("-", "/", "–", "_", ".")


def read_id(tokens: Sequence[Token]) -> Read | None:
    """A document number at the start of the tokens: holds a digit, is no date and no amount of money."""
    cleaned = list(tokens[:6])
    while cleaned and (not cleaned[0].plain or cleaned[0].plain in MARKS):
        cleaned = cleaned[1:]
    if not cleaned:
        return None
    taken = [cleaned[0]]
    for token in cleaned[1:]:
        gap = token.box[0] - taken[-1].box[2]
        if gap > 0.6 * token.height or not continues(taken, token):
            break
        taken.append(token)
    text = "".join(joined(taken)).strip(".,;:()[]#* ")
    if not any(c.isdigit() for c in text) or not 1 <= len(text) <= 40 or not ID.fullmatch(text.replace(" ", "")):
        return None
    return Read(text, tuple(taken), id_fit(text))


def continues(taken: list[Token], token: Token) -> bool:
    """Whether a number goes on in the next token: after a joiner, a short prefix, or digit groups in sequence."""
    text, last = token.text, taken[-1].text
    if last.endswith(JOINERS) or text.startswith(("-", "/", "–")):
        return any(c.isdigit() for c in text) or len(text) == 1
    if not any(c.isdigit() for c in "".join(t.text for t in taken)):
        return len(last) <= 5 and any(c.isdigit() for c in text)
    return bool(re.fullmatch(r"\d{1,6}", text) and re.fullmatch(r"[A-Z]{0,4}\d{1,6}", last) and len(taken) < 5)


def joined(tokens: Sequence[Token]) -> list[str]:
    """Texts with a blank between, save around joiners."""
    parts: list[str] = []
    for token in tokens:
        if parts and not (parts[-1].endswith(JOINERS) or token.text.startswith(JOINERS)):
            parts.append(" ")
        parts.append(token.text)
    return parts


def id_fit(text: str) -> float:
    """How much a text looks like the number of a document."""
    if find_dates(text) and find_dates(text)[0].end - find_dates(text)[0].start == len(text):
        return 0.15
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*[.,]\d{2}", text):
        return 0.2
    if len(text) == 1:
        return 0.4
    return 0.7 if re.fullmatch(r"\d{1,2}|(19|20)\d\d", text) else 1.0


def date_reader(day_first: bool) -> Reader:
    """Reads the first date of the tokens."""

    def read(tokens: Sequence[Token]) -> Read | None:
        near = list(tokens[:9])
        text = " ".join(t.text for t in near)
        found = find_dates(text, day_first) or packed(near)
        if not found or found[0].start > 30:
            return None
        first = found[0]
        lead = len(re.sub(r"\W", "", text[: first.start]))
        fit = 1.0 if lead == 0 else 0.85 if lead <= 8 else 0.55
        return Read(first.value, covered(near, first.start, first.end), fit)

    return read


def packed(tokens: Sequence[Token]) -> list[Dated]:
    """`20180605`, which only a label makes a date."""
    match = re.fullmatch(r"((?:19|20)\d\d)(\d\d)(\d\d)", tokens[0].text) if tokens else None
    return find_dates(f"{match[1]}-{match[2]}-{match[3]}") if match else []


def covered(tokens: Sequence[Token], start: int, end: int) -> tuple[Token, ...]:
    """The tokens that characters start to end of their joined text fall on."""
    at = 0
    hit: list[Token] = []
    for token in tokens:
        if at < end and at + len(token.text) > start:
            hit.append(token)
        at += len(token.text) + 1
    return tuple(hit) or (tokens[0],)


@dataclass(frozen=True, slots=True)
class Place:
    """A run of tokens that a label may announce."""

    label: Label
    tokens: tuple[Token, ...]
    near: float
    """How well the place speaks for the pair, 0 to 1."""


def places(sheet: Sheet, labels: Sequence[Label]) -> list[Place]:
    """For each label the tokens right of it and below it; what stands right of one label is not below another."""
    stops = frozenset(lab.tokens[0].index for lab in labels if lab.first or lab.colon)
    made: list[Place] = []
    claimed: set[int] = set()
    for label in labels:
        right = right_of(label, sheet, stops - {t.index for t in label.tokens})
        if right:
            gap = (right[0].box[0] - label.box[2]) / sheet.width
            made.append(Place(label, tuple(right), 1.0 if gap < 0.25 else 0.85 if gap < 0.5 else 0.6))
            if label.colon or gap < 0.05:
                claimed |= {t.index for t in right[:4]}
    for label in labels:
        under = below(label, sheet)
        if under and under.tokens[0].index not in stops and under.tokens[0].index not in claimed:
            made.append(Place(label, under.tokens, 0.9 if label.alone else 0.75))
    return made


def candidates(found: Iterable[Place], role: str, read: Reader) -> list[Candidate]:
    """The readable values of a role, best first."""
    made: list[Candidate] = []
    for place in found:
        if place.label.role != role:
            continue
        value = read(place.tokens)
        if value is not None:
            made.append(candidate(place, value))
    return sorted(made, key=lambda c: -c.score)


def candidate(place: Place, value: Read) -> Candidate:
    """A candidate from a place and what is read there."""
    label = place.label
    position = 1.0 if label.first or label.colon else 0.8
    weight = label.weight + (0.5 * (1 - label.weight) if label.first and label.colon else 0)
    score = weight * position * place.near * value.fit
    tokens = (*label.tokens, *value.tokens)
    quote = " ".join(t.text for t in tokens)
    return Candidate(
        value.value, score, label.page, around(t.box for t in value.tokens), quote, value.tokens, label.phrase
    )


def agreed(found: Sequence[Candidate]) -> list[Candidate]:
    """One candidate a value, best first; a value that several labels name gains."""
    best: dict[str, Candidate] = {}
    count: dict[str, int] = {}
    for each in found:
        key = fold(str(each.value)).replace(" ", "")
        count[key] = count.get(key, 0) + 1
        if key not in best or each.score > best[key].score:
            best[key] = each
    return sorted(
        best.values(), key=lambda c: -(c.score + 0.04 * min(count[fold(str(c.value)).replace(" ", "")] - 1, 3))
    )
