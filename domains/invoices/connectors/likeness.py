"""Likeness: how far two company names, or two document numbers, are one as printed and as an OCR engine reads them."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

_FORMS = (
    "gmbh mbh ag kg kgaa ohg gbr ug haftungsbeschrankt ek eg ev eu partg ltd limited llc llp lp inc incorporated corp "
    "corporation co company cie plc se sa sas sasu sarl eurl snc sci scop spa srl srls sapa bv nv vof cv bvba sprl aps "
    "ivs as asa ab hb oy oyj ou sia uab sp zoo spzoo spj sro kft bt zrt nyrt doo dd ad ood eood lda ltda sl slu sau "
    "pty pte sdn bhd sb kk gk pvt private pjsc jsc ooo zao und and et y e"
)
FORMS = frozenset(_FORMS.split())
"""Legal forms, and the words that join them, as `_tokens` spells them."""

_SINGLE = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "a", "œ": "o", "đ": "d", "ð": "d", "þ": "th"})
_LETTERS = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b"})
_DIGITS = str.maketrans({"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "S": "5", "B": "8", "Z": "2", "G": "6"})
_MISREAD_PAIRS = "08 06 38 35 58 68 17 49 09 27 14 69"
_MISREAD = frozenset(map(frozenset, _MISREAD_PAIRS.split()))
"""Pairs of digits that engines take for each other, without neighbours such as 5 and 6, which follow in a series."""


@dataclass(frozen=True, slots=True)
class Name:
    """A company's name taken apart."""

    core: str
    """Words without legal forms, folded, parted by blanks; characters that OCR mixes up are one."""
    forms: frozenset[str]


@lru_cache(maxsize=200_000)
def company(name: str) -> Name:
    """A name without case, accents, umlauts' spelling, punctuation and legal forms."""
    tokens = _tokens(name)
    core = [token for token in tokens if token not in FORMS] or tokens
    return Name(" ".join(core).translate(_LETTERS), frozenset(tokens) & FORMS)


def name_likeness(a: str, b: str) -> float:
    """0 to 1; 1 where two names differ by nothing but spelling, a little less where their legal forms differ."""
    one, other = company(a), company(b)
    if not one.core or not other.core:
        return 0.0
    glued = fuzz.ratio(one.core.replace(" ", ""), other.core.replace(" ", "")) / 100
    score = max(glued, fuzz.token_sort_ratio(one.core, other.core) / 100)
    if _begins(one.core, other.core):
        score = max(score, 0.9)
    elif glued < 0.95 and _apart(one.core, other.core):
        score = min(score, 0.5)
    return score * 0.95 if one.forms and other.forms and not one.forms & other.forms else score


AFFIX = 3
"""Characters put before or behind a number that do not make it another."""


def number_key(number: str) -> str:
    """A document number without spaces, signs and case; letters that look like digits are digits."""
    folded = unicodedata.normalize("NFKD", number).upper()
    return "".join(c for c in folded if c.isalnum()).translate(_DIGITS)


def same_number(a: str, b: str) -> bool:
    """Whether two document numbers are one but for signs, look-alikes and a word before the digits."""
    one, other = number_key(a), number_key(b)
    return bool(one) and (one == other or _bare(a) == other or _bare(b) == one)


def near_number(a: str, b: str) -> bool:
    """Whether one misread or lost character, or a few put before or behind, would make two document numbers one.

    Neighbours in a series are not near.
    """
    one, other = sorted((number_key(a), number_key(b)), key=len)
    if len(one) >= 6 and 0 < len(other) - len(one) <= AFFIX and (other.startswith(one) or other.endswith(one)):
        return True
    if min(len(one), len(other)) < 4 or Levenshtein.distance(one, other, score_cutoff=1) != 1:
        return False
    if len(one) != len(other):
        return True
    pair = next(frozenset((x, y)) for x, y in zip(one, other, strict=True) if x != y)
    return pair in _MISREAD or not all(c.isdigit() for c in pair)


def _tokens(name: str) -> list[str]:
    """Words in lower case; single letters that follow each other are one word, so that B.V. is `bv`."""
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_SINGLE))
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    bare = re.sub(r"(?<=[aou])e", "", re.sub(r"[.'](?=\w\b)", " ", bare))
    words = re.findall(r"[^\W_]+", bare)
    glued = re.sub(r"(?<=\b\w) (?=\w\b)", "", " ".join(words))
    return glued.split()


def _begins(a: str, b: str) -> bool:
    """Whether one name begins with all of the other, which must be long enough to be no accident."""
    short, long = sorted((a, b), key=len)
    return len(short) >= 8 and " " in short and long.startswith(f"{short} ")


def _apart(a: str, b: str) -> bool:
    """Whether two names have a word each that the other lacks, as Works of Bonn and Works of Oslo have."""
    return all(any(_lacks(word, other.split()) for word in one.split()) for one, other in ((a, b), (b, a)))


def _lacks(word: str, others: list[str]) -> bool:
    return len(word) > 2 and all(fuzz.ratio(word, other) < 55 for other in others)


def _bare(number: str) -> str:
    """The number without a word of letters before it, where enough of it is left."""
    found = re.fullmatch(r"[^\W\d_]{2,}[\W_]*(?=\d)(.*\d.*)", unicodedata.normalize("NFKC", number).strip(), re.DOTALL)
    rest = number_key(found[1] if found else number)
    return rest if len(rest) >= 4 else ""
