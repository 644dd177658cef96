"""OCR: words as good as text, whichever way the page lies."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from domains.invoices.records import Page

from .papers import LINES, printed

pytest.importorskip("rapidocr", reason="OCR needs the package rapidocr")

from domains.invoices.reading.ocr import read_picture

WORDS = " ".join(LINES).split()


@cache
def read(turns: int = 0, slant: float = 0.0) -> Page:
    image = printed(turns=turns, slant=slant)
    return read_picture(np.asarray(image), 595 * image.width / 1240, 1)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_page_is_read_upright_however_it_was_scanned(turns: int) -> None:
    page = read(turns)
    assert [word.text for word in page.words] == WORDS
    assert (round(page.width), round(page.height)) == (595, 432)
    assert round(page.turned + 90 * turns) % 360 == 0


def test_a_slanted_page_is_made_level() -> None:
    page = read(slant=5)
    assert [word.text for word in page.words] == WORDS
    assert round(page.turned) == -5
    first = [word.box[1] for word in page.words[:5]]
    assert max(first) - min(first) < 5


def test_a_box_lies_around_its_word() -> None:
    word = next(word for word in read().words if word.text == "1.190,00")
    columns = np.flatnonzero((np.asarray(printed())[470:530] < 128).any(axis=0)) * 595 / 1240
    assert word.box[2] == pytest.approx(columns.max(), abs=4)
    assert word.box[1] < 240 < word.box[3]


def test_every_word_has_a_confidence() -> None:
    assert all(0.5 < word.confidence <= 1 for word in read().words)


@pytest.mark.parametrize("image", [Image.new("L", (900, 900), 255), Image.effect_noise((900, 900), 60)])
def test_a_picture_without_text_has_no_words(image: Image.Image) -> None:
    assert read_picture(np.asarray(image), 595, 1).words == []
