"""Amounts on a page, and what the words beside and above them say of them."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise

from agentflow import Box
from domains.invoices.extraction.codes import ibans
from domains.invoices.extraction.dates import find_dates
from domains.invoices.extraction.geometry import Segment, Sheet, Token, around, mostly_letters
from domains.invoices.extraction.lexicon import word_lists
from domains.invoices.extraction.notation import SYMBOLS, read_amount
from domains.invoices.extraction.text import compact, fold

RATE = re.compile(r"[@(]?(\d{1,2}(?:[.,]\d{1,2})?)\s?%.*")
SIGNS = frozenset(SYMBOLS) | {"-", "−", "–", "kr", "kr.", "Kr", "Kr."}


@dataclass(frozen=True, slots=True)
class Money:
    """A number that may be an amount, as printed."""

    value: Decimal
    decimals: int
    currency: str | None
    tokens: tuple[Token, ...]
    row: int
    percent: bool = False

    @property
    def box(self) -> Box:
        """The smallest box that holds it all."""
        return around(t.box for t in self.tokens)

    @property
    def page(self) -> int:
        """1-based page it stands on."""
        return self.tokens[0].page

    @property
    def priced(self) -> bool:
        """Whether it is printed the way money is: with two decimals or a currency."""
        return not self.percent and (self.decimals == 2 or self.currency is not None)


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount in its row, with the text that introduces it."""

    money: Money
    label: str
    """The text left of it, back to the amount before; where that is empty, the text the row begins with."""
    last: bool
    """Whether no further amount follows before the next text."""
    header: str
    """The text above it in its column."""
    column: str
    """In a row of sums, the words over its column, past the lines; empty elsewhere."""
    heading: tuple[Token, ...] = ()
    """The tokens of the label."""


def row_money(row: Sequence[Segment], decimal: str, spaced: bool) -> list[Money]:
    """The numbers of a row; `spaced` admits blanks between groups of thousands."""
    found: list[Money] = []
    for segment in row:
        dated = date_tokens(segment) | {t.index for code in ibans(segment.tokens) for t in code.tokens}
        tokens = segment.tokens
        at = 0
        while at < len(tokens):
            hit = None if tokens[at].index in dated else money_at(tokens, at, segment.row, decimal, spaced)
            if hit is None:
                at += 1
            else:
                found.append(hit)
                at += len(hit.tokens)
    return found


def date_tokens(segment: Segment) -> set[int]:
    """Indexes of the tokens that belong to a date."""
    spans = find_dates(segment.text)
    at = 0
    hit: set[int] = set()
    for token in segment.tokens:
        if any(s.start < at + len(token.text) and at < s.end for s in spans):
            hit.add(token.index)
        at += len(token.text) + 1
    return hit


def money_at(tokens: Sequence[Token], at: int, row: int, decimal: str, spaced: bool) -> Money | None:
    """The number that begins at a token, with as many tokens as it has."""
    text = tokens[at].text
    if not (any(c.isdigit() for c in text) or text in SIGNS or re.fullmatch(r"[A-Z]{3}|[(]", text)):
        return None
    rate = RATE.fullmatch(text)
    if rate:
        return Money(Decimal(rate[1].replace(",", ".")), 0, None, (tokens[at],), row, percent=True)
    for end in range(min(len(tokens), at + 5), at, -1):
        part = tokens[at:end]
        if not adjoining(part, spaced):
            continue
        amount = read_amount(" ".join(t.text.strip(":;*|") for t in part), decimal)
        if amount is not None:
            percent = end < len(tokens) and tokens[end].text.startswith("%")
            taken = tokens[at : end + 1] if percent else part
            return Money(amount.value, amount.decimals, amount.currency, tuple(taken), row, percent)
    return None


