"""Supplier and buyer: who sends the invoice and whom it is sent to, from headings, letterhead, window and footer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from domains.invoices.extraction.addresses import (
    ATTENTION,
    LEGAL,
    SALUTATION,
    SEPARATED,
    clean_name,
    could_be_name,
    has_legal_form,
    is_country,
    is_street,
    is_town,
)
from domains.invoices.extraction.blocks import NAME_LABEL, Block, blocks, named_lines, under_heading
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Segment, Sheet, Token, segment
from domains.invoices.extraction.labels import Label
from domains.invoices.extraction.money import traits
from domains.invoices.extraction.text import compact, fold

TITLE = re.compile(
    r"(?:original|copy|duplicate|kopie|seite|page|hinweis|notes?|bemerkung|thank you|welcome|tax invoice|danke|"
    r"position|menge|description|details|summary)\b"
)
TOTALS = frozenset({"sum", "grand", "net", "gross", "tax", "due", "subtotal", "amount"})
SENDER_WORDS = re.compile(
    r"(?i)\b(?:iban|ust\W?id\w*|vat|tva|btw|mwst|siret|kvk|handelsreg\w*|hrb|registered|gst|bic|p\.?\s?iva|cvr|moms|"
    r"abn)\b"
)
DOMAIN = re.compile(r"(?i)(?:@|www\.|https?://)([\w-]+(?:\.[\w-]+)*)\.[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a party may have, with what speaks for it (0 to 1) and where it is printed."""

    text: str
    score: float
    lines: tuple[Segment, ...]
    source: str

    @property
    def tokens(self) -> tuple[Token, ...]:
        """All tokens of its lines."""
        return tuple(t for s in self.lines for t in s.tokens)


def party_names(sheets: Sequence[Sheet], labels: Sequence[Label]) -> tuple[list[Name], list[Name]]:
    """The names the supplier and the buyer may have, best first."""
    suppliers: list[Name] = []
    buyers: list[Name] = []
    for sheet in sheets[:3]:
        here = [lab for lab in labels if lab.page == sheet.number]
        suppliers += headed(sheet, here, "supplier")
        buyers += headed(sheet, here, "buyer")
        suppliers += senders(sheet, here)
    sold = merged(suppliers, mentions(sheets))
    if sheets:
        sent = [n for n in suppliers if n.source == "sender line" and n.lines[0].page == sheets[0].number]
        buyers += windows(sheets[0], [lab for lab in labels if lab.page == sheets[0].number], sold, sent)
    bought = merged(buyers, [])
    if (
        bought
        and bought[0].source == "window"
        and topmost(sheets[0], bought[0].lines[0])
        and not (sold and sold[0].score > 0.5)
    ):
        sold, bought = [bought[0], *sold], bought[1:]
    return told_apart(sold, bought)


def told_apart(sold: list[Name], bought: list[Name]) -> tuple[list[Name], list[Name]]:
    """The names with the best two different ones first: one party cannot be both."""
    pairs = [(s, b) for s in [*sold[:5], None] for b in [*bought[:5], None] if not (s and b and same(s.text, b.text))]
    seller, buyer = max(pairs, key=lambda p: sum(n.score for n in p if n), default=(None, None))
    others = [n for n in sold if n is not seller and not (buyer and same(n.text, buyer.text))]
    rest = [n for n in bought if n is not buyer and not (seller and same(n.text, seller.text))]
    return [*filter(None, [seller]), *others], [*filter(None, [buyer]), *rest]


def topmost(sheet: Sheet, line: Segment) -> bool:
    """Whether a line is the first of its page that may be a name, as the sender's is."""
    top = next((s for s in sheet.segments if could_be_name(s.text) and not no_name(s.text)), None)
    return top is not None and line.tokens[0] is top.tokens[0]


def same(a: str, b: str) -> bool:
    """Whether two names are one."""
    return fuzz.ratio(compact(a), compact(b)) > 88


def headed(sheet: Sheet, labels: Sequence[Label], role: str) -> Iterator[Name]:
    """Names under a heading of the role."""
    roles = ("supplier", "buyer", "ship_to")
    stops = frozenset(
        lab.tokens[0].index for lab in labels if lab.first and lab.role in roles and (lab.alone or lab.colon)
    )
    taken = announcing(labels)
    for label in labels:
        if label.role != role or not (label.alone or (label.first and (label.colon or len(label.tokens) > 1))):
            continue
        lines = under_heading(label, sheet, stops - {label.tokens[0].index} - name_starts(sheet), taken)
        full = named_lines(lines, sheet)
        if full:
            yield Name(clean_name(" ".join(s.text for s in full)), 0.95, tuple(full), "form")
            continue
        name = name_lines([*rest_of(label, sheet), *lines], taken, sheet.size)
        if name:
            weight = (0.93 if label.weight == 1.0 else 0.6) * (0.8 if len(label.phrase) <= 4 else 1.0)
            yield Name(clean_name(strip_name_label(" ".join(s.text for s in name))), weight, tuple(name), "heading")


