"""What keeps a table of steps from closing, said in words with the mend."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol

from pydantic import BaseModel

from agentflow.errors import WorkflowError
from agentflow.flow.check import Check, asked_by, named_by
from agentflow.flow.model import Model
from agentflow.flow.record import Evidence, has_path, kinds_at, options_of, parts_of
from agentflow.flow.step import Signature, Step, item_of, label, name_of, place_of, read_signature

SHAPE = "#"
"""The last part of a path that is promised for what stands there: a record's type, a list's length, a table's keys."""


class Table(Protocol):
    """What is looked at: the rows, what starts them and what ends them."""

    @property
    def takes(self) -> Any:
        """The record that starts it."""
        ...

    @property
    def gives(self) -> tuple[Any, ...]:
        """The outcomes."""
        ...

    @property
    def steps(self) -> tuple[Step, ...]:
        """The rows."""
        ...

    def steps_for(self, record: Any) -> tuple[Step, ...]:
        """The rows that start from `record`."""
        ...


def gaps(table: Table) -> Iterator[str]:
    """Every gap of the table, one sentence each; nothing where it closes."""
    yield from _names(table)
    for step in table.steps:
        yield from _form(step)
        yield from _effect(step)
        yield from _rungs(step)
        yield from _checks(step)
        yield from (f"{step.name} promises {gap}" for path in step.policy.promises for gap in _promise(step, path))
    yield from _starts(table)
    yield from _made_and_used(table)
    yield from _reach(table)


def _names(table: Table) -> Iterator[str]:
    for name, times in Counter(step.name for step in table.steps).items():
        if times > 1:
            yield f"{times} steps are called {name}; names are unique: rename one function"
    records = {r for step in table.steps for r in (*step.reads, *step.makes)} | {table.takes, *table.gives}
    for name, times in Counter(label(record) for record in records).items():
        if times > 1:
            yield f"{times} different records are called {name}; edges are labelled by record: rename one class"


def _form(step: Step) -> Iterator[str]:
    for record in (*step.signature.reads, *step.signature.makes):
        inner = item_of(record) or record
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            yield f"{step.name}: {label(record)} is no record; derive it from agentflow.Record"


def _effect(step: Step) -> Iterator[str]:
    if step.effect and step.key_name is None:
        yield f"{step.name} has effect=True but takes no key; add `*, key: EffectKey` and hand it to the connector"
    if step.key_name is not None and not step.effect:
        yield f"{step.name} takes an EffectKey but is no effect; add effect=True in the table"
    if step.effect and (len(step.policy.ladder) > 1 or step.sources or step.policy.alpha is not None):
        yield f"{step.name} is an effect, which is done once; give it one rung at most, and vote in a step before it"
    if step.effect and step.checks:
        yield f"{step.name} is an effect and has checks, which come too late; check what it starts from"
    if step.lookup is not None and not step.effect:
        yield f"{step.name} has a lookup but is no effect; add effect=True in the table"
    if step.lookup is not None:
        for kind in read_signature(step.lookup).reads:
            if place_of(kind, step.signature.reads) is None:
                yield f"{step.name}: its lookup reads {label(kind)}, which the step does not; leave that out"


def _rungs(step: Step) -> Iterator[str]:
    asks = any(need is Model for need in step.signature.needs.values())
    if asks and not step.policy.ladder:
        yield f'{step.name} asks a model but names none; add policy=Policy(ladder=("small",))'
    for role in step.sources.keys() - set(step.policy.ladder):
        yield f"{step.name} has a source {role!r} that its ladder leaves out; add it to Policy(ladder=...)"
    for role in step.policy.ladder if not asks else ():
        if role not in step.sources:
            yield f"{step.name} has a rung {role!r} but takes no model; add `*, model: Model` or a source of that name"


def _checks(step: Step) -> Iterator[str]:
    for check in step.checks:
        try:
            signature = read_signature(check)
        except WorkflowError as error:
            yield f"{step.name}: a check cannot be wired: {error}"
            continue
        yield from (f"{step.name}: the check {name_of(check)} {gap}" for gap in _check(step, check, signature))


def _check(step: Step, check: Check, signature: Signature) -> Iterator[str]:
    about, others = signature.reads[:1], signature.reads[1:]
    made = [kind for kind in step.signature.makes if isinstance(kind, type) and issubclass(kind, about)]
    if not made:
        yield f"is about {label(about[0]) if about else 'nothing'}, which the step does not make"
        return
    for kind in others:
        if step.kind != "review" and place_of(kind, step.signature.reads) is None:
            yield f"reads {label(kind)}, which the step does not; add it to the step's parameters"
    if (Model in signature.needs.values()) != bool(asked_by(check)):
        yield 'takes a model and names no role, or the other way round; add @asks("judge") and `*, model: Model`'
    for path in named_by(check):
        if not any(has_path(kind, path) for kind in made):
            yield f"names {path}, which {' and '.join(map(label, made))} do not have; see how the field is called"