def adjoining(part: Sequence[Token], spaced: bool) -> bool:
    """Whether tokens may be one amount: digits twice only where groups of thousands are set with blanks."""
    numeric = [t for t in part if any(c.isdigit() for c in t.text)]
    if len(numeric) <= 1:
        return len(numeric) == 1 and len(part) <= 4
    if not spaced or not re.fullmatch(r"\D{0,4}\d{1,3}", numeric[0].text):
        return False
    if not all(re.fullmatch(r"\d{3}(?:[.,]\d{1,2})?\D{0,3}", t.text) for t in numeric[1:]):
        return False
    return all(b.box[0] - a.box[2] < 0.45 * b.height for a, b in pairwise(numeric))


def groups_with_blanks(sheets: Sequence[Sheet]) -> bool:
    """Whether the document sets no marks between thousands, so that blanks may stand there."""
    marked = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{2}|\d{1,3}(?:,\d{3})+\.\d{2}|\d{1,3}(?:['’]\d{3})+")
    return not any(marked.search(t.text) for sheet in sheets for t in sheet.tokens)


def entries(sheet: Sheet, decimal: str, spaced: bool) -> Iterator[Entry]:
    """Every amount of a page with its words."""
    for row in sheet.rows:
        amounts = row_money(row, decimal, spaced)
        if amounts:
            yield from row_entries(sheet, row, amounts)


def row_entries(sheet: Sheet, row: Sequence[Segment], amounts: list[Money]) -> Iterator[Entry]:
    """The amounts of one row."""
    tokens = [t for segment in row for t in segment.tokens]
    plain = [m for m in amounts if not m.percent]
    used = {t.index for m in plain for t in m.tokens}
    before: list[Token] = []
    lead: list[Token] = []
    for token in tokens:
        owner = next((m for m in plain if m.tokens[0] is token), None)
        if owner is not None:
            lead = nearest_words(before) or lead
            after = [t for t in tokens if t.index > owner.tokens[-1].index]
            last = not (after and after[0].index in used)
            text = " ".join(t.text for t in lead)
            summed = len(plain) > 1 and "sum" in traits(text)
            column = column_words(sheet, owner) if summed else ""
            yield Entry(owner, text, last, header(sheet, owner), column, tuple(lead))
            before = []
        elif token.index not in used:
            before.append(token)


def nearest_words(before: list[Token]) -> list[Token]:
    """Of the text left of an amount the part that belongs to it: up to a wide gap, past which another column begins."""
    taken: list[Token] = []
    for token in reversed(before):
        gap = taken[0].box[0] - token.box[2] if taken else 0.0
        if gap > 3.0 * token.height and roles(" ".join(t.text for t in taken)):
            break
        taken.insert(0, token)
    return taken


def column_words(sheet: Sheet, money: Money) -> str:
    """The nearest words above a number in its column, past other numbers."""
    box = money.box
    over = [
        s for s in sheet.segments
        if 0 <= box[1] - s.box[3] < 25 * sheet.size and s.box[0] < box[2] and box[0] < s.box[2]
        and ("%" in s.text or mostly_letters(s.text))
    ]  # fmt: skip
    return max(over, key=lambda s: s.box[3]).text if over else ""


def header(sheet: Sheet, money: Money) -> str:
    """The words right above an amount, in its column."""
    box = money.box
    over = [
        s for s in sheet.segments
        if 0 <= box[1] - s.box[3] < 2.5 * sheet.size and s.box[0] < box[2] and box[0] < s.box[2]
        and s.box[2] - s.box[0] < 0.4 * sheet.width
    ]  # fmt: skip
    return max(over, key=lambda s: s.box[3]).text if over else ""


@cache
def words() -> dict[str, tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]]:
    """For each class the short words, which must stand alone, the stems found inside words, and the short phrases."""
    split: dict[str, tuple[frozenset[str], tuple[str, ...], tuple[str, ...]]] = {}
    for name, listed in word_lists("totals.toml").items():
        short = frozenset(compact(w) for w in listed if len(compact(w)) < 5 and " " not in w)
        stems = tuple(compact(w) for w in listed if len(compact(w)) >= 5)
        phrases = tuple(f" {fold(w)} " for w in listed if len(compact(w)) < 5 and " " in w)
        split[name] = (short, stems, phrases)
    return split


@lru_cache(maxsize=20_000)
def traits(text: str) -> frozenset[str]:
    """The word classes that a text has words of."""
    folded = fold(text)
    alone = set(re.findall(r"[^\W\d_]+(?:\.[^\W\d_]+)*", folded))
    alone |= {w.replace(".", "") for w in alone}
    joined = compact(re.sub(r"[#№]", "", text))
    spread = " ".join(["", *re.findall(r"\w+", folded), ""])
    return frozenset(
        name for name, (short, stems, phrases) in words().items()
        if alone & short or any(s in joined for s in stems) or any(p in spread for p in phrases)
    )  # fmt: skip


def roles(text: str) -> dict[str, float]:
    """What the amount behind a label may be, and how surely (0 to 1)."""
    has = traits(text)
    if not has or (has & {"ignore", "carry"} and not has & {"due", "grand", "charge"}):
        return {}
    if "rounding" in has:
        return {"gross": 0.4, "rounding": 0.6} if has & {"sum", "grand"} else {"rounding": 0.9}
    if "due" in has and "tax" in has and not has & {"sum", "grand", "amount", "include"}:
        return {"tax": 0.85, "due": 0.4}
    if "due" in has and "prepaid" in has and "sum" not in has:
        return {"due": 0.7, "prepaid": 0.2}
    if "due" in has:
        return {"due": 0.95, "gross": 0.55}
    if "prepaid" in has:
        return {"prepaid": 0.8}
    found = taxed(has) if "tax" in has else untaxed(has)
    if "%" in text and "gross" in found:
        found["gross"] *= 0.6
    return found


def taxed(has: frozenset[str]) -> dict[str, float]:
    """The roles of a label that speaks of tax."""
    whole = has & {"sum", "grand", "subtotal", "amount"}
    if "plus" in has:
        return {"tax": 0.9} if not whole & {"sum", "grand"} else {"tax": 0.7, "net": 0.5}
    if "gross" in has:
        return {"gross": 0.95}
    if "within" in has:
        return {"tax": 0.9}
    if "include" in has:
        return {"gross": 0.95, "tax": 0.2} if whole else {"tax": 0.7, "gross": 0.45}
    if has & {"net", "base"}:
        return {"net": 0.9, "tax": 0.2} if whole else {"net": 0.7, "tax": 0.3}
    if "subtotal" in has:
        return {"net": 0.5, "tax": 0.5}
    return {"tax": 0.9} if "grand" not in has else {"tax": 0.7, "gross": 0.4}


def untaxed(has: frozenset[str]) -> dict[str, float]:
    """The roles of a label that does not speak of tax."""
    if "gross" in has:
        return {"gross": 0.95}
    if has & {"allowance", "charge"} and not has & {"grand", "subtotal"}:
        return {"allowance": 0.8} if "allowance" in has else {"charge": 0.8}
    if "subtotal" in has:
        return {"subtotal": 0.9, "net": 0.65, "gross": 0.1}
    if "net" in has:
        return {"net": 0.9, "gross": 0.25} if has & {"sum", "grand", "amount"} else {"net": 0.7, "gross": 0.15}
    if "include" in has:
        return {"gross": 0.7} if has & {"sum", "grand"} else {}
    if "base" in has:
        return {"net": 0.5}
    if "grand" in has:
        return {"gross": 0.9, "due": 0.4, "net": 0.2}
    if "sum" in has:
        return {"gross": 0.75, "net": 0.35, "due": 0.3, "subtotal": 0.3}
    return {"gross": 0.2, "net": 0.15, "tax": 0.05} if "amount" in has else {}
