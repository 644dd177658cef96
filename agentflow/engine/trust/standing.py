"""Where a step stands: the best record that its attempts give together, and how far each field of it is trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from agentflow.engine.trust.buying import Need, settled
from agentflow.engine.trust.evidence import Belief, Ties, matching
from agentflow.engine.trust.figures import IDENTITY, CheckFigures, pattern_of
from agentflow.engine.trust.values import SHAPE, evidence_of, is_empty, is_shape, put_together, shown
from agentflow.engine.trust.verdict import Accepted, Attempt, Doubted
from agentflow.flow.check import Problem
from agentflow.flow.record import Evidence

MERGED = "merged"
"""The source of a record whose fields come from several answers."""


@dataclass(frozen=True)
class Standing:
    """The best candidate with what the checks say of it, and what is believed of its fields."""

    candidate: Attempt
    beliefs: Mapping[str, Belief]
    relief: Mapping[str, float]
    """By path: the part of the field's doubt that is left once the identities that tie it hold."""
    promises: tuple[str, ...] = ()
    """As in `Policy`."""

    @cached_property
    def trust(self) -> dict[str, float]:
        """The probability that each field of the candidate is right."""
        return {path: self._trust(path, belief) for path, belief in self.beliefs.items()}

    @cached_property
    def promised(self) -> dict[str, float]:
        """The trust in the fields that are promised."""
        if not self.promises:
            return self.trust
        return {path: trust for path, trust in self.trust.items() if self._promises(path)}

    @property
    def least(self) -> float:
        """The trust in the least trusted field that is promised."""
        return min(self.promised.values(), default=1.0)

    def needs(self, alpha: float, *, unaided: bool = False) -> tuple[Need, ...]:
        """The fields that are not trusted enough; of those that stand alike, one."""
        found: dict[Need, None] = {}
        for path, trust in self.promised.items():
            if trust < 1 - alpha:
                belief = self.beliefs[path]
                need = Need(belief.law, belief.pattern, 1 - alpha / self.relief.get(path, 1.0), unaided)
                if not trust or not settled(need):
                    found[need] = None
        return tuple(found)

    def _promises(self, path: str) -> bool:
        """A value is promised where it is named; what stands there where anything below is: type, length or keys."""
        if is_shape(path):
            above = path.removesuffix(SHAPE)
            if any(name.startswith((above, pattern_of(above))) for name in self.promises):
                return self.beliefs[path].best is not None
        named = pattern_of(path) in self.promises or path in self.promises
        return named and self.beliefs[path].best is not None

    def _trust(self, path: str, belief: Belief) -> float:
        if not has(self.candidate, path, belief.best):
            return 0.0
        return 1 - belief.doubt * self.relief.get(path, 1.0)


def likeliest(answers: Sequence[Attempt], beliefs: Mapping[str, Belief]) -> Attempt:
    """The answer with the likeliest value in every field; where none has them all, a new record that does.

    No check has seen what is put together. Where the values make no valid record together, it is the answer that
    has the most of them.
    """
    agree = [sum(has(answer, path, belief.best) for path, belief in beliefs.items()) for answer in answers]
    most = max(agree)
    alike = [answer for answer, count in zip(answers, agree, strict=True) if count == most]
    base = min(alike, key=lambda answer: (len(answer.errors), len(answer.told)))
    missing = {path: belief.best for path, belief in beliefs.items() if not has(base, path, belief.best)}
    if not missing or any(map(is_shape, missing)):
        return base
    givers = {path: _giver(answers, path, value) for path, value in missing.items()}
    made = put_together(base.made, {path: giver.made for path, giver in givers.items()})
    told = base.told.union(*(giver.told for giver in givers.values()))
    return base if made is None else Attempt(MERGED, made, told=told)


def _giver(answers: Sequence[Attempt], path: str, value: Any) -> Attempt:
    return min((answer for answer in answers if has(answer, path, value)), key=lambda answer: len(answer.told))


def has(answer: Attempt, path: str, value: Any) -> bool:
    """Whether the answer says this of the field."""
    if is_shape(path) and path != SHAPE and is_empty(path, value) and path not in answer.leaves:
        path, value = path.removesuffix(f".{SHAPE}"), None
    return path in answer.leaves and answer.leaves[path] == value


