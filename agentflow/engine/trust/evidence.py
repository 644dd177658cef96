"""Evidence: what a step's attempts and checks say of each field of what it makes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from agentflow.engine.trust.figures import Figures, SourceFigures, StepFigures, pattern_of
from agentflow.engine.trust.law import Law, Pattern, Verdict, field_law, verdict, weigh
from agentflow.engine.trust.values import SHAPE, Leaves, OnlyType, is_empty, is_shape
from agentflow.engine.trust.verdict import Attempt

Ties = Mapping[str, tuple[str, ...]]
"""By the name of a check that ties fields together: their paths, `*` for the places of a list."""

Bins = tuple[tuple[str, int], ...]
"""By source that has spoken and was measured: the bin of how sure it is. Sources by the alphabet."""

UNANSWERED = frozenset(("refused", "content_filter", "truncated", "empty", "not_json", "wrong_form", "too_many_calls"))
"""Faults of a source's answer; what kept the answer from coming says nothing of it."""


class Laws:
    """The laws of one step's fields for one ladder, each made when first asked for."""

    def __init__(self, figures: StepFigures, sources: Sequence[str], code: frozenset[str]) -> None:
        self.figures = figures
        self.sources = tuple(sources)
        self._code = code
        self._sure: dict[str, Mapping[str, SourceFigures]] = {}
        self._made: dict[tuple[str | None, Bins], Law] = {}

    def of(self, path: str, bins: Bins = ()) -> Law:
        """The law of the field at `path`, where the sources that have spoken are so sure of what they say."""
        pattern = pattern_of(path)
        return self._law(pattern if pattern in self.figures.fields else None, bins)

    @property
    def every(self) -> Law:
        """The law of a field that has no figures of its own."""
        return self._law(None, ())

    def bins(self, path: str, given: Sequence[Attempt]) -> Bins:
        """How sure of the field the sources are, each by the mean of what it says of its answers."""
        measured = self._measured(pattern_of(path))
        if not measured:
            return ()
        said: dict[str, list[float]] = {}
        for attempt in given:
            if attempt.source in measured and path in attempt.confidences:
                said.setdefault(attempt.source, []).append(attempt.confidences[path])
        found = ((name, measured[name].bin_of(sum(each) / len(each))) for name, each in said.items())
        return tuple(sorted(found))

    def _measured(self, pattern: str) -> Mapping[str, SourceFigures]:
        """The sources whose word on their own values was measured."""
        if pattern not in self._sure:
            sources = self.figures.fields.get(pattern, self.figures.every).sources
            self._sure[pattern] = {name: each for name, each in sources.items() if each.bins and name in self.sources}
        return self._sure[pattern]

    def _law(self, pattern: str | None, bins: Bins) -> Law:
        if (pattern, bins) not in self._made:
            figures = self.figures.every if pattern is None else self.figures.fields[pattern]
            self._made[pattern, bins] = field_law(figures, self.sources, self._code, dict(bins))
        return self._made[pattern, bins]


def laws_of(figures: Figures, step: str, sources: Sequence[str], code: frozenset[str]) -> Laws:
    """The laws of a step; made once for the figures, so that what is weighed once is weighed for all jobs."""
    key = (step, tuple(sources), code)
    if key not in figures.laws:
        figures.laws[key] = Laws(figures.steps.get(step, StepFigures()), sources, code)
    return figures.laws[key]


@dataclass(frozen=True)
class Belief:
    """What is believed of one field."""

    path: str
    law: Law
    values: tuple[Any, ...]
    """The candidates, the likeliest first."""
    pattern: Pattern
    trust: tuple[float, ...]
    """By candidate."""

    @property
    def best(self) -> Any:
        """The likeliest value."""
        return self.values[0]

    @property
    def doubt(self) -> float:
        """The probability that the likeliest value is wrong."""
        return 1 - self.trust[0]


