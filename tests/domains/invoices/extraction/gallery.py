"""Invoices drawn with characters, one a style of the trade: the text files in `gallery`, with what they say."""

from dataclasses import dataclass
from pathlib import Path

from domains.invoices.records import Layout

from .synthetic import Canvas, as_layout

STEP = 5.2
"""Points a character column takes; type is set narrower, so that columns stay apart."""


@dataclass(frozen=True)
class Picture:
    """A drawn invoice and its gold, as text."""

    name: str
    drawn: str
    gold: dict[str, str]

    @property
    def layout(self) -> Layout:
        """The drawing as words and boxes: two blanks or more part two columns."""
        page = Canvas(width=640)
        for row, line in enumerate(self.drawn.splitlines()):
            column = 0
            while column < len(line):
                if line[column] == " ":
                    column += 1
                    continue
                end = line.find("  ", column)
                text = line[column : end if end >= 0 else len(line)]
                page.put(20 + column * STEP, 30 + row * 13, text, 8.5)
                column += len(text)
        return as_layout(page)


def load(path: Path) -> Picture:
    """A picture from its file: the drawing, a line `==== says`, then `field: value` a line."""
    drawn, said = path.read_text(encoding="utf-8").split("\n==== says\n")
    gold = dict(line.split(": ", 1) for line in said.strip().splitlines())
    return Picture(path.stem, drawn.rstrip("\n"), gold)


GALLERY = [load(path) for path in sorted(Path(__file__).with_name("gallery").glob("*.txt"))]
