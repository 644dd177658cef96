"""Live drift: whether a source of live jobs has become worse, from its audits and from what checks said, together.

What an exam has found of it is no measure here: live answers are those that come to the source, and those that are
accepted are chosen by trust. So audits are held against the share of silent errors that is promised, and objections
against those to its own answers so far. Neither is told by more than one test: its sums (`drift` explains them) are
over ways of becoming worse in audits, in checks or in both, and the mean of them is bounded by one level.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from agentflow.exams.drift import WORSE, Base, Seen

WARM = 300
"""Answers of a source that tell how often checks object to it; then it is watched. Twice as many tell it better, and
so on: what was counted may lower what is taken for its rate, and never raise it, so that a drift hides in no count."""
HORIZON, DELTA = 10_000, 0.05
"""A source that is as it was is accused within so many answers with this probability at most."""
SAME = 1.0
WAYS = (
    *((worse, SAME) for worse in WORSE),
    *((SAME, worse) for worse in WORSE),
    *((worse, worse) for worse in WORSE),
    *((worse, WORSE[0]) for worse in WORSE[1:3]),
)
"""By what the odds may have risen of what audits find wrong, and of what checks object to."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a step, as its answers leave it."""

    step: str
    source: str
    drifted: bool
    """Whether it has become worse."""
    why: str = ""
    """For people; empty where it has not."""


@dataclass
class Watching:
    """The test, as far as it has come."""

    silent: float | None
    """The share of accepted answers that may be wrong; None where nothing is promised that audits could break."""
    objecting: float | None = None
    """What checks object to while nothing has changed, at most; None until enough was seen."""
    sums: list[float] = field(default_factory=lambda: [0.0] * len(WAYS))
    audited: int = 0
    wrong: int = 0
    spoken: int = 0
    objected: int = 0
    drifted: bool = False
    """True from the answer on at which it was found."""

    def see(self, seen: Seen) -> None:
        """One answer more; `wrong` of it is told of accepted and audited ones alone."""
        likelier = _likelier(self.silent, seen.wrong, self.objecting, seen.objected)
        self.sums = [s if ratio is None else (1 + s) * ratio for s, ratio in zip(self.sums, likelier, strict=True)]
        self.drifted = self.drifted or sum(self.sums) * DELTA >= HORIZON * len(WAYS)
        self.audited, self.wrong = self.audited + (seen.wrong is not None), self.wrong + bool(seen.wrong)
        if seen.objected is not None:
            self.spoken, self.objected = self.spoken + 1, self.objected + seen.objected
            if _is_doubling(self.spoken):
                self.objecting = min(self.objecting or 1.0, _at_most(self.objected, self.spoken))

    @property
    def why(self) -> str:
        """What speaks against it."""
        found: list[str] = []
        if self.silent is not None and self.wrong > self.silent * self.audited:
            found.append(f"{self.wrong} of {self.audited} audited were wrong")
        by_checks = max(each for each, (audit, _) in zip(self.sums, WAYS, strict=True) if audit == SAME)
        if by_checks > HORIZON or not found:
            found.append(f"checks object to it more often than at first, to {self.objected} of {self.spoken} in all")
        return "; ".join(found)


def watched(step: str, source: str, seen: Iterable[Seen], silent: float | None) -> Source:
    """A source after its answers, oldest first."""
    watching = Watching(silent)
    for each in seen:
        watching.see(each)
    return Source(step, source, watching.drifted, watching.why if watching.drifted else "")


@lru_cache(4096)
def _likelier(
    silent: float | None, wrong: bool | None, objecting: float | None, objected: bool | None
) -> tuple[float | None, ...]:
    """By way: how much likelier what was seen would be; None where it says nothing of the way, whose sum stays then."""
    return tuple(_product(_ratio(silent, wrong, audit), _ratio(objecting, objected, check)) for audit, check in WAYS)


def _ratio(share: float | None, bad: bool | None, worse: float) -> float | None:
    """None where nothing was seen, or there is nothing to hold it against, or the way leaves it as it was."""
    if share is None or bad is None or worse == SAME or not 0 < share < 1:
        return None
    now = Base(share).after(worse).error
    return now / share if bad else (1 - now) / (1 - share)


def _product(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else one * other


def _is_doubling(count: int) -> bool:
    """Whether it is WARM, or twice, four times ... as many."""
    times, rest = divmod(count, WARM)
    return rest == 0 and times > 0 and times & (times - 1) == 0


def _at_most(objected: int, spoken: int) -> float:
    """The share that checks objected to, two standard errors above what was counted: that far it is no drift."""
    share = (objected + 1) / (spoken + 2)
    return min(0.9, share + 2 * math.sqrt(share * (1 - share) / spoken))
