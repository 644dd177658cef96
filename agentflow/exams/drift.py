"""Drift: whether a source errs more often than its exam found, told from audits and checks as they come in.

The test is a Shiryaev-Roberts sum: over every case since which the source may have become worse, how much likelier what
was seen would be then. While nothing has changed the sum grows by one a case in the mean, so that over `horizon` cases
it comes to `horizon / delta` with probability `delta` at most (Doob's inequality), whatever is looked at in between.
A mean of several such sums, one for each way of becoming worse, is bounded by the same (Shin, Ramdas, Rinaldo:
E-detectors, 2022).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from agentflow.engine.trust.figures import FieldFigures, Figures, SourceFigures, StepFigures

WORSE = (1.6, 2.0, 3.0, 5.0)
"""By what the odds of an error may have risen. What raises them less is no drift: an exam does not tell them better."""


@dataclass(frozen=True, slots=True)
class Base:
    """What the exam found of a source's answers."""

    error: float
    """Share that is wrong."""
    catch: float = 0.0
    """Share of the wrong ones that a check objects to."""
    alarm: float = 0.0
    """Share of the right ones."""

    def __post_init__(self) -> None:
        if not 0 < self.error < 1:
            raise ValueError(f"error={self.error}: use a share between 0 and 1; none found in n cases is about 1 / n")

    def after(self, factor: float) -> "Base":
        """With so many times the odds of an error."""
        odds = factor * self.error / (1 - self.error)
        return replace(self, error=odds / (1 + odds))

    def objects(self) -> float:
        """The share of answers that a check objects to."""
        return self.error * self.catch + (1 - self.error) * self.alarm

    def wrong_given(self, objected: bool | None) -> float:
        """P(wrong) of an answer, by what the checks said of it; None where none spoke."""
        if objected is None:
            return self.error
        wrong = self.error * (self.catch if objected else 1 - self.catch)
        right = (1 - self.error) * (self.alarm if objected else 1 - self.alarm)
        return wrong / (wrong + right) if wrong + right else self.error


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one answer; which answers are audited may hang on what the checks said, and on nothing else."""

    wrong: bool | None = None
    """What an audit found; None where there was none."""
    objected: bool | None = None
    """Whether a check objected; None where none spoke."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One source under watch. A value: `after` gives the next one."""

    base: Base
    horizon: int = 10_000
    """Cases over which a source that is as it was may be accused ..."""
    delta: float = 0.05
    """... with this probability."""
    sums: tuple[float, ...] = ()
    cases: int = 0
    audited: int = 0
    wrong: int = 0
    drifted: bool = False
    """True from the case on at which the source was found to err more often."""

    @property
    def evidence(self) -> float:
        """How far on the way to an accusation, on a scale of logarithms: 1 accuses."""
        mean = fmean(self.sums) if self.sums else 0.0
        return max(0.0, math.log(max(mean, 1.0)) / math.log(self.horizon / self.delta))

    def after(self, seen: Seen) -> "Watch":
        """The watch once this is known too."""
        ratios = _ratios(self.base)[seen.wrong, seen.objected]
        sums = self.sums or (0.0,) * len(ratios)
        sums = tuple([(1 + each) * ratio for each, ratio in zip(sums, ratios, strict=True)])
        known, wrong = seen.wrong is not None, bool(seen.wrong)
        drifted = self.drifted or sum(sums) * self.delta >= self.horizon * len(sums)
        return Watch(
            self.base,
            self.horizon,
            self.delta,
            sums,
            self.cases + 1,
            self.audited + known,
            self.wrong + wrong,
            drifted,
        )


Kind = tuple[bool | None, bool | None]
"""Of an answer: whether it is wrong, whether a check objected."""

KINDS: tuple[Kind, ...] = tuple((wrong, said) for wrong in (None, False, True) for said in (None, False, True))


