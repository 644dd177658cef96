"""Findings: what going through a verification again has to say, and the verdict that follows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agentflow.flow.check import Problem

Weight = Literal["fails", "differs", "note"]


@dataclass(frozen=True)
class Finding:
    """What a replay has to say: that the verdict falls, that something is not as it was, or what it did not look at."""

    weight: Weight
    text: str


@dataclass(frozen=True)
class Replay:
    """A verification that was gone through again."""

    job: str
    verification: str
    outcome: str
    verdict: str
    """As it was given."""
    checks: int
    """How often a check was asked again."""
    weighed: int
    """How many steps' answers were weighed again."""
    findings: tuple[Finding, ...]

    @property
    def again(self) -> str:
        """The verdict now."""
        return "fail" if any(one.weight == "fails" for one in self.findings) else "pass"

    @property
    def differs(self) -> list[str]:
        """What is not as it was, in words; nothing where the verdict and all hashes are the same."""
        told = [one.text for one in self.findings if one.weight != "note"]
        return told if self.again == self.verdict else [*told, f"the verdict was {self.verdict} and is {self.again}"]

    @property
    def notes(self) -> list[str]:
        """What was not looked at again, and what has changed without changing anything."""
        return list(dict.fromkeys(one.text for one in self.findings if one.weight == "note"))


def compared(where: str, check: str, then: Sequence[str] | None, now: tuple[Problem, ...] | None) -> Iterator[Finding]:
    """What a check found then (None: it was not there) against what it finds now (None: it is not asked)."""
    if now is None:
        yield Finding("note", f"{where}: {check} asks a model or a connector; it is taken as it was told")
        return
    codes = sorted({problem.code for problem in now})
    if errors := sorted({problem.code for problem in now if problem.severity == "error"}):
        yield Finding("fails", f"{where}: {check} objects now: {', '.join(errors)}")
    elif then is None:
        yield Finding("note", f"{where}: {check} is new, and has no objection")
    elif codes != list(then):
        yield Finding(
            "differs", f"{where}: {check} found {', '.join(then) or 'nothing'}, and now {', '.join(codes) or 'nothing'}"
        )