def name_starts(sheet: Sheet) -> frozenset[int]:
    """Tokens that open a `Name:` line, which goes on a block rather than ending it."""
    return frozenset(s.tokens[0].index for s in sheet.segments if NAME_LABEL.match(s.text))


def strip_name_label(text: str) -> str:
    """A line without a leading `Name:`."""
    stripped = NAME_LABEL.sub("", text) if ":" in text else text
    return stripped or text


def rest_of(label: Label, sheet: Sheet) -> list[Segment]:
    """What stands in the heading's own segment behind it."""
    home = next((s for s in sheet.segments if label.tokens[0] in s.tokens), None)
    if home is None:
        return []
    after = [t for t in home.tokens if t.index > label.tokens[-1].index]
    return [segment(after, home.row)] if after else []


def announcing(labels: Sequence[Label]) -> frozenset[int]:
    """Tokens that open a label, so that the line is not a name."""
    names = ("supplier", "buyer", "ship_to")
    return frozenset(
        lab.tokens[0].index for lab in labels if lab.first and (lab.role not in names or lab.alone or lab.colon)
    )


def first_name(lines: Sequence[Segment], taken: frozenset[int]) -> Segment | None:
    """The first line that may be a name; lines that open with one of the `taken` tokens are not."""
    return next((line for line in lines if is_name(line, taken)), None)


def is_name(line: Segment, taken: frozenset[int]) -> bool:
    """Whether a line may be the name of a party."""
    text = ATTENTION.sub("", strip_name_label(line.text))
    if line.tokens[0].index in taken or no_name(text) or SALUTATION.match(text) or not could_be_name(clean_name(text)):
        return False
    return ":" not in text or bool(NAME_LABEL.match(line.text))


def name_lines(lines: Sequence[Segment], taken: frozenset[int], size: float) -> list[Segment]:
    """The name in the lines of an address: one line, or a group that is set apart from the street below it."""
    first = first_name(lines, taken)
    if first is None:
        return []
    start = end = list(lines).index(first)
    while start and SALUTATION.match(lines[start - 1].text) and space(lines[start - 1], lines[start]) < 0.5 * size:
        start -= 1
    while end + 1 < len(lines) and space(lines[end], lines[end + 1]) < 0.5 * size and is_name(lines[end + 1], taken):
        end += 1
    apart = (
        end + 1 < len(lines)
        and end > start
        and space(lines[end], lines[end + 1]) > space(lines[start], lines[start + 1]) + 0.6 * size
    )
    address = end + 1 < len(lines) and (is_street(lines[end + 1].text) or is_town(lines[end + 1].text))
    return list(lines[start : end + 1]) if apart and address and end - start < 3 else [first]


def space(above: Segment, below: Segment) -> float:
    """The white between two lines."""
    return below.box[1] - above.box[3]


def no_name(text: str) -> bool:
    """Whether a line is a table head, a total, a currency, a note in brackets rather than a name."""
    if has_legal_form(text):
        return False
    plain = text.strip()
    if len(plain.split()) > 6 or find_dates(plain):
        return True
    return (
        bool(re.search(r"[%€$£*]|^\(.*\)$|[!?]$|\w{6,}\.$", plain))
        or len(plain) <= 3
        or bool(TITLE.match(fold(plain)))
        or bool(traits(plain) & TOTALS)
    )


def senders(sheet: Sheet, labels: Sequence[Label]) -> Iterator[Name]:
    """Names from sender lines, letterhead and footer."""
    titles = announcing(labels)
    lines_sent = list(sender_lines(sheet))
    yield from lines_sent
    first = sheet.number == 1
    for block in blocks(sheet, frozenset(), skipped(lines_sent)):
        lines = [s for s in block.lines if s.tokens[0].index not in titles]
        name = next(
            (s for s in lines[:4] if has_legal_form(s.text) and is_name(s, titles)), first_name(lines[:2], titles)
        )
        if name is None:
            continue
        top = block.box[1] / sheet.height
        score = letterhead(block, name, sheet)
        score += (0.2 if block.reachable else 0.1) * (first and top < 0.25)
        first = False
        if len(lines) == 1 and not has_legal_form(name.text) and not block.reachable:
            score *= 0.6
        yield Name(clean_name(name.text), 0.75 * score, (name,), "footer" if top > 0.72 else "letterhead")


def letterhead(block: Block, name: Segment, sheet: Sheet) -> float:
    """How far a block looks like the sender's own: at the edge, with ways to reach it, an address, a legal form."""
    top = block.box[1] / sheet.height
    contact = block.reachable or bool(SENDER_WORDS.search(block.text))
    edge = 0.25 if top < 0.25 else 0.4 if top > 0.72 else 0.0
    return edge + 0.25 * contact + 0.2 * block.addressed + 0.25 * has_legal_form(name.text)


def skipped(lines: Sequence[Name]) -> frozenset[int]:
    """The tokens of sender lines."""
    return frozenset(t.index for n in lines for t in n.tokens)


