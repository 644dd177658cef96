"""Answers to weigh: records of several kinds, and attempts that give them."""

from typing import Any

from agentflow import Evidence, Problem, Record
from agentflow.engine.trust.evidence import Laws
from agentflow.engine.trust.figures import StepFigures
from agentflow.engine.trust.verdict import Attempt

SUMS = {"adds_up": ("net", "tax", "total")}
"""What the check ties together."""


class Line(Record):
    item: str
    amount: int


class Sums(Record):
    net: int
    tax: int = 0
    total: int | None = None


class Bill(Record):
    number: str = "1"
    lines: list[Line] = []
    vendor: Line | None = None


class Kept(Record):
    """A record that keeps where its values come from."""

    net: int
    total: int
    evidence: dict[str, Evidence] = {}


class Other(Record):
    net: int


def laws(*sources: str, figures: StepFigures | None = None, code: frozenset[str] = frozenset()) -> Laws:
    """The laws of a step without figures of its own, unless they are given."""
    return Laws(figures or StepFigures(), sources or ("a", "b"), code)


def gave(source: str, made: Any, *problems: Problem, said: dict[str, tuple[Problem, ...]] | None = None) -> Attempt:
    """An answer; what the problems say is what the check `seen` said, unless `said` tells of others."""
    told = said if said is not None else ({"seen": problems} if problems else {})
    return Attempt(source, made, tuple(problem for each in told.values() for problem in each), told)


def failed(source: str, fault: str = "wrong_form") -> Attempt:
    """An attempt without an answer."""
    return Attempt(source, None, (Problem(code="no_valid_answer", message="no"),), {}, fault)


def wrong(path: str = "", code: str = "wrong") -> Problem:
    """An error."""
    return Problem(code=code, message="it is wrong", path=path)


def sums(source: str, net: int, tax: int, total: int | None, *, holds: bool | None = None) -> Attempt:
    """An answer with what the check `adds_up` says of it; by itself, if `holds` does not tell."""
    fine = net + tax == total if holds is None else holds
    return gave(source, Sums(net=net, tax=tax, total=total), said={"adds_up": () if fine else (wrong("total"),)})
