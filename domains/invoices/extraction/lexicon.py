"""The multilingual label lexicon: which printed words announce which field."""

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from domains.invoices.extraction.text import CONFUSABLE, compact


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label announces, and how surely (0 to 1)."""

    role: str
    weight: float


WEIGHT = {"strong": 1.0, "weak": 0.55}


def read_table(name: str) -> dict[str, Any]:
    """One of the word tables that stand beside this module."""
    return tomllib.loads(files("domains.invoices.extraction").joinpath(name).read_text(encoding="utf-8"))


def word_lists(name: str) -> dict[str, list[str]]:
    """A table with one list of words a class."""
    return read_table(name)


@cache
def places_table() -> dict[str, dict[str, list[str]]]:
    """Months, frequent words, countries and their currencies."""
    return read_table("places.toml")


@cache
def kind_words() -> dict[str, tuple[str, ...]]:
    """The words by which each kind of paper calls itself."""
    raw = read_table("kinds.toml")
    other: dict[str, list[str]] = raw.pop("other")
    return {kind: tuple(words) for kind, words in {**raw, **other}.items()}


@cache
def labels() -> dict[str, tuple[Meaning, ...]]:
    """Every label, as `compact` writes it, with its meanings; a phrase may announce two things."""
    meanings: dict[str, list[Meaning]] = {}
    for role, strengths in read_table("labels.toml").items():
        for strength, phrases in strengths.items():
            for phrase in phrases:
                known = meanings.setdefault(compact(phrase), [])
                if role not in (m.role for m in known):
                    known.append(Meaning(role, WEIGHT[strength]))
    return {phrase: tuple(known) for phrase, known in meanings.items()}


@cache
def near_labels() -> dict[str, str]:
    """Every spelling of a longer label with one character left out, in its confusable form, and the label."""
    near: dict[str, str] = {}
    for phrase in labels():
        if len(phrase) >= 7:
            for variant in variants(phrase.translate(CONFUSABLE)):
                near.setdefault(variant, phrase)
    return near


def variants(text: str) -> set[str]:
    """A text and all that leaving out one of its characters makes of it."""
    return {text} | {text[:i] + text[i + 1 :] for i in range(len(text))}


@lru_cache(maxsize=20_000)
def look_up(phrase: str, fuzzy: bool) -> tuple[str, tuple[Meaning, ...]] | None:
    """The label that a `compact` phrase spells, with its meanings.

    Fuzzy admits one character wrong, missing or too many in labels of seven characters and more, as OCR makes them.
    """
    known = labels().get(phrase)
    if known or not fuzzy or len(phrase) < 7:
        return (phrase, known) if known else None
    found = (near_labels().get(v) for v in sorted(variants(phrase.translate(CONFUSABLE)), key=len, reverse=True))
    label = next((f for f in found if f is not None), None)
    return (label, labels()[label]) if label else None
