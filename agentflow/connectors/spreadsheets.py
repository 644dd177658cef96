"""Spreadsheets: CSV files for people, in which no text runs as a formula."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell starts that spreadsheets calculate (OWASP, CSV injection), with the wide forms of the signs."""


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a CSV file whole or not at all: UTF-8 with a mark, commas, a point in decimals.

    Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers and dates stay what they are.
    Raises OSError where the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8-sig", newline="", dir=path.parent, suffix=".csv", delete=False
    ) as file:
        part = Path(file.name)
        try:
            writer = csv.writer(file)
            writer.writerow(map(cell, header))
            writer.writerows(map(cell, row) for row in rows)
        except BaseException:
            part.unlink()
            raise
    part.replace(path)


def cell(value: Any) -> str:
    """A value as a cell: only text can be a formula, so only text is kept from being one."""
    match value:
        case None:
            return ""
        case Decimal():
            return format(value, "f")
        case str():
            return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value
        case _:
            return str(value)
