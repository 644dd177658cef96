"""The geometry of a page: tokens, the rows and segments they stand in, and what is beside or below what."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agentflow import Box
from domains.invoices.extraction.text import compact, fold
from domains.invoices.records import Page, Word

GLUED = re.compile(r"(?<=[^\W\d_])(?P<mark>[.]?[:;#]|\.?№)(?=[^\s/\\])|(?<=[^\W\d_]{3}\.)(?=\d)")
"""Where a label has run into its value: `Date:14/12/2017`, `Invoice#:17`."""

BLANK = re.compile(r"(?<=\s)(?<!\d[\u00a0\u2009\u202f])\S|(?<=\d[\u00a0\u2009\u202f])\D")
"""Where a new token begins behind white space; fixed blanks between digits group thousands and cut nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word without blanks, with its place; `index` counts through the document in reading order."""

    index: int
    page: int
    text: str
    box: Box
    plain: str
    """`compact` of the text."""

    @property
    def height(self) -> float:
        """Points from top to bottom."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        """The height of its middle on the page."""
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens of one row that stand close enough to be read as one phrase or one cell."""

    tokens: tuple[Token, ...]
    row: int
    """Index of the row the segment is part of."""
    text: str
    box: Box

    @property
    def page(self) -> int:
        """1-based page it stands on."""
        return self.tokens[0].page


def segment(tokens: Sequence[Token], row: int) -> Segment:
    """A segment of tokens; there must be one."""
    return Segment(tuple(tokens), row, " ".join(t.text for t in tokens), around(t.box for t in tokens))


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page, cut into rows and segments."""

    number: int
    width: float
    height: float
    rows: tuple[tuple[Segment, ...], ...]
    row_offset: int
    """Index of the first row in the document."""
    size: float
    """The usual height of a token, in points."""

    segments: tuple[Segment, ...]
    tokens: tuple[Token, ...]


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all boxes; there must be one."""
    listed = list(boxes)
    return (
        min(b[0] for b in listed), min(b[1] for b in listed), max(b[2] for b in listed), max(b[3] for b in listed),
    )  # fmt: skip


def overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """The length that two intervals share."""
    return max(0.0, min(a1, b1) - max(a0, b0))


def beside(a: Box, b: Box) -> bool:
    """Whether two boxes stand on one line of text."""
    shorter = min(a[3] - a[1], b[3] - b[1])
    return overlap(a[1], a[3], b[1], b[3]) >= 0.4 * max(shorter, 0.1)


def sheets(pages: Sequence[Page]) -> list[Sheet]:
    """The pages of a document, cut into rows and segments; tokens and rows count through all pages."""
    made: list[Sheet] = []
    index = offset = 0
    for page in pages:
        upright = [word for word in page.words if not sideways(word) and word.text.strip()]
        rows = [list(row) for row in group_rows([piece for word in upright for piece in pieces(word)])]
        heights = sorted(box[3] - box[1] for row in rows for _, box in row)
        size = heights[len(heights) // 2] if heights else 10.0
        sealed: list[tuple[Segment, ...]] = []
        for number, row in enumerate(rows):
            tokens = [Token(index + i, page.number, text, box, compact(text)) for i, (text, box) in enumerate(row)]
            index += len(tokens)
            sealed.append(tuple(segment(part, offset + number) for part in split_row(tokens)))
        segments = tuple(s for row in sealed for s in row)
        words = tuple(t for s in segments for t in s.tokens)
        made.append(Sheet(page.number, page.width, page.height, tuple(sealed), offset, size, segments, words))
        offset += len(rows)
    return made


def sideways(word: Word) -> bool:
    """Whether a word is set at right angles to the page's text."""
    x0, y0, x1, y1 = word.box
    return len(word.text) >= 3 and (y1 - y0) > 1.6 * (x1 - x0)


def pieces(word: Word) -> Iterator[tuple[str, Box]]:
    """A word cut at blanks and where a label runs into its value; widths are shared out by characters."""
    cuts = sorted({m.start() for m in BLANK.finditer(word.text)} | {m.end() for m in GLUED.finditer(word.text)})
    x0, y0, x1, y1 = word.box
    step = (x1 - x0) / len(word.text)
    for start, end in zip([0, *cuts], [*cuts, len(word.text)], strict=True):
        text = word.text[start:end]
        if text.strip():
            yield text.strip(), (x0 + start * step, y0, x0 + (start + len(text.rstrip())) * step, y1)


def group_rows(items: list[tuple[str, Box]]) -> Iterator[list[tuple[str, Box]]]:
    """Items by row from top to bottom, each row from left to right."""
    rows: list[list[tuple[str, Box]]] = []
    for item in sorted(items, key=lambda i: (i[1][1] + i[1][3], i[1][0])):
        middle = (item[1][1] + item[1][3]) / 2
        home = next((row for row in reversed(rows[-3:]) if fits(row, item[1], middle)), None)
        if home is None:
            rows.append([item])
        else:
            home.append(item)
    for row in rows:
        yield sorted(row, key=lambda i: i[1][0])


def fits(row: list[tuple[str, Box]], box: Box, middle: float) -> bool:
    """Whether a box belongs to a row: its middle is near that of the row's items."""
    mean = sum(b[1] + b[3] for _, b in row) / (2 * len(row))
    height = min(box[3] - box[1], max(b[3] - b[1] for _, b in row))
    return abs(middle - mean) <= 0.45 * max(height, 1.0)


def split_row(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of a row cut at gaps that are wider than a blank can be."""
    part: list[Token] = []
    for token in tokens:
        if part and token.box[0] - part[-1].box[2] > 0.8 * max(min(token.height, part[-1].height), 4.0):
            yield part
            part = []
        part.append(token)
    if part:
        yield part


def mostly_letters(text: str) -> bool:
    """Whether a text is words rather than numbers."""
    folded = fold(text)
    return sum(c.isalpha() for c in folded) > sum(c.isdigit() for c in folded)
