"""Tables: a customer's own lists, read whole from a CSV file or a SQL database."""

import asyncio
import csv
import io
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy import table as sql_table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from agentflow.connectors.sql import open_database, reading
from agentflow.errors import ConnectorError

Row = dict[str, str | None]
Spellings = Mapping[str, Iterable[str]]
"""Column name in our words -> other headers it may stand under; case, spaces and punctuation do not count."""

LARGEST = 512 * 1024 * 1024
"""Bytes of a CSV file that are still read."""

_DELIMITERS = ",;\t|"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


async def read_table(url: str, table: str | None = None) -> list[Row]:
    """The rows of a CSV file or of a SQL table, every value as text, None where empty.

    `url` is a path (delimiter one of `,;\\t|`; UTF-8, UTF-16 with a mark, or cp1252; first row the header) or a
    database URL; its table is named by `table`, `?table=name` or `#name`, or is the only one there.

    Raises ConnectorError where there is nothing to read, ConfigError where the URL is wrong.
    """
    return (await _read(url, table))[1]


async def read_columns(url: str, spellings: Spellings, required: Iterable[str], table: str | None = None) -> list[Row]:
    """Like `read_table`, with the columns under the names of `spellings`, other columns left out.

    Raises ConnectorError also where a `required` column is missing, naming it and the columns that are there.
    """
    header, rows = await _read(url, table)
    found = {name: _find(header, name, others) for name, others in spellings.items()}
    missing = [name for name in required if found.get(name) is None]
    if missing:
        raise ConnectorError(
            f"{_named(url)} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has {', '.join(header)}. Add or rename."
        )
    return [{name: row[column] for name, column in found.items() if column is not None} for row in rows]


async def _read(url: str, table: str | None) -> tuple[list[str], list[Row]]:
    if "://" in url:
        return await _read_sql(url, table)
    return await asyncio.to_thread(_read_csv, Path(url))


def _find(header: list[str], name: str, others: Iterable[str]) -> str | None:
    plain = {_plain(column): column for column in reversed(header)}
    return next((plain[key] for key in map(_plain, [name, *others]) if key in plain), None)


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "", header).casefold()


def _named(url: str) -> str:
    """What may be shown of a URL: never what stands before the @."""
    return re.sub(r"(?<=://)[^/@]*@", "***@", url)


def _read_csv(path: Path) -> tuple[list[str], list[Row]]:
    content = _decoded(path)
    first = next((line for line in content.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([first], delimiter=sign), list[str]())))
    try:
        rows = [row for row in csv.reader(io.StringIO(content, ""), delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error as error:
        raise ConnectorError(f"{path} cannot be read as CSV: {error}. Save it again as CSV in UTF-8.") from error
    header = _header(rows[0] if rows else [], path)
    return header, [_row(header, cells) for cells in rows[1:]]


def _decoded(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ConnectorError(f"{path} is larger than {LARGEST >> 20} MB; put it into a database and give its URL.")
        data = path.read_bytes()
    except OSError as error:
        raise ConnectorError(f"{path} cannot be read: {error.strerror or error}. Check the path.") from error
    if data.startswith(_UTF16):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _header(cells: list[str], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(re.search(r"[^\W\d_]", cell) for cell in header):
        raise ConnectorError(f"{path} has no header: its first row must name the columns.")
    twice = sorted({cell for cell in header if cell and header.count(cell) > 1})
    if twice:
        raise ConnectorError(f"{path} names a column twice: {', '.join(twice)}. Rename one.")
    return [cell or f"column {number}" for number, cell in enumerate(header, 1)]


def _row(header: list[str], cells: list[str]) -> Row:
    filled = [cell.strip() or None for cell in cells[: len(header)]]
    return dict(zip(header, filled + [None] * (len(header) - len(filled)), strict=True))


async def _read_sql(url: str, table: str | None) -> tuple[list[str], list[Row]]:
    address, named = _split(url)
    async with open_database(address, read_only=True) as engine:
        try:
            return await _rows(engine, table or named, _named(url))
        except SQLAlchemyError as error:
            raise ConnectorError(f"{_named(url)} cannot be read: {error}.") from error


def _split(url: str) -> tuple[str, str | None]:
    """A database URL without the table that it names, and that table."""
    address, _, fragment = url.partition("#")
    address, _, query = address.partition("?")
    options = dict(parse_qsl(query))
    named = options.pop("table", None)
    return f"{address}?{urlencode(options)}" if options else address, fragment or named


async def _rows(engine: AsyncEngine, name: str | None, shown: str) -> tuple[list[str], list[Row]]:
    async with reading(engine).connect() as connection:
        name = await connection.run_sync(_chosen, name, shown)
        schema, _, plain = name.rpartition(".")
        source = sql_table(plain, schema=schema or None)
        result = await connection.execute(select(text("*")).select_from(source))
        header = list(result.keys())
        return header, [dict(zip(header, map(_text, row), strict=True)) for row in result]


def _chosen(connection: Connection, name: str | None, shown: str) -> str:
    """The table to read: the one named, or the only one there."""
    inspector = inspect(connection)
    there = [*inspector.get_table_names(), *inspector.get_view_names()]
    if name and (name in there or "." in name):
        return name
    if name is None and len(there) == 1:
        return there[0]
    wrong = f"has no table {name}" if name else "has more than one table" if there else "has no table"
    mend = f"; it has {', '.join(sorted(there))}. Name one with ?table=" if there else ""
    raise ConnectorError(f"{shown} {wrong}{mend}.")


def _text(value: Any) -> str | None:
    match value:
        case None:
            return None
        case date():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return str(value).strip() or None