def believe(attempts: Sequence[Attempt], laws: Laws, ties: Ties, *, one_type: bool = True) -> dict[str, Belief]:
    """What the attempts, in whichever order, say of every field; nothing where none of them is an answer.

    `one_type` says that the step can make records of one type alone, so that the type is no question.

    Where answers differ in shape (another type, a list of another length), those of the likeliest shape alone
    speak of what stands inside.
    """
    answered = [attempt for attempt in attempts if attempt.made is not None]
    misses = Counter(attempt.source for attempt in attempts if attempt.fault in UNANSWERED)
    tables = level([attempt.leaves for attempt in answered], one_type)
    believed: dict[str, Belief] = {}
    shapes: dict[str, Any] = {}
    for path in _paths(tables):
        speak = [i for i, table in enumerate(tables) if path in table and inside(table, path, shapes)]
        if speak:
            given = [(answered[i], tables[i][path]) for i in speak]
            law = laws.of(path, laws.bins(path, [attempt for attempt, _ in given]))
            believed[path] = _belief(path, law, given, misses, ties)
            if is_shape(path):
                shapes[path] = believed[path].best
    return believed


def level(tables: Sequence[Leaves], one_type: bool) -> list[Leaves]:
    """Shapes made comparable: empty where others have parts is another shape; what cannot differ is no leaf."""
    shapes = {path for table in tables for path in table if is_shape(path)}
    if not shapes:
        return list(tables)
    whole = {path.removesuffix(f".{SHAPE}"): path for path in shapes if path != SHAPE}
    given = {shape: {table[shape] for table in tables if shape in table} for shape in shapes}
    level = [dict(_leveled(p, v, whole, given) for p, v in table.items()) for table in tables]
    given = {shape: {table[shape] for table in level if shape in table} for shape in shapes}
    sure = {shape for shape, seen in given.items() if _cannot_differ(shape, seen, one_type)}
    return [{p: v for p, v in table.items() if p not in sure} for table in level] if sure else list(level)


def _leveled(path: str, value: Any, whole: Mapping[str, str], given: Mapping[str, Set[Any]]) -> tuple[str, Any]:
    """What is left out as a shape: a list or table as one without items."""
    if value is not None or path not in whole:
        return path, value
    kinds: set[Any] = {type(one) for one in given[whole[path]]}
    return whole[path], 0 if kinds == {int} else () if kinds == {tuple} else None


def _cannot_differ(shape: str, seen: Set[Any], one_type: bool) -> bool:
    """Whether no answer could have a record of another type there, nor leave it out."""
    if not all(isinstance(kind, str) for kind in seen):
        return False
    if shape == SHAPE:
        return one_type
    if shape.count(".") == 1 and shape.split(".", maxsplit=1)[0].isdigit():
        return one_type and len(seen) == 1
    return all(isinstance(kind, OnlyType) for kind in seen)


def _paths(tables: Sequence[Leaves]) -> list[str]:
    """All paths, shapes first, the outer before the inner."""
    found = dict.fromkeys(path for table in tables for path in table)
    return sorted(found, key=lambda path: (not is_shape(path), path.count(".")))


def inside(table: Leaves, path: str, shapes: Leaves) -> bool:
    """Whether the answer has these shapes (what else stands in `shapes` is no matter) all along the path."""
    return not shapes or all(table.get(shape) == shapes[shape] for shape in _shapes(path) if shape in shapes)


@lru_cache(4096)
def _shapes(path: str) -> tuple[str, ...]:
    parts = path.split(".")[:-1]
    above = [SHAPE, *(".".join((*parts[: i + 1], SHAPE)) for i in range(len(parts)))]
    return tuple(shape for shape in above if shape != path)


