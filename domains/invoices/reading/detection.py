"""Detection: the lines of text in a picture as four-cornered boxes (differentiable binarisation, Liao et al. 2020)."""

import math
from typing import Any

import cv2
import numpy as np

from domains.invoices.reading.network import Floats, find_text
from domains.invoices.reading.picture import Grey

Quad = Floats
"""4 x 2 corners in pixels: top left, top right, bottom right, bottom left of the text as it reads."""

SIDE = 1600
"""Pixels of the longer side that the network sees."""
PIXELS = 1_900_000
"""That the network sees; memory follows it."""
LEAST = 736
"""Pixels that the shorter side is brought to, where that keeps the longer one within `SIDE`."""
SEED = 0.3
SURE = 0.5
GROW = 1.6
MAX_LINES = 1500


def lines(picture: Grey) -> list[Quad]:
    """The lines of text, in no order."""
    height, width = picture.shape
    small = _resized(picture)
    chance = find_text(_normalised(small))
    mask = cv2.dilate((chance > SEED).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([width / small.shape[1], height / small.shape[0]], dtype=np.float32)
    found = (_quad(contour, chance) for contour in contours[:MAX_LINES])
    return [quad * scale for quad in found if quad is not None]


def _resized(picture: Grey) -> Grey:
    height, width = picture.shape
    most = min(SIDE / max(height, width), math.sqrt(PIXELS / (height * width)))
    ratio = min(most, max(1.0, LEAST / min(height, width)))
    size = [max(32, round(side * ratio / 32) * 32) for side in (width, height)]
    way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (size[0], size[1]), interpolation=way), dtype=np.uint8)


def _normalised(picture: Grey) -> Floats:
    values = picture.astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(np.broadcast_to(values, (1, 3, *values.shape)))


def _quad(contour: Any, chance: Floats) -> Quad | None:
    centre, sides, angle = cv2.minAreaRect(contour)
    if min(sides) < 3 or _score(contour, chance) < SURE:
        return None
    grow = sides[0] * sides[1] * GROW / (2 * (sides[0] + sides[1]))
    grown = (sides[0] + 2 * grow, sides[1] + 2 * grow)
    return _ordered(np.asarray(cv2.boxPoints((centre, grown, angle)), dtype=np.float32))


def _score(contour: Any, chance: Floats) -> float:
    """The mean chance of text within a contour's upright box, by its smallest rectangle."""
    x, y, width, height = cv2.boundingRect(contour)
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(contour))) - (x, y)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [box.astype(np.int32)], (1,))
    return float(cv2.mean(chance[y : y + height, x : x + width], mask)[0])


def _ordered(points: Floats) -> Quad:
    """Corners by where they stand: good for text that is less than half a right angle aslant."""
    by_x = points[np.argsort(points[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], dtype=np.float32)


def sides(quad: Quad) -> tuple[float, float]:
    """Width and height of the text in pixels."""
    return math.dist(quad[0], quad[1]), math.dist(quad[0], quad[3])
