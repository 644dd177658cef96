"""Geometry: from the user space of a PDF page, or from pixels, to points from the top left of the page as shown."""

from dataclasses import dataclass

from domains.invoices.records import Box


@dataclass(frozen=True, slots=True)
class Frame:
    """The shown part of a PDF page: its box in user space (y upwards) and its clockwise rotation in quarter turns."""

    left: float
    bottom: float
    right: float
    top: float
    turns: int = 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as shown."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turns % 2 else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of user space is shown."""
        match self.turns % 4:
            case 1:
                return y - self.bottom, x - self.left
            case 2:
                return self.right - x, y - self.bottom
            case 3:
                return self.top - y, self.right - x
            case _:
                return x - self.left, self.top - y


def turned(box: Box, width: float, height: float, turns: int) -> Box:
    """A box after its page of `width` x `height` is turned clockwise by quarter turns."""
    for _ in range(turns % 4):
        x0, y0, x1, y1 = box
        box = (height - y1, x0, height - y0, x1)
        width, height = height, width
    return box


def union(boxes: list[Box]) -> Box:
    """The smallest box around all of one or more boxes."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
