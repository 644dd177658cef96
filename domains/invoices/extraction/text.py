"""Folding: what two spellings of the same printed text have in common."""

# ruff: noqa: RUF001 - signs that look alike are what is read here

import unicodedata
from functools import lru_cache

SINGLE = str.maketrans(
    {"ß": "ss", "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "đ": "d", "ð": "d"}
)
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣－", "-"))
CONFUSABLE = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b"})


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case without accents; letters that do not decompose are spelt out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(SINGLE).translate(DASHES))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


@lru_cache(maxsize=20_000)
def compact(text: str) -> str:
    """`fold` with nothing but letters and digits; the number sign counts as the word `nr`."""
    folded = fold(text.replace("#", " nr ").replace("№", " nr "))
    return "".join(c for c in folded if c.isalnum())
