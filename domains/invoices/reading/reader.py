"""The reader: a connector that opens files of unknown origin in child processes and makes words of what they show."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar, Self

from agentflow import Problem, WorkerDied, Workers, WorkerTimeout
from domains.invoices.reading.opened import Opened, Refused, refusal
from domains.invoices.records import Layout, Page

OPEN_SECONDS = 30.0
OPEN_MEMORY = 800
"""MiB of address space; the opening of an honest file keeps some 150 resident."""
OCR_SECONDS = 90.0
"""For a page, which takes about one when the machine is idle."""
OCR_MEMORY = 4_000


class Reader:
    """Opens files in one child process and reads pictures in another; neither starts before it is needed."""

    name: ClassVar[str] = "reader"

    def __init__(self, files: Workers, pictures: Workers) -> None:
        self._files = files
        self._pictures = pictures

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str | None, home: Path) -> AsyncGenerator[Self]:
        """A reader for one run; it has nothing to connect to, so `url` and `home` are not used."""
        async with AsyncExitStack() as stack:
            package = __package__ or ""
            files = Workers(f"{package}.file:work", seconds=OPEN_SECONDS, memory_mb=OPEN_MEMORY)
            pictures = Workers(f"{package}.ocr:read_picture", seconds=OCR_SECONDS, memory_mb=OCR_MEMORY)
            yield cls(await stack.enter_async_context(files), await stack.enter_async_context(pictures))

    async def read(self, path: Path, name: str) -> Opened:
        """Open the file at `path`, which its sender calls `name`; never raises for what the file itself is.

        Raises WorkerError where the child process cannot be started at all.
        """
        try:
            return await self._read(path, name)
        except WorkerDied:  # by its own fault or the machine's: only a second time tells
            try:
                return await self._read(path, name)
            except WorkerDied:
                return refusal(
                    _hostile("too_demanding", "needs more memory than any honest one, or crashes its reader")
                )

    async def _read(self, path: Path, name: str) -> Opened:
        try:
            opened: Opened = await self._files.call("open", str(path), name)
            return _legible(await self._with_ocr(path, name, opened))
        except Refused as error:
            return refusal(error.problem)
        except WorkerTimeout:
            return refusal(_hostile("too_slow", "takes longer to open than any honest one"))

    async def _with_ocr(self, path: Path, name: str, opened: Opened) -> Opened:
        """The scans read page by page, so that one picture at a time is in memory."""
        if opened.layout is None or not opened.scans:
            return opened
        read: dict[int, Page] = {}
        for number in opened.scans:
            picture, width = await self._files.call("picture", str(path), name, number)
            read[number] = await self._pictures.call(picture, width, number)
        pages = [_fuller(page, read.get(page.number)) for page in opened.layout.pages]
        return opened.model_copy(update={"layout": Layout(pages=pages), "scans": []})


def _fuller(printed: Page, read: Page | None) -> Page:
    """What was read from the picture, unless the little text printed on it is more."""
    return read if read and _letters(read) >= _letters(printed) else printed


def _letters(page: Page) -> int:
    return sum(len(word.text) for word in page.words)


def _hostile(code: str, what: str) -> Problem:
    return Problem(code=code, message=f"The file {what}. Ask the sender for a plain PDF, or print it to PDF again.")


def _legible(opened: Opened) -> Opened:
    """A refusal where not a single word can be read on any page."""
    if opened.kind != "pages" or (opened.layout and any(page.words for page in opened.layout.pages)):
        return opened
    message = "Nothing can be read on the page. Send a sharper scan, or the PDF itself."
    return refusal(Problem(code="no_text", message=message))
