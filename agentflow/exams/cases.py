"""Cases: inputs whose right answer is known, as a pack's `exam/` folder keeps them, divided into splits."""

import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentflow.errors import PackError
from agentflow.exams.filling import filled
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document
from agentflow.flow.step import item_of

Split = Literal["tune", "certify", "hold"]
SPLITS: tuple[tuple[Split, float], ...] = (("tune", 0.5), ("certify", 0.3), ("hold", 0.2))
"""What ladders are chosen on, what their promise is certified on, and what nobody looks at until the end; shares."""
FOLDER, CASES, SETTINGS = "exam", "cases.jsonl", "exam.toml"
VENDOR = "vendor"
"""The tag that names who sent the document; cases of one vendor are in one split."""

Gold = dict[str, Any] | list[dict[str, Any]]


class Case(BaseModel):
    """A line of cases.jsonl."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    input: dict[str, Any] | None = None
    """The fields of the record that the workflow takes."""
    file: str | None = None
    """The file to read, seen from the exam's folder, where the workflow takes documents."""
    gold: dict[str, Gold] = Field(min_length=1)
    """What is right, by record type: the outcome, what is delivered, what single steps make. Of a record only the
    fields that stand here are compared; null says that a field has to stay empty. `list[Line]` is what an `.each`
    makes. A question's type says that a person has to be asked."""
    review: bool = False
    """Nothing may leave without a person, whatever the values are: what is right is to ask one."""
    tags: dict[str, str] = {}
    """What figures are told by: `{"vendor": "ACME", "language": "de"}`."""
    document: str | None = None
    """What cases made from one document have in common; a case is a document of its own where it is not said."""
    split: Split | None = None
    """As the group's hash says where it is not said."""

    @cached_property
    def own(self) -> str:
        """The document that it was made from."""
        if self.document is not None:
            return self.document
        told = self.file if self.file is not None else json.dumps(self.input, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def group(self) -> str:
        """What is never divided between splits: its vendor, else its document."""
        return self.tags.get(VENDOR) or self.own

    @property
    def part(self) -> Split:
        """The split that it is in."""
        return self.split or split_of(self.group)


class Bars(BaseModel):
    """What a pack states that it reaches; a share or an amount that is not said is not held against anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    right: float | None = Field(default=None, ge=0, le=1)
    """The least share of cases that come out right without a person."""
    silent: float | None = Field(default=None, ge=0, le=1)
    """The largest share of cases that come out wrong and nobody is told."""
    passes: float | None = Field(default=None, ge=0, le=1)
    """The least share of cases that are right every time, of as many trials as were made."""
    cost: Decimal | None = Field(default=None, ge=0)
    """The most USD that a right outcome costs."""
    seconds: float | None = Field(default=None, ge=0)
    """The most seconds that 95 % of the cases take."""


class Settings(BaseModel):
    """exam.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    human_cost: Decimal | None = Field(default=None, gt=0)
    """USD that a case costs where a person does it alone."""
    alike: tuple[str, ...] = ()
    """Fields of text that are compared by letters and digits alone: not by case, accents, blanks, punctuation."""
    bars: Bars = Bars()


@dataclass(frozen=True)
class Exam:
    """A pack with its cases."""

    pack: Pack
    folder: Path
    """Where the files of the cases lie."""
    cases: tuple[Case, ...]
    settings: Settings = field(default_factory=Settings)

    def of(self, *parts: Split) -> tuple[Case, ...]:
        """The cases of these splits."""
        return tuple(case for case in self.cases if case.part in parts)


def read_exam(pack: Pack, folder: Path) -> Exam:
    """The exam in a pack's folder. Raises PackError where there is none or a case is wrong; it names each."""
    where = folder / FOLDER
    path = where / CASES
    if not path.is_file():
        raise PackError(
            f"{folder} has no exam: write its cases to {FOLDER}/{CASES}, "
            f"or import them: agentflow exam add {folder} cases.csv"
        )
    cases = read_cases(path)
    if not cases:
        raise PackError(f"{path} has no case: write one a line, or import them: agentflow exam add")
    settings = _settings(where / SETTINGS)
    return Exam(pack, where, checked(pack, where, cases), settings)


def read_cases(path: Path) -> list[Case]:
    """The lines of a file of cases. Raises PackError where one is none."""
    try:
        lines = lines_of(path)
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{path} cannot be read: {error}") from error
    return [_case(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def lines_of(path: Path) -> list[str]:
    """The lines of a file of JSON; a text in it may hold what Python takes for the end of one, such as U+2028."""
    return path.read_text(encoding="utf-8-sig").split("\n")


def dump_cases(cases: Sequence[Case]) -> str:
    """The text of a file of cases."""
    rows = (case.model_dump(mode="json", exclude_defaults=True) for case in cases)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def split_of(group: str) -> Split:
    """The split of a group: the same on every machine, whatever other cases there are."""
    place = int.from_bytes(hashlib.sha256(f"split\x1f{group}".encode()).digest()[:7]) / 2**56
    for name, share in SPLITS:
        if place < share:
            return name
        place -= share
    return "hold"


def checked(pack: Pack, folder: Path, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, if they fit the pack and no split shares a document or a vendor. Raises PackError that names each."""
    times = Counter(case.id for case in cases)
    wrong = [f"{name}: {n} cases have this id; give each its own" for name, n in times.items() if n > 1]
    wrong += [f"{case.id}: {text}" for case in cases for text in _faults(pack, folder, case)]
    wrong += _shared(folder, cases)
    if wrong:
        more = f"\n  and {len(wrong) - 20} more" if len(wrong) > 20 else ""
        raise PackError(f"the cases in {folder} cannot be used:\n  " + "\n  ".join(wrong[:20]) + more)
    return tuple(cases)


def _case(path: Path, number: int, line: str) -> Case:
    try:
        return Case.model_validate_json(line)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in error.errors()[:3])
        raise PackError(f"{path}, line {number}: {found}") from error


def _settings(path: Path) -> Settings:
    if not path.is_file():
        return Settings()
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise PackError(f"{path}: {error}") from error


def _faults(pack: Pack, folder: Path, case: Case) -> Iterator[str]:
    if (case.input is None) == (case.file is None):
        yield "give it either an input or a file"
    elif case.file is not None and not (folder / case.file).is_file():
        yield f"there is no file {case.file} in {folder}"
    elif (case.file is not None) != (pack.workflow.takes is Document):
        yield f"{pack.name} takes {'files' if case.input else 'records'}; give it {'a file' if case.input else 'input'}"
    elif case.input is not None:
        try:
            pack.workflow.takes.model_validate(case.input)
        except ValidationError as error:
            yield f"input: {_brief(error)}"
    for name, gold in case.gold.items():
        try:
            truth_of(pack, name, gold)
        except (PackError, ValidationError, StopIteration) as error:
            no_record = f"{name} is no record of {pack.name}"
            yield f"gold: {no_record if isinstance(error, StopIteration) else f'{name}: {_brief(error)}'}"


def truth_of(pack: Pack, name: str, gold: Gold) -> Any:
    """The gold as a record, or a list of records; fields that it does not tell have any value."""
    kind = pack.workflow.record(name)
    inside = item_of(kind)
    if inside is not None and isinstance(gold, list):
        return [filled(inside, each) for each in gold]
    if inside is not None or isinstance(gold, list):
        raise PackError(f"give it {'a list of records' if inside else 'one record'}")
    return filled(kind, gold)


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
    return str(error)


def _shared(folder: Path, cases: Sequence[Case]) -> Iterator[str]:
    """What two splits have in common."""
    seen: dict[tuple[str, str], Case] = {}
    for case in cases:
        for key in (*_keys(case), *_content(folder, case)):
            first = seen.setdefault(key, case)
            if first.part != case.part:
                text = f"{case.id} ({case.part}) and {first.id} ({first.part}) share the {key[0]} {key[1]}"
                yield f"{text}; give both the same split"


def _keys(case: Case) -> Iterator[tuple[str, str]]:
    yield "document", case.own
    if vendor := case.tags.get(VENDOR):
        yield VENDOR, vendor


def _content(folder: Path, case: Case) -> Iterator[tuple[str, str]]:
    """A copy under another name is the same document."""
    if case.file is not None and (folder / case.file).is_file():
        yield "content", f"sha256 {hashed(folder / case.file)[:16]}"


@lru_cache(4096)
def hashed(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tally(cases: Sequence[Case]) -> Mapping[str, int]:
    """How many cases each split has."""
    return Counter(case.part for case in cases)
