"""Truth: how a faulty model's server knows which case it is asked about and what would be right."""

import hashlib
import importlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agentflow.errors import ConfigError
from agentflow.testing.chance import Id
from agentflow.testing.request import Json, Request

_MARKER = re.compile(r"\[case:([^\]\s]+)\]")


@dataclass(frozen=True)
class Gold:
    """The right answer to a request."""

    case: Id
    answer: Json
    tags: tuple[str, ...] = ()
    """For `wrong_on`: `vendor:ACME`."""
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Tools to call before the answer is given, one a turn: name and arguments."""


Truth = Callable[[Request], Gold | None]
"""Gives what would be right; None where it does not know the case."""


class GoldLine(BaseModel):
    """A line of a truth file. It is found by `[case:ID]` in the prompt, by `sha256`, or by `key`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    answer: Any
    form: str | None = None
    """The form it answers, where a case has several: `Invoice`."""
    sha256: str | None = None
    """Of the user's text, or of a picture, in hex."""
    key: str | None = None
    """Text that stands in this case's prompt and in no other's."""
    tags: list[str] = []


def by_marker(answers: Mapping[str, Json] | Callable[[str], Json]) -> Truth:
    """Truth for prompts that hold `[case:ID]`: the answer stored, or made, for the ID."""
    give = answers if callable(answers) else answers.get

    def look_up(request: Request) -> Gold | None:
        case = case_of(request.text)
        answer = None if case is None else give(case)
        return None if case is None or answer is None else Gold(case, answer)

    return look_up


def by_line(lines: Iterable[GoldLine]) -> Truth:
    """Truth from the lines of a truth file."""
    return _Lines(lines)


def read_truth(where: str) -> Truth:
    """Truth from a JSONL file of `GoldLine`, or from `module:name`, a Truth in Python. Raises ConfigError."""
    if re.fullmatch(r"[\w.]+:\w+", where):
        return _imported(where)
    try:
        text = Path(where).read_text(encoding="utf-8")
        return by_line(GoldLine.model_validate_json(line) for line in text.splitlines() if line.strip())
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{where} cannot be read as a truth file: {error}") from error


def case_of(text: str) -> str | None:
    """The ID in the text's `[case:ID]`."""
    found = _MARKER.search(text)
    return found[1] if found else None


def sha256(text: str) -> str:
    """The text's SHA-256, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Lines:
    def __init__(self, lines: Iterable[GoldLine]) -> None:
        self._by_case: dict[str, list[GoldLine]] = {}
        self._by_hash: dict[str, str] = {}
        self._by_key: dict[str, str] = {}
        for line in lines:
            self._by_case.setdefault(line.case, []).append(line)
            self._by_hash |= {line.sha256: line.case} if line.sha256 else {}
            self._by_key |= {line.key: line.case} if line.key else {}

    def __call__(self, request: Request) -> Gold | None:
        case = self._case(request)
        lines = self._by_case.get(case or "", [])
        fitting = _fitting(lines, request.form)
        return Gold(fitting.case, fitting.answer, tuple(fitting.tags)) if fitting else None

    def _case(self, request: Request) -> str | None:
        if (marked := case_of(request.text)) in self._by_case:
            return marked
        if self._by_hash:
            hashes = (*request.images, sha256(request.text))
            if found := next((self._by_hash[h] for h in hashes if h in self._by_hash), None):
                return found
        return next((case for text, case in self._by_key.items() if text in request.text), None)


def _fitting(lines: Sequence[GoldLine], form: str) -> GoldLine | None:
    named = [line for line in lines if line.form == form]
    return next(iter(named or [line for line in lines if line.form is None]), None)


def _imported(where: str) -> Truth:
    module, _, name = where.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the truth {where} cannot be imported: {error}") from error


def dump_lines(lines: Iterable[GoldLine]) -> str:
    """The text of a truth file."""
    return "".join(json.dumps(line.model_dump(exclude_none=True), ensure_ascii=False) + "\n" for line in lines)
