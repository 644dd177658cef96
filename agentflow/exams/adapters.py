"""Adapters: cases from tables, from Inspect's samples and from what reviewers have corrected, and back to Inspect's."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from agentflow.engine.trust.values import evidence_of
from agentflow.errors import PackError
from agentflow.exams.cases import Case, lines_of
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document
from agentflow.flow.step import item_of, label

PLAIN = ("id", "file", "document", "split", "review")
NESTED = ("input", "gold", "tags")
EMPTY = "null"
"""A cell that says that a field has to stay empty; one that holds nothing says nothing of it."""


class Sample(BaseModel):
    """A line of Inspect's datasets; what else stands in it is left."""

    id: str | int
    input: Any
    target: Any
    metadata: dict[str, Any] | None = None


def read_any(path: Path, pack: Pack) -> list[Case]:
    """The cases in a .csv file, or in a .jsonl file of cases or of Inspect's samples. Raises PackError."""
    try:
        if path.suffix == ".csv":
            return from_csv(path)
        lines = [json.loads(line) for line in lines_of(path) if line.strip()]
    except (OSError, ValueError, csv.Error) as error:
        raise PackError(f"{path} cannot be read: {error}") from error
    return [_of_line(path, pack, number, line) for number, line in enumerate(lines, 1)]


def from_csv(path: Path) -> list[Case]:
    """A case a row; columns are those of PLAIN, `input.FIELD`, `gold.RECORD.FIELD` and `tags.NAME`.

    An empty cell is left out, `null` is an empty field. Raises PackError where a row is no case.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        strange = [name for name in reader.fieldnames or () if name.partition(".")[0] not in (*PLAIN, *NESTED)]
        if strange:
            raise PackError(f"{path}: no case has {', '.join(strange)}; columns are {', '.join((*PLAIN, *NESTED))}")
        if clash := _clash(reader.fieldnames or ()):
            raise PackError(f"{path}: the column {clash[0]} leaves no place for {clash[1]}; take one of them out")
        rows = ((f"{path}, row {number}", row) for number, row in enumerate(reader, 2))
        return [_case(where, _row(where, row)) for where, row in rows]


def _clash(names: Sequence[str]) -> tuple[str, str] | None:
    """A column of a value, and one of a part of that value."""
    return next(((one, other) for one in names for other in names if other.startswith(f"{one}.")), None)


def to_inspect(cases: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Samples as Inspect reads them: input and target are JSON in text, what else there is stands in `metadata`."""
    for case in cases:
        rest = {name: getattr(case, name) for name in ("tags", "file", "document", "review")} | {"split": case.part}
        yield {
            "id": case.id,
            "input": case.file if case.file is not None else json.dumps(case.input, ensure_ascii=False),
            "target": json.dumps(case.gold, ensure_ascii=False),
            "metadata": {name: value for name, value in rest.items() if value},
        }


def from_inspect(sample: Sample, pack: Pack) -> dict[str, Any]:
    """A sample's fields as a case's. What `to_inspect` wrote comes back; plain texts go into the only field there is.

    Raises PackError where an input or a target that is plain text has no single field to go into.
    """
    metadata: dict[str, Any] = dict(sample.metadata or {})
    plain: dict[str, Any] = {name: metadata.pop(name) for name in PLAIN if name in metadata}
    tags: dict[str, Any] = metadata.get("tags") or {n: each for n, each in metadata.items() if isinstance(each, str)}
    case = {**plain, "id": str(sample.id), "tags": {name: str(each) for name, each in tags.items()}}
    if "file" not in case:
        case |= {"file": sample.input} if pack.workflow.takes is Document else {"input": _input(sample.input, pack)}
    return {**case, "gold": _target(sample.target, pack)}


def reviewed(
    pack: Pack, job: str, given: Mapping[str, Any], answers: Sequence[tuple[str, Any]], outcome: str | None
) -> Case | None:
    """A candidate for a case from what people answered in a job: record types and their fields, the latest last.

    `given` is `{"input": ...}` or `{"file": ...}`. None where they answered nothing that a step makes; what they
    answered before a record was changed is no answer to it.
    """
    gold: dict[str, Any] = {}
    for name, value in answers:
        if isinstance(value, Mapping) and _is_record(pack, name, cast("Mapping[str, Any]", value)):
            gold[name] = _without_evidence(pack, name, cast("Mapping[str, Any]", value))
    if not gold:
        return None
    return Case.model_validate({"id": job, **given, "gold": {**({outcome: {}} if outcome else {}), **gold}})


def tagged(case: Case, tags: Mapping[str, str]) -> Case:
    """The case with tags from its gold: `{"vendor": "Invoice.supplier_name"}`; those that it does not tell stay out."""
    found = {name: _at(case.gold, where.split(".")) for name, where in tags.items()}
    told = {name: str(value) for name, value in found.items() if value is not None}
    return case.model_copy(update={"tags": {**case.tags, **told}}) if told else case


def _of_line(path: Path, pack: Pack, number: int, line: Any) -> Case:
    where = f"{path}, line {number}"
    if not isinstance(line, dict):
        raise PackError(f"{where} is no JSON object")
    told = cast("dict[str, Any]", line)
    if "target" not in told:
        return _case(where, told)
    told.setdefault("id", str(number))
    try:
        return _case(where, from_inspect(Sample.model_validate(told), pack))
    except (PackError, ValidationError) as error:
        raise PackError(f"{where}: {error}") from error


def _case(where: str, told: Mapping[str, Any]) -> Case:
    try:
        return Case.model_validate(told)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'case'}: {e['msg']}" for e in error.errors()[:3])
        raise PackError(f"{where}: {found}") from error


def _row(where: str, cells: Mapping[str | None, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, text in cells.items():
        if name is None:
            raise PackError(f"{where}: it has more cells than there are columns; quote a text that holds a comma")
        if text is None or not text.strip():
            continue
        *above, last = name.split(".")
        place = told
        for part in above:
            place = place.setdefault(part, {})
        place[last] = None if text.strip() == EMPTY else text
    return told


def _input(given: Any, pack: Pack) -> dict[str, Any]:
    told = _loaded(given)
    return told if told is not None else {_only_field(pack.workflow.takes): given}


def _target(target: Any, pack: Pack) -> dict[str, Any]:
    told = _loaded(target)
    if told is not None:
        return told
    kind = pack.delivers or next(iter(pack.workflow.gives))
    return {label(kind): {_only_field(kind): target}}


def _loaded(text: Any) -> dict[str, Any] | None:
    """A JSON object; None where it is plain text."""
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError:
            return None
    return cast("dict[str, Any]", text) if isinstance(text, dict) else None


def _only_field(kind: Any) -> str:
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    if len(needed) != 1:
        raise PackError(f"plain text fits no {kind.__name__}, which needs {', '.join(needed) or 'nothing'}; write JSON")
    return needed[0]


def _is_record(pack: Pack, name: str, value: Mapping[str, Any]) -> bool:
    try:
        pack.workflow.record(name).model_validate(value)
    except (StopIteration, ValidationError, AttributeError):
        return False
    return True


def _without_evidence(pack: Pack, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    kind = pack.workflow.record(name)
    left_out = None if item_of(kind) is not None else evidence_of(kind.model_validate(value))
    return {key: each for key, each in value.items() if key != left_out}


def _at(told: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        told = cast("dict[str, Any]", told).get(part) if isinstance(told, dict) else None
    return told
