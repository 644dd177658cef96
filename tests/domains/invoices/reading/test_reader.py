"""The reader: whatever a file does to the process that opens it, the answer is pages or a refusal."""

from pathlib import Path

import pytest

from domains.invoices.reading import Opened, Reader
from domains.invoices.reading import reader as settings

from .papers import LINES, Sheet, encoded, letter, printed, swelling


async def read(folder: Path, *files: bytes) -> list[Opened]:
    async with Reader.open(None, folder) as reader:
        found: list[Opened] = []
        for number, data in enumerate(files):
            path = folder / str(number)
            path.write_bytes(data)
            found.append(await reader.read(path, path.name))
        return found


def code(opened: Opened) -> str:
    assert opened.kind == "refused"
    assert opened.problem is not None
    return opened.problem.code


async def test_a_text_is_read(tmp_path: Path) -> None:
    (found,) = await read(tmp_path, letter().pdf())
    assert (found.kind, found.source) == ("pages", "text")


async def test_a_file_that_swells_to_gigabytes_costs_itself_alone(tmp_path: Path) -> None:
    sheet = Sheet(content=swelling(4000), filters=b"/Filter[/FlateDecode/FlateDecode]")
    bomb, honest = await read(tmp_path, sheet.pdf(), letter().pdf())
    assert code(bomb) == "too_demanding"
    assert honest.kind == "pages"


async def test_a_file_that_takes_too_long_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "OPEN_SECONDS", 1.0)
    slow = Sheet(content=b"0 0 m 9 9 l S " * 3_000_000)
    late, honest = await read(tmp_path, slow.pdf(), letter().pdf())
    assert code(late) in ("too_slow", "too_demanding")
    assert honest.kind == "pages"


async def test_an_empty_page_holds_nothing_to_read(tmp_path: Path) -> None:
    (found,) = await read(tmp_path, Sheet().pdf())
    assert code(found) == "no_text"


async def test_a_scan_between_text_pages_is_read_by_ocr(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr", reason="OCR needs the package rapidocr")
    (found,) = await read(tmp_path, encoded(printed(), "TIFF", save_all=True, append_images=[printed(turns=2)]))
    assert found.layout is not None
    assert (found.source, found.scans) == ("ocr", [])
    for page in found.layout.pages:
        assert [word.text for word in page.words] == " ".join(LINES).split()