def _belief(path: str, law: Law, given: Sequence[tuple[Attempt, Any]], misses: Mapping[str, int], ties: Ties) -> Belief:
    counts: dict[Any, list[int]] = {}
    judged: dict[Any, list[Attempt]] = {}
    for attempt, value in given:
        row = counts.setdefault(value, [0] * len(law.sources))
        row[law.places[attempt.source]] += 1
        judged.setdefault(value, []).append(attempt)
    verdicts = {value: _judged(path, law, judged[value], ties) for value in counts}
    order = list(counts)
    if len(order) > 1:
        order.sort(key=lambda value: (counts[value], repr(value)), reverse=True)
    missed = tuple(misses.get(name, 0) for name in law.places)
    pattern = Pattern(
        tuple(tuple(counts[value]) for value in order),
        tuple(verdicts[value] for value in order),
        next((i for i, value in enumerate(order) if is_empty(path, value)), -1),
        missed,
    )
    return _likeliest_first(path, law, order, pattern)


def _likeliest_first(path: str, law: Law, values: Sequence[Any], pattern: Pattern) -> Belief:
    trust = weigh(law, pattern)
    if len(values) == 1:
        return Belief(path, law, tuple(values), pattern, trust)
    order = sorted(range(len(values)), key=lambda i: (pattern.verdicts[i].blocked, -trust[i]))
    turned = Pattern(
        tuple(pattern.counts[i] for i in order),
        tuple(pattern.verdicts[i] for i in order),
        order.index(pattern.empty) if pattern.empty >= 0 else -1,
        pattern.misses,
    )
    return Belief(path, law, tuple(values[i] for i in order), turned, tuple(trust[i] for i in order))


SILENT = Verdict()


def _judged(path: str, law: Law, attempts: Sequence[Attempt], ties: Ties) -> Verdict:
    """What the checks say of a value: one verdict a check, in however many answers the value stands.

    A check that passes in one of them does not object to the value. It speaks for the value only if it passes in an
    answer of a source that was not told of its objection: one that was may have bent the value until it passes.
    """
    if not law.checks and not any(attempt.errors for attempt in attempts):
        return SILENT
    objections: dict[str, int] = {}
    passed: list[str] = []
    for name in dict.fromkeys(name for attempt in attempts for name in attempt.said):
        spoken = [(objects(path, name, each, ties), name in each.told) for each in attempts if name in each.said]
        if all(fields for fields, _ in spoken):
            objections[name] = min(fields for fields, _ in spoken)
        # That an identity holds is counted once, for all that it ties, where the whole record is weighed.
        elif name not in ties and any(not fields and not told for fields, told in spoken):
            passed.append(name)
    return verdict(law, objections, passed)


def objects(path: str, name: str, attempt: Attempt, ties: Ties) -> int:
    """Of how many fields at once the check complains, this one among them; 0 where it is not."""
    errors = [problem.path for problem in attempt.said[name] if problem.severity == "error"]
    if not errors:
        return 0
    tied = ties.get(name, ())
    key = (name, tied)
    if key not in attempt.objections:
        attempt.objections[key] = _fewest(errors, tied, attempt.leaves)
    return attempt.objections[key].get(path, 0)


def _fewest(errors: Sequence[str], tied: Sequence[str], table: Leaves) -> dict[str, int]:
    """By field that is complained of: how many are at once, at the least."""
    fewest: dict[str, int] = {}
    for about in [""] if tied else dict.fromkeys(errors):
        covered = list(matching(tied, table)) if tied else _covered(about, table)
        fewest |= {path: min(len(covered), fewest.get(path, len(covered))) for path in covered}
    return fewest


def _covered(about: str, table: Leaves) -> list[str]:
    """The fields that a problem's path names; all where it names none."""
    under = f"{about}."
    found = [p for p in table if p == about or (p.startswith(under) and not is_shape(p))]
    return found or [p for p in table if not is_shape(p)] or list(table)


def matching(paths: Sequence[str], table: Leaves) -> Iterator[str]:
    """The leaves that tied paths name."""
    return (path for path in table if pattern_of(path) in paths or path in paths)