def sender_lines(sheet: Sheet) -> Iterator[Name]:
    """The name in each line such as `Firm - Street 1 - 12345 Town`, however widely it is set."""
    for row in sheet.rows:
        run: list[Segment] = []
        for part in [*row, None]:
            if part is None or (run and part.box[0] - run[-1].box[2] > 2.5 * sheet.size):
                name = sender_line(run, row[0].box[1] / sheet.height)
                if name:
                    yield name
                run = []
            if part is not None:
                run.append(part)


def sender_line(run: Sequence[Segment], top: float) -> Name | None:
    """The name that opens a sender line at a height (0 to 1); its tokens are those of the whole line."""
    line = segment([t for s in run for t in s.tokens], run[0].row)
    parts = [p for s in run for p in SEPARATED.split(s.text) if p.strip()]
    if len(parts) > 1 and LEGAL.fullmatch(parts[1]):
        parts = [line.text[: line.text.index(parts[1], len(parts[0])) + len(parts[1])], *parts[2:]]
    if not 3 <= len(parts) <= 8 or len(line.text) > 130 or not (top < 0.45 or top > 0.85):
        return None
    rest = line.text[len(parts[0]) :]
    if (
        not (any(is_town(p) for p in parts[1:]) or is_town(rest))
        or not could_be_name(parts[0])
        or no_name(parts[0])
        or ":" in parts[0]
    ):
        return None
    return Name(clean_name(parts[0]), 0.9, (line,), "sender line")


def windows(sheet: Sheet, labels: Sequence[Label], suppliers: Sequence[Name], sent: Sequence[Name]) -> Iterator[Name]:
    """Names from address blocks in the upper half that are not the supplier's own; `sent` are the sender lines."""
    titles = frozenset(
        lab.tokens[0].index for lab in labels if lab.first and lab.role in ("supplier", "buyer", "ship_to")
    )
    for block in blocks(sheet, titles, skipped(sent)):
        top = block.box[1] / sheet.height
        if top > 0.5 or not block.addressed or block.lines[0].tokens[0].index in titles:
            continue
        name = name_lines(block.lines, announcing(labels), sheet.size)
        after = block.lines[block.lines.index(name[-1]) + 1 :] if name else ()
        if not any(is_town(s.text) or is_street(s.text) or is_country(s.text) for s in after):
            continue
        window = any(under_window(block, n.lines[0], sheet.size) for n in sent)
        own = 0.0
        if block.reachable or SENDER_WORDS.search(block.text) or any(own_name(name[0], n) for n in suppliers):
            own = 0.1 if rivalled(name[0], suppliers) else 0.4
        own += 0.2 * topmost(sheet, name[0])
        score = 0.62 + 0.25 * window + 0.08 * (0.1 < top < 0.35) - own
        yield Name(clean_name(" ".join(s.text for s in name)), max(score, 0.05), tuple(name), "window")


def under_window(block: Block, line: Segment, size: float) -> bool:
    """Whether a block stands right below a sender line."""
    return 0 < block.box[1] - line.box[1] < 5 * size and line.box[0] - 4 * size < block.box[0] < line.box[2]


def rivalled(name: Segment, suppliers: Sequence[Name]) -> bool:
    """Whether another name speaks more as the supplier's than this one does."""
    own = max((n.score for n in suppliers if same(n.text, name.text)), default=0.0)
    return any(n.score > max(own + 0.05, 0.5) for n in suppliers if not same(n.text, name.text))


def own_name(name: Segment, supplier: Name) -> bool:
    """Whether a line is a name that speaks as the supplier's elsewhere."""
    return (
        supplier.source in ("sender line", "heading", "form", "footer")
        and supplier.score > 0.45
        and same(name.text, supplier.text)
    )


def mentions(sheets: Sequence[Sheet]) -> list[str]:
    """What the document's own web and mail domains are called."""
    found = [m[1] for sheet in sheets for s in sheet.segments for m in DOMAIN.finditer(s.text)]
    return [compact(part) for f in found for part in f.split(".") if len(part) > 3]


def merged(names: Sequence[Name], domains: Sequence[str]) -> list[Name]:
    """Names that are one put together; further mentions and a web domain of that name add to the score."""
    groups: list[list[Name]] = []
    for name in sorted(names, key=lambda n: -n.score):
        home = next((g for g in groups if same(g[0].text, name.text)), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    made: list[Name] = []
    for group in groups:
        best = group[0]
        places = len({(n.lines[0].page, n.lines[0].row, n.source) for n in group})
        web = any(fuzz.partial_ratio(compact(best.text), d) > 85 for d in domains)
        score = best.score + 0.06 * min(places - 1, 3) + 0.15 * web
        made.append(Name(best.text, min(score, 0.98), best.lines, best.source))
    return sorted(made, key=lambda n: -n.score)


def block_of(name: Name, sheet: Sheet) -> Block | None:
    """The block a name opens, where it stands in one."""
    return next((b for b in blocks(sheet, frozenset()) if name.lines and name.lines[0] in b.lines), None)
