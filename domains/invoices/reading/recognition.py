"""Recognition: the characters of a line of text and where along the line each of them stands."""

from dataclasses import dataclass

import cv2
import numpy as np

from domains.invoices.reading.detection import Quad, sides
from domains.invoices.reading.network import Floats, alphabet, read_text
from domains.invoices.reading.picture import Grey
from domains.invoices.reading.spaces import missed

HEIGHT = 48
"""Pixels of a line as the network sees it."""
MAX_WIDTH = 3200
BATCH = 4
BATCH_WIDTH = 2400
"""Pixels of all lines of a batch."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A character: the share of the line's width where its middle stands, and the chance that it is this one."""

    char: str
    at: float
    chance: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text as read."""

    quad: Quad
    marks: list[Mark]

    @property
    def chance(self) -> float:
        """The mean chance of its characters; 0 where there is none."""
        return sum(mark.chance for mark in self.marks) / len(self.marks) if self.marks else 0.0


def read(picture: Grey, quads: list[Quad]) -> list[TextLine]:
    """Read the lines in the given boxes of a picture, in the order given."""
    crops = [_crop(picture, quad) for quad in quads]
    order = sorted(range(len(crops)), key=lambda n: crops[n].shape[1])
    found: dict[int, list[Mark]] = {}
    for batch in _batches(order, crops):
        found.update(zip(batch, _read([crops[n] for n in batch]), strict=True))
    return [TextLine(quad, found[n]) for n, quad in enumerate(quads)]


def _batches(order: list[int], crops: list[Grey]) -> list[list[int]]:
    """Lines of much the same width together, so that little is padding."""
    batches: list[list[int]] = []
    for n in order:
        width = crops[n].shape[1]
        last = batches[-1] if batches else []
        if (
            last
            and len(last) < BATCH
            and width * (len(last) + 1) <= BATCH_WIDTH
            and width < 1.3 * crops[last[0]].shape[1] + 32
        ):
            last.append(n)
        else:
            batches.append([n])
    return batches


def _crop(picture: Grey, quad: Quad) -> Grey:
    """The line level and `HEIGHT` pixels high."""
    width, height = (max(1, round(side)) for side in sides(quad))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    turn = cv2.getPerspectiveTransform(quad, corners)
    level = cv2.warpPerspective(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    target = min(MAX_WIDTH, max(8, round(width * HEIGHT / height)))
    way = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(level, (target, HEIGHT), interpolation=way), dtype=np.uint8)


def _read(crops: list[Grey]) -> list[list[Mark]]:
    width = max(HEIGHT, *(crop.shape[1] for crop in crops))
    batch = np.zeros((len(crops), 3, HEIGHT, width), dtype=np.float32)
    for n, crop in enumerate(crops):
        batch[n, :, :, : crop.shape[1]] = crop.astype(np.float32) / 127.5 - 1
    chances = read_text(batch)
    return [_with_spaces(_marks(chances[n], width / crop.shape[1]), crop) for n, crop in enumerate(crops)]


def _with_spaces(marks: list[Mark], crop: Grey) -> list[Mark]:
    missing = set(missed("".join(mark.char for mark in marks), [mark.at for mark in marks], crop))
    spaced: list[Mark] = []
    for n, mark in enumerate(marks):
        if n in missing:
            spaced.append(Mark(" ", (marks[n - 1].at + mark.at) / 2, 1.0))
        spaced.append(mark)
    return spaced


def _marks(chances: Floats, stretch: float) -> list[Mark]:
    """Greedy CTC: of steps in a row with the same character one counts, and blanks part."""
    letters = alphabet()
    best = chances.argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = [*starts[1:].tolist(), len(best)]
    marks: list[Mark] = []
    for start, end in zip(starts.tolist(), ends, strict=True):
        column = int(best[start])
        if column:
            at = (start + end) / 2 / len(best) * stretch
            marks.append(Mark(letters[column], min(at, 1.0), float(chances[start:end, column].max())))
    return marks
