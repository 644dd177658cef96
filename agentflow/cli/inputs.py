"""Inputs: which files a run takes, and how each becomes the record its workflow starts from."""

import glob
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from agentflow.errors import RunError
from agentflow.flow.record import Record
from agentflow.jobs.runner import Runner, is_document
from agentflow.jobs.tables import Job

JSON_ENDINGS = (".json", ".jsonl")


@dataclass(frozen=True)
class Input:
    """One thing to be done: a file, or one record of a JSON file."""

    name: str
    path: Path
    text: str | None = None
    """The record as JSON, where the pack does not take files as they are."""


def find_files(paths: Sequence[str]) -> list[Path]:
    """The files that `paths` name: files, folders (with all below them) and globs, each once.

    Raises click.UsageError for a path that names nothing.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        # A pattern as the shell would write it, which Path.glob only takes below a folder.
        matches = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207
        if not matches:
            raise click.UsageError(f"{path}: there is no such file or folder, and as a pattern it matches nothing")
        for match in map(Path, matches):
            for file in _below(match) if match.is_dir() else [match]:
                found.setdefault(file.resolve(), file)
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def read_inputs(files: Sequence[Path], *, documents: bool) -> Iterator[Input]:
    """The inputs in `files`: each file as it is, or each record in a .json or .jsonl file."""
    for path in files:
        if documents:
            yield Input(shown(path), path)
        elif path.suffix in JSON_ENDINGS:
            yield from _records(path)
        else:
            raise click.UsageError(f"{path}: this pack takes records; give it .json or .jsonl files")


def shown(path: Path) -> str:
    """The path as text that can be stored and printed, whatever bytes its name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _records(path: Path) -> Iterator[Input]:
    try:
        text = path.read_text(encoding="utf-8")
        rows = text.split("\n") if path.suffix == ".jsonl" else _rows(json.loads(text))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{shown(path)} cannot be read as JSON in UTF-8: {error}") from None
    times: Counter[str] = Counter()
    for row in filter(str.strip, rows):
        # Named by content: a record keeps its job wherever in the file it stands.
        digest = hashlib.sha256(row.strip().encode()).hexdigest()[:12]
        times[digest] += 1
        again = f"-{times[digest]}" if times[digest] > 1 else ""
        yield Input(f"{shown(path)}#{digest}{again}", path, row)


def _rows(loaded: Any) -> list[str]:
    return [json.dumps(row) for row in (loaded if isinstance(loaded, list) else [loaded])]  # pyright: ignore[reportUnknownVariableType] - JSON is anything


async def submit(runner: Runner, given: Input) -> Job:
    """The input's job, new or stored. Raises ConnectorError or RunError where the input cannot be read."""
    if is_document(runner.pack):
        document = await runner.documents.add(given.path, shown(Path(given.path.name)))
        return await runner.submit(document, given.name, document.sha256)
    record = _parse(runner.pack.workflow.takes, given)
    return await runner.submit(record, given.name, hashlib.sha256((given.text or "").encode()).hexdigest())


def _parse(kind: type[Record], given: Input) -> Record:
    try:
        return kind.model_validate_json(given.text or "")
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise RunError(f"{given.name} is no {kind.__name__}: {found}") from error
