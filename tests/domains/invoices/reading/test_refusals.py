"""Files that are not read: each with one problem that says what to do."""

import io
import os
import zlib
from pathlib import Path

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from domains.invoices.reading.file import open_file

from .conftest import Open
from .papers import UBL, Sheet, document, encoded, letter, printed

CATALOGUE = b"<</Type/Catalog/Pages 2 0 R>>"


def code(opened: Open, data: bytes) -> str:
    found = opened(data)
    assert found.kind == "refused"
    assert found.problem is not None
    assert found.problem.message.endswith(".")
    return found.problem.code


def pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    tree = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)
    return document(CATALOGUE, tree, *[b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>"] * count)


@pytest.mark.parametrize("data", [b"", b"\n \n", bytes(5000)], ids=["no bytes", "blanks", "zeros"])
def test_an_empty_file_is_refused(opened: Open, data: bytes) -> None:
    assert code(opened, data) == "empty"


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"PK\x03\x04" + bytes(99), "ZIP"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), ".eml"),
        (b"GIF89a" + bytes(99), "PNG"),
        (b"just some words", "PDF"),
        (b"<!DOCTYPE html><html><body>Invoice</body></html>", "PDF"),
        (b"%!PS-Adobe-3.0", "PDF"),
    ],
)
def test_other_kinds_of_file_are_refused_with_advice(opened: Open, data: bytes, advice: str) -> None:
    found = opened(data)
    assert found.problem is not None
    assert found.problem.code == "unsupported_type"
    assert advice in found.problem.message


def test_a_locked_pdf_is_refused(opened: Open) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, encrypt="secret")
    canvas.drawString(50, 700, "Invoice")
    canvas.save()
    assert code(opened, out.getvalue()) == "encrypted"


def test_a_pdf_cut_short_is_refused(opened: Open) -> None:
    data = letter().pdf()
    assert code(opened, data[: len(data) // 2]) == "truncated"


def test_a_damaged_pdf_is_refused(opened: Open) -> None:
    assert code(opened, b"%PDF-1.4\n" + b"rubbish " * 99 + b"\n%%EOF") == "damaged"


def test_a_pdf_without_a_page_is_refused(opened: Open) -> None:
    assert code(opened, document(CATALOGUE, b"<</Type/Pages/Kids[]/Count 0>>")) == "no_pages"


@pytest.mark.parametrize("count", [51, 10_000])
def test_a_pdf_of_too_many_pages_is_refused(opened: Open, count: int) -> None:
    assert code(opened, pages(count)) == "too_many_pages"


def test_a_pdf_of_fifty_pages_is_read(opened: Open) -> None:
    layout = opened(pages(50)).layout
    assert layout is not None
    assert len(layout.pages) == 50


def test_a_page_tree_that_holds_itself_is_refused(opened: Open) -> None:
    assert code(opened, document(CATALOGUE, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>")) == "damaged"


def test_a_form_that_draws_itself_is_drawn_once(opened: Open) -> None:
    sheet = letter()
    sheet.resources = b"/XObject<</X 6 0 R>>"
    head = b"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X 6 0 R>>>>/Length 5>>"
    sheet.more = [head + b"\nstream\n/X Do\nendstream"]
    sheet.content += b"/X Do\n"
    assert opened(sheet.pdf()).kind == "pages"


def test_a_page_of_two_hundred_inches_is_read_without_painting_it_whole(opened: Open) -> None:
    layout = opened(Sheet(box=b"0 0 14400 14400").text("Total 1.190,00", size=200).pdf()).layout
    assert layout is not None
    assert [word.text for word in layout.pages[0].words] == ["Total", "1.190,00"]


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + UBL,
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd">' + UBL,
        UBL[:-5],
        UBL.replace(b"7", b"\xff\xfe"),
        b"<order/>",
        UBL.replace(b"7", b"<a>" * 1000 + b"</a>" * 1000),
    ],
    ids=["entities", "outer file", "cut short", "broken encoding", "no invoice", "deep"],
)
def test_an_xml_that_is_no_plain_invoice_is_refused(opened: Open, data: bytes) -> None:
    assert code(opened, data) == "xml_refused"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_cut_short_is_refused_when_it_is_opened_or_painted(tmp_path: Path, kind: str) -> None:
    from domains.invoices.reading.file import picture
    from domains.invoices.reading.opened import Refused

    path = tmp_path / "cut"
    data = encoded(printed(), kind)
    path.write_bytes(data[: len(data) // 2])
    found = open_file(str(path), "cut")
    if found.kind != "refused":
        with pytest.raises(Refused):
            picture(str(path), "cut", 1)


def test_a_picture_of_too_many_pixels_is_refused(opened: Open) -> None:
    assert code(opened, encoded(Image.new("1", (12_000, 10_000)), "PNG")) == "too_many_pixels"


def test_a_picture_of_a_few_pixels_is_refused(opened: Open) -> None:
    assert code(opened, encoded(Image.new("L", (20, 20)), "PNG")) == "too_small"


def test_a_tiff_of_too_many_pages_is_refused(opened: Open) -> None:
    page = Image.new("1", (50, 50))
    data = encoded(page, "TIFF", save_all=True, append_images=[page] * 50)
    assert code(opened, data) == "too_many_pages"


def test_a_file_over_the_limit_is_refused_by_its_size_alone(tmp_path: Path) -> None:
    path = tmp_path / "huge.pdf"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    problem = open_file(str(path), "huge.pdf").problem
    assert problem is not None
    assert problem.code == "too_large"
    assert "200 MB" in problem.message


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.pdf"):
        problem = open_file(str(path), "nothing").problem
        assert problem is not None
        assert problem.code == "no_file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closed.pdf"
    path.write_bytes(letter().pdf())
    path.chmod(0)
    problem = open_file(str(path), "closed.pdf").problem
    assert problem is not None
    assert problem.code == "unreadable_file"


def test_the_extension_does_not_decide(tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    path.write_bytes(letter().pdf())
    assert open_file(str(path), "invoice.xml").kind == "pages"


def test_content_that_is_deflated_twice_is_read(opened: Open) -> None:
    sheet = letter()
    sheet.content = zlib.compress(zlib.compress(sheet.content))
    sheet.filters = b"/Filter[/FlateDecode/FlateDecode]"
    layout = opened(sheet.pdf()).layout
    assert layout is not None
    assert layout.pages[0].words
