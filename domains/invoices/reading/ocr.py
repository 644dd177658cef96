"""OCR: the picture of a page made into words with boxes, upright and level, in a process that holds the models."""

import math
from itertools import pairwise

import numpy as np

from domains.invoices.reading import detection, recognition
from domains.invoices.reading.detection import Quad, sides
from domains.invoices.reading.geometry import union
from domains.invoices.reading.letterspacing import closed_up
from domains.invoices.reading.picture import Grey
from domains.invoices.reading.recognition import Mark, TextLine
from domains.invoices.reading.runs import in_reading_order
from domains.invoices.records import Page, Word

DOUBTFUL = 0.85
"""A mean chance below this makes the reader look at the page upside down."""
NOISE = 0.5
"""Lines read with less than this mean chance are not text."""
SAMPLE = 8


def read_picture(picture: Grey, width: float, number: int) -> Page:
    """Read the picture of a page (rows x columns of grey) that is `width` points wide.

    The page comes back as a reader would hold it: turned upright by quarter turns, its lines level.
    """
    picture, quads, turns = _upright(picture, detection.lines(picture))
    points = width / picture.shape[0 if turns % 2 else 1]
    found = [line for line in recognition.read(picture, quads) if line.chance >= NOISE]
    slant, size = _slant(quads), (picture.shape[1], picture.shape[0])
    words = [word for line in found for word in _words(line, slant, size, points)]
    return Page(
        number=number,
        width=size[0] * points,
        height=size[1] * points,
        words=closed_up(in_reading_order(words)),
        source="ocr",
        turned=90.0 * turns - math.degrees(slant),
    )


def _upright(picture: Grey, quads: list[Quad]) -> tuple[Grey, list[Quad], int]:
    """The picture, its lines and the quarter turns it took, clockwise, to make it readable."""
    standing = [quad for quad in quads if sides(quad)[1] > 1.5 * sides(quad)[0]]
    turns = 1 if sum(sides(q)[1] for q in standing) > 0.5 * sum(max(sides(q)) for q in quads) else 0
    picture, quads = _turned(picture, quads, turns)
    sample = sorted(quads, key=lambda quad: -sides(quad)[0])[:SAMPLE]
    chance = _mean_chance(picture, sample)
    if sample and chance < DOUBTFUL and _mean_chance(*_turned(picture, sample, 2)) > chance:
        return *_turned(picture, quads, 2), turns + 2
    return picture, quads, turns


def _mean_chance(picture: Grey, quads: list[Quad]) -> float:
    found = recognition.read(picture, quads)
    return sum(line.chance for line in found) / max(len(found), 1)


def _turned(picture: Grey, quads: list[Quad], turns: int) -> tuple[Grey, list[Quad]]:
    for _ in range(turns):
        height = picture.shape[0]
        picture = np.ascontiguousarray(np.rot90(picture, -1))
        quads = [_turned_quad(quad, height) for quad in quads]
    return picture, quads


def _turned_quad(quad: Quad, height: int) -> Quad:
    """A quarter turn clockwise: what was bottom left becomes top left."""
    return np.stack([height - quad[:, 1], quad[:, 0]], axis=1)[[3, 0, 1, 2]].astype(np.float32)


def _slant(quads: list[Quad]) -> float:
    """Radians that the lines of the page fall to the right: the median of the long ones."""
    angles = [
        math.atan2(float(q[1][1] - q[0][1]), float(q[1][0] - q[0][0])) for q in quads if sides(q)[0] > 4 * sides(q)[1]
    ]
    return float(np.median(angles)) if angles else 0.0


def _words(line: TextLine, slant: float, size: tuple[int, int], points: float) -> list[Word]:
    return [_word(line, group, slant, size, points) for group in _groups(line.marks)]


def _groups(marks: list[Mark]) -> list[list[Mark]]:
    """The characters between spaces."""
    groups: list[list[Mark]] = [[]]
    for mark in marks:
        if mark.char == " ":
            groups.append([])
        else:
            groups[-1].append(mark)
    return [group for group in groups if group]


def _word(line: TextLine, group: list[Mark], slant: float, size: tuple[int, int], points: float) -> Word:
    """The word's box is the part of the line's box around its characters, made level with the page."""
    half = _half(line, group)
    start, end = max(group[0].at - half, 0), min(group[-1].at + half, 1)
    top, bottom = line.quad[1] - line.quad[0], line.quad[2] - line.quad[3]
    corners = [
        line.quad[0] + top * start,
        line.quad[0] + top * end,
        line.quad[3] + bottom * end,
        line.quad[3] + bottom * start,
    ]
    level = [_level(float(x), float(y), slant, size) for x, y in corners]
    x0, y0, x1, y1 = union([(x, y, x, y) for x, y in level])
    return Word(
        text="".join(mark.char for mark in group),
        box=(x0 * points, y0 * points, x1 * points, y1 * points),
        confidence=min(1.0, *(mark.chance for mark in group)),
    )


def _half(line: TextLine, group: list[Mark]) -> float:
    """Half the width of a character as a share of the line's width."""
    steps = [b.at - a.at for a, b in pairwise(line.marks) if " " not in (a.char, b.char)]
    width, height = sides(line.quad)
    return (float(np.median(steps)) if steps else 0.35 * height / max(width, 1)) / 2


def _level(x: float, y: float, slant: float, size: tuple[int, int]) -> tuple[float, float]:
    """A point of the picture after the page is turned level about its middle."""
    cx, cy = size[0] / 2, size[1] / 2
    cos, sin = math.cos(slant), math.sin(slant)
    return cx + (x - cx) * cos + (y - cy) * sin, cy + (y - cy) * cos - (x - cx) * sin
