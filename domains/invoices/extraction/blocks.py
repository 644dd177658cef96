"""Blocks of a page: lines that stand under one another, such as an address or a letterhead."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentflow import Box
from domains.invoices.extraction.addresses import is_contact, is_country, is_street, is_town
from domains.invoices.extraction.geometry import Segment, Sheet, around
from domains.invoices.extraction.labels import Label


@dataclass(frozen=True, slots=True)
class Block:
    """Segments under one another, top to bottom."""

    lines: tuple[Segment, ...]

    @property
    def box(self) -> Box:
        """The smallest box that holds it all."""
        return around(s.box for s in self.lines)

    @property
    def text(self) -> str:
        """Its tokens with blanks between."""
        return "\n".join(s.text for s in self.lines)

    @property
    def addressed(self) -> bool:
        """Whether it holds a town or a street, as an address does."""
        return any(is_town(s.text) for s in self.lines) or (
            any(is_street(s.text) for s in self.lines) and any(is_country(s.text) for s in self.lines)
        )

    @property
    def reachable(self) -> bool:
        """Whether it holds a telephone number, a mail or a web address."""
        return any(is_contact(s.text) for s in self.lines)


def blocks(sheet: Sheet, headings: frozenset[int], skipped: frozenset[int] = frozenset()) -> list[Block]:
    """The blocks of a page; a segment that opens with one of the token indexes `headings` begins a new one.

    Segments that open with one of `skipped` are left out.
    """
    open_blocks: list[list[Segment]] = []
    for segment in sheet.segments:
        home = None
        if segment.tokens[0].index in skipped:
            continue
        if segment.tokens[0].index not in headings:
            home = next((b for b in reversed(open_blocks) if goes_on(b, segment, sheet.size)), None)
        if home is None:
            open_blocks.append([segment])
        else:
            home.append(segment)
    return [Block(tuple(b)) for b in open_blocks]


def goes_on(block: Sequence[Segment], below: Segment, size: float) -> bool:
    """Whether a segment goes on a block: under its last line, and not much wider apart than its lines are."""
    last = block[-1]
    if not follows(last, below, size):
        return False
    if len(block) < 2 or is_town(below.text) or is_country(below.text):
        return True
    usual = last.box[1] - block[-2].box[3]
    return below.box[1] - last.box[3] <= max(usual, 0.0) * 1.8 + 0.5 * size


def follows(above: Segment, below: Segment, size: float) -> bool:
    """Whether a segment goes on under another: close, and flush left, flush right or centred."""
    gap = below.box[1] - above.box[3]
    reach = 3.2 if is_town(below.text) or is_country(below.text) else 2.2
    if not -0.3 * size <= gap <= reach * size or below.box[1] <= above.box[1]:
        return False
    heights = sorted((above.tokens[0].height, below.tokens[0].height))
    if heights[1] > 1.8 * heights[0]:
        return False
    left = abs(above.box[0] - below.box[0]) < (0.6 if gap < 1.2 * size else 0.15) * size
    right = abs(above.box[2] - below.box[2]) < 0.4 * size
    centre = abs(sum(above.box[::2]) - sum(below.box[::2])) < 0.8 * size
    return left or (gap < 1.2 * size and (right or centre))


def under_heading(label: Label, sheet: Sheet, stops: frozenset[int], taken: frozenset[int]) -> list[Segment]:
    """The lines that a heading such as `Bill to` opens: on its own line, then below it in its column.

    `stops` are the tokens that open the next heading, `taken` those that open a label of another kind.
    """
    box = label.box
    unit = max(sheet.size, box[3] - box[1])
    lines: list[Segment] = []
    floor = box[3]
    for row in sheet.rows:
        for segment in row:
            token = segment.tokens[0]
            if token.index <= label.tokens[-1].index or segment.box[1] < box[1] - unit:
                continue
            if abs((segment.box[1] + segment.box[3]) / 2 - (box[1] + box[3]) / 2) < 0.6 * unit:
                if (
                    not lines
                    and box[2] <= segment.box[0] < box[2] + 0.3 * sheet.width
                    and token.index not in stops | taken
                ):
                    lines.append(segment)
                continue
            if not in_column(segment.box, box, lines, unit):
                continue
            if token.index in stops or segment.box[1] - floor > 3.0 * unit or len(lines) > 9:
                return lines
            lines.append(segment)
            floor = max(floor, segment.box[3])
    return lines


def in_column(box: Box, heading: Box, lines: Sequence[Segment], size: float) -> bool:
    """Whether a segment stands in the column that a heading, or the text beside it, opens."""
    starts = [heading[0], *(s.box[0] for s in lines[:1])]
    return any(-1.2 * size <= box[0] - start <= 3.0 * size for start in starts)


NAME_LABEL = re.compile(
    r"(?i)^(?:name|firma|company(?: name)?|nom|raison sociale|naam|bedrijf|nome|ragione sociale|denominazione|"
    r"nombre|raz[oó]n social|denominação|namn|navn|nimi|nazwa|název|jméno|firmenname)\s*:?\s*"
)


def named_lines(lines: Sequence[Segment], sheet: Sheet) -> list[Segment]:
    """In a form with `Name:` in it, the lines of the name: those beside the label and those set tight around them."""
    address = next((n for n, s in enumerate(lines) if is_town(s.text)), len(lines))
    label = next((s for s in lines[:address] if NAME_LABEL.fullmatch(s.text)), None)
    if label is None:
        return []
    values = [s for s in sheet.segments if s.box[0] > label.box[2] and abs(s.box[1] - label.box[1]) < 3.0 * sheet.size]
    labels = [s for s in sheet.segments if abs(s.box[0] - label.box[0]) < sheet.size]
    column = min((s.box[0] for s in values if abs(s.box[1] - label.box[1]) < sheet.size), default=None)
    if column is None:
        column = min((s.box[0] for s in values), default=0.0)
    mine = [s for s in values if abs(s.box[0] - column) < sheet.size and nearest(s, labels) is label]
    return sorted(mine, key=lambda s: s.box[1])


def nearest(value: Segment, labels: Sequence[Segment]) -> Segment:
    """The label whose line is nearest to a value's."""
    middle = (value.box[1] + value.box[3]) / 2
    return min(labels, key=lambda s: abs((s.box[1] + s.box[3]) / 2 - middle))
