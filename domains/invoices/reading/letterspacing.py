"""Letterspacing: headings set as R E C H N U N G, put back together."""

from itertools import pairwise
from statistics import median

from domains.invoices.reading.geometry import union
from domains.invoices.records import Word

LEAST = 4
"""Single letters in a row that are taken for a word; fewer may be initials or columns."""
NEAR = 0.9
"""The widest usual gap between them, as a share of the height of their boxes."""
APART = 1.7
"""A gap of more than this many usual ones parts two spaced-out words."""


def closed_up(words: list[Word]) -> list[Word]:
    """Words in reading order, spaced-out ones as one word each."""
    closed: list[Word] = []
    letters: list[Word] = []
    for word in words:
        if letters and not _continues(letters[-1], word):
            closed.extend(_joined(letters))
            letters = []
        if len(word.text) == 1 and word.text.isalpha():
            letters.append(word)
        else:
            closed.append(word)
    return [*closed, *_joined(letters)]


def _continues(letter: Word, word: Word) -> bool:
    height = letter.box[3] - letter.box[1]
    level = abs(word.box[3] - letter.box[3]) < 0.3 * height
    return len(word.text) == 1 and word.text.isalpha() and level and word.box[0] >= letter.box[0]


def _joined(letters: list[Word]) -> list[Word]:
    if len(letters) < LEAST:
        return letters
    gaps = [b.box[0] - a.box[2] for a, b in pairwise(letters)]
    usual = median(gaps)
    if not 0 < usual < NEAR * (letters[0].box[3] - letters[0].box[1]):
        return letters
    groups = [letters[:1]]
    for letter, gap in zip(letters[1:], gaps, strict=True):
        if gap > APART * usual:
            groups.append([letter])
        else:
            groups[-1].append(letter)
    return [_word(group) for group in groups]


def _word(letters: list[Word]) -> Word:
    return Word(
        text="".join(letter.text for letter in letters),
        box=union([letter.box for letter in letters]),
        confidence=min(letter.confidence for letter in letters),
    )
