"""What opening a file gives: pages with words, an e-invoice, or a refusal that says what to do."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from agentflow import Problem
from domains.invoices.records import Layout

MEGABYTE = 1_000_000
MAX_BYTES = 50 * MEGABYTE
MAX_PAGES = 50


class Opened(BaseModel):
    """A file, opened. Of a `refused` one only `problem` speaks; `pages` and `einvoice` may carry a note there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["einvoice", "pages", "refused"]
    xml: bytes | None = None
    syntax: Literal["ubl", "cii", "zugferd1"] | None = None
    layout: Layout | None = None
    """None where an XML comes without a page."""
    source: Literal["text", "ocr", "mixed"] = "text"
    hidden: list[str] = []
    """Text that is in the file but that no reader of a page can see; never in `layout`."""
    scans: list[int] = []
    """1-based pages that hold a picture of text and have not been through OCR."""
    part: str | None = None
    """The attachment that was read, where the file is an e-mail."""
    problem: Problem | None = None


class Refused(Exception):
    """Stops the opening of a file; carries the problem to tell."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.problem = Problem(code=code, message=message)


def refusal(problem: Problem) -> Opened:
    """A file that is not read, and why."""
    return Opened(kind="refused", problem=problem)
