"""Scoring: what an exam's runs came to, held against the gold: right, silently wrong, or seen by a person."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from agentflow.engine.trust.figures import pattern_of
from agentflow.engine.trust.observing import Observation, observed
from agentflow.engine.trust.verdict import Attempt
from agentflow.exams.candidates import digest
from agentflow.exams.cases import Case, Exam, Gold, truth_of
from agentflow.exams.keeping import Ended, Kept, Made, StepDone
from agentflow.flow.step import Step, as_list, item_of, label

Result = Literal["right", "wrong", "review", "failed"]
"""`wrong` left without a person: silently wrong."""
RANK: tuple[Result, ...] = ("right", "review", "wrong", "failed")


@dataclass(frozen=True)
class FieldMark:
    """What became of one field."""

    path: str
    """`*` for the places of a list."""
    result: Result


@dataclass(frozen=True)
class Mark:
    """What became of one run, or of one step of it."""

    case: str
    trial: int
    group: str
    """The document: intervals are clustered by it."""
    tags: Mapping[str, str]
    result: Result
    came: str
    """Equal where the same came out."""
    cost: Decimal
    """USD."""
    seconds: float
    fields: tuple[FieldMark, ...] = ()


@dataclass(frozen=True)
class Marks:
    """The marks of one candidate."""

    candidate: str
    whole: tuple[Mark, ...]
    """A run each, end to end; of the one step, where one alone was examined and the gold tells of it."""
    steps: Mapping[str, tuple[Mark, ...]] = field(default_factory=dict[str, tuple[Mark, ...]])


def marks_of(exam: Exam, kept: Kept, keys: Iterable[str]) -> list[Marks]:
    """The marks of the runs named, by candidate in the order in which they come; cases that are gone are left out."""
    cases = {case.id: case for case in exam.cases}
    steps = kept.by_run()
    whole: dict[str, list[Mark]] = {}
    by_step: dict[str, dict[str, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    for ended in (kept.ends[key] for key in keys):
        case = cases.get(ended.case)
        if case is None:
            continue
        done = steps.get(ended.run, [])
        found = dict(_by_step(exam, case, ended, done))
        for name, mark in found.items():
            by_step[ended.candidate][name].append(mark)
        if ended.step is None:
            whole.setdefault(ended.candidate, []).append(_whole(exam, case, ended, done))
        elif ended.step in found:
            whole.setdefault(ended.candidate, []).append(found[ended.step])
    return [
        Marks(name, tuple(found), {step: tuple(each) for step, each in by_step[name].items()})
        for name, found in whole.items()
    ]


def compared(exam: Exam, name: str, gold: Gold, value: Any) -> dict[str, bool]:
    """By path: whether a `name` record that was kept as JSON has what the gold tells; only of what it tells."""
    kind = exam.pack.workflow.record(name)
    inside = item_of(kind)
    made = kind.model_validate(value) if inside is None else [inside.model_validate(one) for one in value]
    rows = judged(exam, Attempt("", made), truth_of(exam.pack, name, gold), gold)
    return {row.path: row.value == row.truth for row in rows}


def judged(
    exam: Exam, attempt: Attempt, truth: Any, gold: Gold, case: str = "", trial: int = 0, step: Step | None = None
) -> list[Observation]:
    """The rows of an attempt, of the fields that the gold tells; `step` where its checks are to speak."""
    attempt = replace(attempt, made=spelled(attempt.made, truth, exam.settings.alike))
    one_type = step is None or len(step.signature.makes) == 1
    rows = observed(case, trial, attempt, truth, step.ties if step else None, one_type=one_type)
    return [row for row in rows if row.fault is not None or _is_told(row.path, gold)]


def spelled(made: Any, truth: Any, alike: Sequence[str]) -> Any:
    """What was made with the texts of these fields as the truth has them, where letters and digits are the same."""
    if not alike or not isinstance(made, BaseModel) or type(made) is not type(truth):
        return made
    told = {name: getattr(truth, name) for name in alike if isinstance(getattr(truth, name, None), str)}
    same = {name: text for name, text in told.items() if _folded(getattr(made, name)) == _folded(text)}
    return made.model_copy(update=same) if same else made


def _is_told(path: str, gold: Gold) -> bool:
    """Whether the gold tells of the field."""
    parts = path.split(".")
    if isinstance(gold, list):
        if len(parts) == 1:
            return True
        place, parts = int(parts[0]), parts[1:]
        gold = gold[place] if place < len(gold) else {}
    return parts[0] == "#" or parts[0] in gold


@lru_cache(4096)
def _folded(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[\W_]+", "", plain) or text


def _whole(exam: Exam, case: Case, ended: Ended, done: Sequence[StepDone]) -> Mark:
    named = _judged_records(exam, case, done, ended)
    found = {name: _fields_of(exam, case, name, ended.records) for name in named}
    right = all(all(each.values()) for each in found.values())
    result = _result(exam, case, ended, right)
    fields = [
        FieldMark(f"{name}.{pattern_of(path)}", _field_result(result, ended.status, good))
        for name, each in found.items()
        for path, good in each.items()
    ]
    came = digest([ended.status, ended.outcome, {name: ended.records.get(name) for name in named}])
    return _mark(case, ended, result, came, ended.cost, ended.seconds, fields)


def _judged_records(exam: Exam, case: Case, done: Sequence[StepDone], ended: Ended) -> list[str]:
    """Which records of the gold decide: outcomes and what is delivered where it tells of them, else all of it.

    What an exam has made up itself, an effect's record, decides nothing but which outcome it is.
    """
    given = {line.made.type for line in done if line.given and line.made}
    pack = exam.pack
    ends = {label(kind) for kind in (*pack.workflow.gives, *([pack.delivers] if pack.delivers else []))}
    named = [name for name in case.gold if name in ends] or list(case.gold)
    outcomes = {label(kind) for kind in pack.workflow.gives}
    return [n for n in named if n not in given and not (ended.status == "finished" and n in outcomes - {ended.outcome})]


def _result(exam: Exam, case: Case, ended: Ended, right: bool) -> Result:
    if ended.status == "failed":
        return "failed"
    if case.review:
        return "right" if ended.status == "review" else "wrong"
    if ended.status == "review":
        questions = {label(step.signature.reads[0]) for step in exam.pack.workflow.steps if step.kind == "review"}
        return "right" if ended.asked in questions & set(case.gold) and right else "review"
    outcomes = {label(kind) for kind in exam.pack.workflow.gives}
    expected = outcomes & set(case.gold)
    asked = any(
        step.kind == "review" and label(step.signature.reads[0]) in case.gold for step in exam.pack.workflow.steps
    )
    good = right and (ended.outcome in expected if expected else not asked)
    return "right" if good else "wrong"


def _field_result(result: Result, status: str, good: bool) -> Result:
    if status == "failed":
        return "failed"
    if status == "review" and result != "right":
        return "review"
    return "right" if good else "wrong"


def _fields_of(exam: Exam, case: Case, name: str, records: Mapping[str, Any]) -> dict[str, bool]:
    gold = case.gold[name]
    value = records.get(name)
    if value is None:
        told = list(gold) if isinstance(gold, dict) else []
        return dict.fromkeys(told or ["#"], False)
    return compared(exam, name, gold, value)


def _by_step(exam: Exam, case: Case, ended: Ended, done: Sequence[StepDone]) -> Iterator[tuple[str, Mark]]:
    """A mark for each step that the gold tells of; the items of an `.each` make one."""
    lines: dict[str, list[StepDone]] = defaultdict(list)
    for line in done:
        if not line.given:
            lines[line.step].append(line)
    for step in exam.pack.workflow.steps:
        found = [_step_line(exam, case, step, line) for line in lines.get(step.name, ())]
        told = [each for each in found if each is not None]
        if told:
            result: Result = max((each[0] for each in told), key=_rank)
            own = lines[step.name]
            cost, seconds = sum((line.cost for line in own), Decimal(0)), sum(line.seconds for line in own)
            came = digest([[line.accepted, line.made and line.made.value] for line in own])
            yield (
                step.name,
                _mark(case, ended, result, came, cost, seconds, [mark for each in told for mark in each[1]]),
            )


def _rank(result: Result) -> int:
    return RANK.index(result)


def _step_line(exam: Exam, case: Case, step: Step, line: StepDone) -> tuple[Result, list[FieldMark]] | None:
    name, gold = step_gold(step, case, line.item)
    if gold is None:
        return None
    if not line.accepted:
        return "review", [FieldMark(path, "review") for path in (gold if isinstance(gold, dict) else ("#",))]
    good = _step_fields(exam, name, gold, line.made)
    marks = [FieldMark(pattern_of(path), "right" if each else "wrong") for path, each in good.items()]
    return ("right" if all(good.values()) else "wrong"), marks


def _step_fields(exam: Exam, name: str, gold: Gold, made: Made | None) -> dict[str, bool]:
    if made is None or made.type != name:
        return {"#": False}
    return compared(exam, name, gold, made.value)


def step_gold(step: Step, case: Case, item: int | None) -> tuple[str, Gold | None]:
    """The gold of what a step makes, or of one item of an `.each`, with the record's type; None where there is none."""
    for made, kind in zip(step.signature.makes, step.makes, strict=True):
        gold = case.gold.get(label(kind))
        if item is not None and (items := as_list(gold)) is not None:
            return label(made), items[item] if item < len(items) else None
        if item is None and gold is not None:
            return label(kind), gold
    return "", None


def _mark(
    case: Case, ended: Ended, result: Result, came: str, cost: Decimal, seconds: float, fields: Sequence[FieldMark]
) -> Mark:
    return Mark(case.id, ended.trial, case.own, case.tags, result, came, cost, seconds, tuple(fields))
