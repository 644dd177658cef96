"""Supplier and buyer: who sends the invoice and whom it is sent to, from headings, letterhead, window and footer."""

import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from domains.invoices.extraction.addresses import (
    LEGAL,
    SEPARATED,
    clean_name,
    could_be_name,
    has_legal_form,
    is_country,
    is_street,
    is_town,
)
from domains.invoices.extraction.blocks import NAME_LABEL, Block, blocks, named_lines, under_heading
from domains.invoices.extraction.geometry import Segment, Sheet, segment
from domains.invoices.extraction.labels import Label
from domains.invoices.extraction.names import (
    Name,
    announcing,
    first_name,
    is_name,
    name_lines,
    no_name,
    same,
    strip_name_label,
    topmost,
)
from domains.invoices.extraction.text import compact

SENDER_WORDS = re.compile(
    r"(?i)\b(?:iban|ust\W?id\w*|vat|tva|btw|mwst|siret|kvk|handelsreg\w*|hrb|registered|gst|bic|p\.?\s?iva|cvr|moms|"
    r"abn)\b"
)


DOMAIN = re.compile(r"(?i)(?:@|www\.|https?://)([\w-]+(?:\.[\w-]+)*)\.[a-z]{2,}")


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


def rest_of(label: Label, sheet: Sheet) -> list[Segment]:
    """What stands in the heading's own segment behind it."""
    home = next((s for s in sheet.segments if label.tokens[0] in s.tokens), None)
    if home is None:
        return []
    after = [t for t in home.tokens if t.index > label.tokens[-1].index]
    return [segment(after, home.row)] if after else []


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
