"""Which pages are pictures of text."""

import numpy as np
import pytest

from domains.invoices.reading.file import picture

from .conftest import Open
from .papers import Sheet, encoded, letter, printed

SCAN = np.asarray(printed())


def test_a_page_that_is_one_picture_is_a_scan(opened: Open) -> None:
    found = opened(Sheet().picture(SCAN, 0, 0, 595, 432).pdf())
    assert (found.scans, found.source) == ([1], "ocr")


def test_the_invisible_text_of_a_searchable_scan_is_neither_read_nor_hidden(opened: Open) -> None:
    sheet = Sheet().picture(SCAN, 0, 0, 595, 842)
    for row in range(10):
        sheet.text("Invisible layer over the picture of a page", y=800 - 20 * row, before="3 Tr")
    found = opened(sheet.pdf())
    assert (found.scans, found.hidden) == ([1], [])
    assert found.layout is not None
    assert found.layout.pages[0].words == []


def test_a_letterhead_in_the_background_is_no_scan(opened: Open) -> None:
    paper = Sheet().picture(np.full((100, 100), 240, np.uint8), 0, 0, 595, 842)
    for row in range(20):
        paper.text("A full page of honest text printed over it", y=800 - 20 * row)
    assert opened(paper.pdf()).scans == []


def test_a_page_with_text_is_no_scan(opened: Open) -> None:
    found = opened(letter().pdf())
    assert (found.kind, found.source, found.scans) == ("pages", "text", [])


def test_text_drawn_as_curves_is_read_as_a_picture(opened: Open) -> None:
    sheet = Sheet()
    for row in range(20):
        sheet.content += b"".join(b"%d %d 5 8 re f\n" % (50 + 12 * n, 780 - 30 * row) for n in range(30))
    assert opened(sheet.pdf()).scans == [1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_is_a_scan(opened: Open, kind: str) -> None:
    found = opened(encoded(printed(), kind, dpi=(150, 150)))
    assert found.layout is not None
    assert found.scans == [1]
    assert [round(v) for v in (found.layout.pages[0].width, found.layout.pages[0].height)] == [595, 432]


def test_every_page_of_a_tiff_is_a_scan(opened: Open) -> None:
    found = opened(encoded(printed(), "TIFF", save_all=True, append_images=[printed(), printed()]))
    assert found.scans == [1, 2, 3]


def test_the_picture_of_a_page_has_no_more_pixels_than_allowed(tmp_path) -> None:
    path = tmp_path / "large"
    sheet = Sheet(box=b"0 0 14400 14400").picture(SCAN, 0, 0, 14400, 14400)
    path.write_bytes(sheet.pdf())
    grey, width = picture(str(path), "large", 1)
    assert grey.size <= 12_100_000
    assert width == 14400


def test_a_photo_is_turned_as_its_camera_says(tmp_path) -> None:
    path = tmp_path / "photo"
    exif = printed().getexif()
    exif[0x0112] = 6
    path.write_bytes(encoded(printed(), "JPEG", exif=exif))
    grey, width = picture(str(path), "photo", 1)
    assert grey.shape == (1240, 900)
    assert round(width) == round(842 * 900 / 1240)