def _promise(step: Step, path: str) -> Iterator[str]:
    """A promise that no field answers to would be kept by every record, whatever stands in it."""
    whole, counts = path.removesuffix(f".{SHAPE}"), path.endswith(f".{SHAPE}")
    held = [parts_of(kind) for kind in _kinds_at(step, whole)]
    inside = dict.fromkeys(part for parts in held for part in parts or ())
    names = " or ".join(map(label, step.signature.makes))
    if path == SHAPE:
        return
    if not held:
        fields = (part for made in step.signature.makes for part in parts_of(made) or ())
        near = get_close_matches(path, fields, 1)
        yield f"{path}, which {names} does not have; {f'write {near[0]}' if near else 'see how the field is called'}"
    elif counts and not any(parts is not None for parts in held):
        yield f"{path}, but {whole} holds no other values; promise {whole}"
    elif not counts and all(parts is not None for parts in held):
        listed = " or ".join(f"{path}.{part}" for part in (*inside, *(() if all(held) else (SHAPE,))))
        yield f"{path}, which holds other values; promise them: {listed}"
    yield from _keys(step, path.split("."))


def _keys(step: Step, parts: Sequence[str]) -> Iterator[str]:
    for place in (i for i, part in enumerate(parts) if part == "*"):
        above = ".".join(parts[:place])
        if any(parts_of(kind) == ["KEY"] for kind in _kinds_at(step, above)):
            yield f"{'.'.join(parts)}, but {above} is a table, whose keys have no order; name them: {above}.KEY"


def _kinds_at(step: Step, path: str) -> list[Any]:
    """What can stand at the path of what the step makes; nothing where that is evidence, which is no value."""
    kinds = [kind for made in step.signature.makes for kind in kinds_at(made, path)]
    evidence = [*_evidence(step, path.partition(".")[0])]
    return [] if evidence else [option for kind in kinds for option in options_of(kind)]


def _evidence(step: Step, field: str) -> Iterator[Any]:
    return (kind for made in step.signature.makes for kind in kinds_at(made, field) if kind == dict[str, Evidence])


def _starts(table: Table) -> Iterator[str]:
    for record in dict.fromkeys(step.starts_from for step in table.steps):
        rivals = list(table.steps_for(record))
        lanes = {step.lane for step in rivals}
        if len(lanes) > 1 or (lanes == {None} and len(rivals) > 1):
            names = " and ".join(step.name for step in rivals)
            yield f"{names} all start from {label(record)}; give one a record of its own, or put them into one .fork"
        if record in table.gives:
            yield f"{label(record)} is an outcome, yet {rivals[0].name} starts from it; drop one of the two"
    for step in table.steps:
        if (step.lane is not None or step.kind == "each") and len(step.makes) != 1:
            where = "a .fork" if step.lane is not None else "an .each"
            yield f"{step.name} stands in {where} and makes {len(step.makes)} kinds of record; let it make exactly one"


def _made_and_used(table: Table) -> Iterator[str]:
    made = {record for step in table.steps for record in step.makes} | {table.takes}
    read = {record for step in table.steps for record in step.reads}
    forked = {record for step in table.steps if step.lane is not None for record in step.makes}
    for step in table.steps:
        for record in step.reads:
            if record not in made:
                yield f"{step.name} reads {label(record)}, which no step makes; add a step that does"
        for record in step.makes:
            starts = bool(table.steps_for(record)) or record in table.gives or (record in forked and record in read)
            if not starts:
                yield f"{step.name} makes {label(record)}, which no step starts from; add a step or name it in gives="
    for record in table.gives:
        if record not in made:
            yield f"{label(record)} is an outcome that no step makes; add a step or drop it from gives="
    if not table.steps_for(table.takes):
        yield f"no step starts from {label(table.takes)}, which the workflow takes; add one"


def _reach(table: Table) -> Iterator[str]:
    certain = _certain(table)
    for step in table.steps:
        if step.name not in certain:
            yield f"{step.name} is never reached; no way from {label(table.takes)} makes {label(step.starts_from)}"
            continue
        for record in step.reads[1:]:
            if record not in certain[step.name] and any(record in s.makes for s in table.steps):
                yield f"{step.name} reads {label(record)}, which is not made on every way to it"


def _certain(table: Table) -> Mapping[str, set[Any]]:
    """For each step that is reached, the records made on every way that leads to it."""
    known: dict[str, set[Any]] = {}
    ways: list[tuple[set[Any], Any]] = [({table.takes}, table.takes)]
    while ways:
        before, record = ways.pop()
        for step in table.steps_for(record):
            now = known[step.name] & before if step.name in known else set(before)
            if known.get(step.name) != now:
                known[step.name] = now
                ways += [(now | {made} | _siblings(table, step), made) for made in step.makes]
    return known


def _siblings(table: Table, step: Step) -> set[Any]:
    """What the other steps of the same fork make: a join has it, too."""
    others: Iterable[Step] = (s for s in table.steps if s.lane is not None and s.lane == step.lane)
    return {record for other in others for record in other.makes}
