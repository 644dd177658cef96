"""Runs and words: glyphs put together by where they stand, not by what the file says are spaces alone."""

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from domains.invoices.reading.geometry import union
from domains.invoices.reading.glyphs import Glyph, Paint
from domains.invoices.records import Box, Word

GAP = 0.14
"""A gap along the baseline of more than this share of the font size parts words; narrow spaces are some .18 wide."""
JOIN = 0.12
"""Pieces drawn one by one are one word up to this gap."""
SHIFT = 0.15
"""How far baselines of one word may differ, in font sizes."""

_LIGATURES = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_INVISIBLE = {"Cf", "Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs of one look that follow each other without a gap: a word or a piece of one."""

    text: str
    box: Box
    ink: Box
    start: tuple[float, float]
    """Along and across the baseline."""
    end: float
    paint: Paint
    spaced: bool
    """A space is printed before it."""
    mapped: bool

    def gap(self, other: "Run") -> float:
        """Font sizes from the end of this run to the start of another one."""
        return (other.start[0] - self.end) / max(self.paint.size, 0.1)


def is_space(char: str) -> bool:
    """Whether a character parts words: any blank, of whatever width, breaking or not."""
    return char.isspace() or char == "\u00a0"


def is_printed(char: str) -> bool:
    """Whether a character is one that a reader could see: no control, format or tag character."""
    return unicodedata.category(char) not in _INVISIBLE


def runs(glyphs: Iterable[Glyph]) -> list[Run]:
    """Cut the glyphs of a page, in the order of its content, where a space, a gap or another look begins."""
    found: list[Run] = []
    current: list[Glyph] = []
    spaced = False
    for glyph in glyphs:
        space = is_space(glyph.text)
        if current and (space or not _follows(current, glyph)):
            found.append(_run(current, spaced))
            current, spaced = [], False
        if space:
            spaced = True
        elif is_printed(glyph.text):
            current.append(glyph)
    return [*found, _run(current, spaced)] if current else found


def along(x: float, y: float, angle: float) -> tuple[float, float]:
    """A point in the axes of a baseline: along it and across it."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return x * cos + y * sin, y * cos - x * sin


def _follows(run: list[Glyph], glyph: Glyph) -> bool:
    last, paint = run[-1], glyph.paint
    if paint is not last.paint and (
        (paint.mode, paint.colour) != (last.paint.mode, last.paint.colour)
        or abs(paint.angle - last.paint.angle) > 1
        or not 0.8 < paint.size / max(last.paint.size, 0.01) < 1.25
    ):
        return False
    if (glyph.x, glyph.y) == (last.x, last.y):
        return True  # a ligature: one shape, several characters
    u0, v0 = along(last.x, last.y, paint.angle)
    u1, v1 = along(glyph.x, glyph.y, paint.angle)
    size = max(paint.size, 0.1)
    return abs(v1 - v0) < SHIFT * size and -0.5 < (u1 - u0 - last.advance) / size < GAP


def _run(glyphs: list[Glyph], spaced: bool) -> Run:
    first, last = glyphs[0], glyphs[-1]
    angle = first.paint.angle
    text = "".join(_LIGATURES.get(g.text, g.text) for g in glyphs)
    ink = union([g.ink for g in glyphs])
    return Run(
        text=unicodedata.normalize("NFC", text),
        box=_box(glyphs, ink),
        ink=ink,
        start=along(first.x, first.y, angle),
        end=along(last.x, last.y, angle)[0] + last.advance,
        paint=first.paint,
        spaced=spaced,
        mapped=all(g.mapped for g in glyphs),
    )


def _box(glyphs: list[Glyph], ink: Box) -> Box:
    """The ink, made as high as the font's capitals and descenders so that words of a line stand level."""
    first, last = glyphs[0], glyphs[-1]
    size = first.paint.size
    tall = ink[3] - ink[1]
    if round(first.paint.angle) % 360 or not 0 < tall < 1.3 * size:
        return ink
    x1 = max(ink[2], last.x + last.advance) if last.advance < 1.5 * size else ink[2]
    return min(ink[0], first.x), min(ink[1], first.y - 0.72 * size), x1, max(ink[3], first.y + 0.2 * size)


def words(pieces: list[Run]) -> list[Word]:
    """Join the pieces of words that were drawn apart; in reading order, line by line."""
    ordered = sorted(pieces, key=lambda r: (round(r.paint.angle), r.start[1], r.start[0]))
    joined: list[list[Run]] = []
    for row in _rows(ordered):
        level = sorted(row, key=lambda r: r.start[0])
        joined.append(level[:1])
        for before, run in pairwise(level):
            if _joins(before, run):
                joined[-1].append(run)
            else:
                joined.append([run])
    return _without_twins([_word(group) for group in joined])


def _rows(ordered: list[Run]) -> list[list[Run]]:
    rows: list[list[Run]] = []
    for run in ordered:
        last = rows[-1][-1] if rows else None
        if last and round(last.paint.angle) == round(run.paint.angle) and _level(last, run):
            rows[-1].append(run)
        else:
            rows.append([run])
    return rows


def _level(a: Run, b: Run) -> bool:
    return abs(a.start[1] - b.start[1]) < SHIFT * min(a.paint.size, b.paint.size)


def _joins(a: Run, b: Run) -> bool:
    alike = 0.7 < a.paint.size / max(b.paint.size, 0.01) < 1.4
    return alike and not b.spaced and -0.3 < a.gap(b) < JOIN


def _word(group: list[Run]) -> Word:
    return Word(text="".join(r.text for r in group), box=union([r.box for r in group]))


def _without_twins(found: list[Word]) -> list[Word]:
    """Bold made by printing twice leaves each word twice, a hair apart."""
    seen: set[tuple[str, int, int]] = set()
    kept: list[Word] = []
    for word in found:
        x, y = round(word.box[0] / 1.5), round(word.box[1] / 1.5)
        near = {(word.text, x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
        if not near & seen:
            kept.append(word)
        seen.add((word.text, x, y))
    return kept


def in_reading_order(found: list[Word]) -> list[Word]:
    """Words sorted into lines from top to bottom, each from left to right."""
    lines: list[list[Word]] = []
    for word in sorted(found, key=lambda w: (w.box[1] + w.box[3]) / 2):
        middle = (word.box[1] + word.box[3]) / 2
        if lines and _on_line(lines[-1], middle):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [word for line in lines for word in sorted(line, key=lambda w: w.box[0])]


def _on_line(line: list[Word], middle: float) -> bool:
    tops = sorted(w.box[1] for w in line)
    ends = sorted(w.box[3] for w in line)
    top, end = tops[len(tops) // 2], ends[len(ends) // 2]
    return top + 0.25 * (end - top) < middle < end - 0.25 * (end - top)