def stand(
    candidate: Attempt,
    beliefs: Mapping[str, Belief],
    ties: Ties,
    identities: Mapping[str, CheckFigures],
    promises: tuple[str, ...] = (),
) -> Standing:
    """The candidate's standing, its fields lifted together by the identities that hold between them."""
    relief: dict[str, float] = {}
    for name in ties:
        tied = _held(name, candidate, beliefs, ties)
        if tied:
            left = _left(
                prod(1 - beliefs[path].doubt * relief.get(path, 1.0) for path in tied), identities.get(name, IDENTITY)
            )
            relief |= {path: relief.get(path, 1.0) * left for path in tied}
    return Standing(candidate, beliefs, relief, promises)


def accepted(standing: Standing, answers: Sequence[Attempt]) -> Accepted:
    """The candidate may leave its step; a record that keeps evidence has its trust written into it."""
    candidate = standing.candidate
    made = _with_evidence(candidate.made, standing, answers)
    return Accepted(made, tuple(p for p in candidate.problems if p.severity == "note"), standing.trust)


def doubted(standing: Standing | None, attempts: Sequence[Attempt], alpha: float, ended: Sequence[Problem]) -> Doubted:
    """A person is asked: why, and what the likeliest record is."""
    if standing is None:
        faults = dict.fromkeys(problem for attempt in attempts for problem in attempt.problems)
        return Doubted((*faults, *ended))
    low = [path for path, trust in standing.promised.items() if trust < 1 - alpha]
    reasons = [_doubt(path, standing, attempts) for path in low]
    return Doubted((*standing.candidate.problems, *reasons, *ended), standing.candidate.made, standing.trust)


def _held(name: str, candidate: Attempt, beliefs: Mapping[str, Belief], ties: Ties) -> list[str]:
    """The fields that the check has found to agree: none where it objects, or where one has no value.

    None either where the source was told of the check: values that are bent until they agree prove nothing.
    """
    if candidate.said.get(name) != () or name in candidate.told:
        return []
    tied = list(matching(ties[name], candidate.leaves))
    missing = set(ties[name]) - {each for path in tied for each in (path, pattern_of(path))}
    known = not missing and all(path in beliefs and candidate.leaves[path] is not None for path in tied)
    return tied if known and len(tied) > 1 else []


def _left(right: float, figures: CheckFigures) -> float:
    """The part of the doubt that is left in values that are all right with probability `right` and are found to agree.

    Bayes: wrong sets of values pass with probability 1 - catch, right ones with 1 - alarm.
    """
    passes = right * (1 - figures.alarm.mean) + (1 - right) * (1 - figures.catch.mean)
    return (1 - figures.catch.mean) / passes


def _with_evidence(made: Any, standing: Standing, answers: Sequence[Attempt]) -> Any:
    name = evidence_of(made)
    if name is None:
        return made
    given: Mapping[str, Evidence] = getattr(made, name)
    # What a source says of values that are not weighed, or of fields that there are not, is its word alone.
    makers = "+".join(dict.fromkeys(answer.source for answer in answers))
    told = {path: _evidence(before, 0.0, makers) for path, before in given.items()}
    for path, trust in standing.trust.items():
        value = standing.beliefs[path].best
        if is_shape(path) or value is None:
            continue
        sources = "+".join(dict.fromkeys(a.source for a in answers if has(a, path, value)))
        told[path] = _evidence(given.get(path), trust, sources)
    return made.model_copy(update={name: told})


def _evidence(before: Evidence | None, trust: float, source: str) -> Evidence:
    if before is None:
        return Evidence(trust=trust, source=source)
    return before.model_copy(update={"trust": trust, "source": source})


def _doubt(path: str, standing: Standing, attempts: Sequence[Attempt]) -> Problem:
    belief, trust = standing.beliefs[path], standing.trust[path]
    said = [f"{_who(attempts, path, value)}: {value}" for value in belief.values]
    field = "" if path == SHAPE else shown(path.removesuffix(f".{SHAPE}"))
    what = f"the {field.replace('_', ' ').replace('.', ' ')}" if field else "the answer"
    if len(said) > 1:
        message = f"Of {what} the sources say different things ({'; '.join(said)}); look which is right."
        return Problem(code="sources_disagree", path=field, message=message)
    message = f"{what.capitalize()} is trusted {trust:.4f}, and no further answer would change enough; look at it."
    return Problem(code="low_trust", path=field, message=message)


def _who(attempts: Sequence[Attempt], path: str, value: Any) -> str:
    names = [a.source for a in attempts if a.made is not None and has(a, path, value)]
    return ", ".join(
        f"{name} ({names.count(name)} times)" if names.count(name) > 1 else name for name in dict.fromkeys(names)
    )