@lru_cache(1024)
def _ratios(base: Base) -> Mapping[Kind, tuple[float, ...]]:
    """How much likelier each kind of answer is, by way of becoming worse.

    In half of the ways checks catch the new errors as they caught the old ones; in the others they see none of them,
    so that the audits of what they said alone count.
    """
    worse = [base.after(factor) for factor in WORSE]
    return {
        kind: (*(_seen(base, each, *kind) for each in worse), *(_unseen(base, f, *kind) for f in WORSE))
        for kind in KINDS
    }


def _seen(base: Base, worse: Base, wrong: bool | None, objected: bool | None) -> float:
    if wrong is not None:
        return worse.error / base.error if wrong else (1 - worse.error) / (1 - base.error)
    if objected is None:
        return 1.0
    before, now = base.objects(), worse.objects()
    return _ratio(now, before) if objected else _ratio(1 - now, 1 - before)


def _unseen(base: Base, factor: float, wrong: bool | None, objected: bool | None) -> float:
    if wrong is None:
        return 1.0
    before = base.wrong_given(objected)
    odds = factor * before / (1 - before) if before < 1 else math.inf
    now = odds / (1 + odds) if odds < math.inf else 1.0
    return _ratio(now, before) if wrong else _ratio(1 - now, 1 - before)


def _ratio(now: float, before: float) -> float:
    """1 where what is seen could not have been: it tells nothing of a rate."""
    return now / before if before > 0 else 1.0


def takes(base: Base, error: float, *, audits: float = 0.1, horizon: int = 10_000, delta: float = 0.05) -> float | None:
    """About how many audits it takes to find that the error has risen to `error`, where a share `audits` of what no
    check objects to is audited; None where it would not be found.

    Wald's ratio: the evidence asked for by what a case gives in the mean, under the best of the ways watched for; the
    sum starts from what the cases of one such ratio before the change left it with. Rather too many than too few.
    """
    now = replace(base, error=error)
    share = audits * (1 - now.objects())
    gains = [_gain(base, now, place, audits) for place in range(2 * len(WORSE))]
    best = max(gains)
    return max(1.0, math.log(horizon / delta * len(gains) * best)) / best * share if best > 1e-4 else None


def _gain(base: Base, now: Base, place: int, audits: float) -> float:
    """What a case adds to the logarithm of one sum in the mean."""
    speaks = base.catch > 0 or base.alarm > 0
    passed = False if speaks else None
    total = 0.0
    if speaks:
        total += now.objects() * math.log(_ratios(base)[None, True][place])
    wrong = now.wrong_given(passed)
    quiet = (1 - now.objects()) if speaks else 1.0
    total += quiet * (1 - audits) * math.log(_ratios(base)[None, passed][place])
    for is_wrong, share in ((True, wrong), (False, 1 - wrong)):
        total += quiet * audits * share * math.log(_ratios(base)[is_wrong, passed][place])
    return total


def demoted(ladder: Sequence[str], sources: Sequence[str]) -> tuple[str, ...]:
    """The ladder with those sources last: asked only where no other could tell."""
    return (*(s for s in ladder if s not in sources), *(s for s in ladder if s in sources))


def widened(figures: Figures, step: str, sources: Sequence[str]) -> Figures:
    """The figures with nothing left of what the exam found of those sources at the step: their priors alone.

    A ladder that the exam has chosen for the step goes too: it was certified with the sources as they were.
    """
    found = figures.steps.get(step)
    if found is None or not sources:
        return figures
    fields = {path: _forgotten(each, sources) for path, each in found.fields.items()}
    wide = found.model_copy(update={"every": _forgotten(found.every, sources), "fields": fields, "ladder": None})
    steps: dict[str, StepFigures] = {**figures.steps, step: wide}
    return Figures(about=figures.about, steps=steps, stamps=figures.stamps)  # a copy would share what is worked out


def _forgotten(field: FieldFigures, sources: Sequence[str]) -> FieldFigures:
    """Overlaps are kept: that two sources share mistakes is no praise."""
    kept = {name: each for name, each in field.sources.items() if name not in sources}
    return field.model_copy(update={"sources": kept | {name: SourceFigures() for name in sources}})
