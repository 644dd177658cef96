"""Fitting: a source's rates on one field, from what it said of each case over several calls."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, NamedTuple

from agentflow.engine.trust.figures import Rate, SourceFigures
from agentflow.engine.trust.law import SourceLaw, answers, caught, source_law

ROUNDS = 8
"""Of expectation and maximisation, between two looks at how alike cases are; rates change by less than 1 % after."""
ALIKE = tuple(0.001 * 800 ** (i / 19) for i in range(20))
"""How alike the answers to one case may be, 1 / (spread + 1): from hardly to nearly the same."""
BEFORE = tuple(alike**0.5 * (1 - alike) ** 3 for alike in ALIKE)
"""How likely each is before any exam: Beta(1/2, 4) over steps of equal ratio; its mean is the prior's spread of 8."""

Unit = tuple[str | int, str]
"""One field of one case."""


class Kind(NamedTuple):
    """Units that say the same of a source's rates."""

    right: int
    """Right answers."""
    slips: int
    """Wrong ones, whatever they say."""
    misses: int
    """Calls without an answer."""
    stuck: bool
    """Whether all answers are the same wrong value."""

    @property
    def given(self) -> int:
        """All answers."""
        return self.right + self.slips


class Tally(NamedTuple):
    """What one source said of one field of one case, over all its calls."""

    right: int
    wrong: tuple[tuple[Any, int], ...]
    """By wrong value."""
    empty: int
    """Answers that leave the field empty though it has a value."""
    misses: int
    """Calls without an answer."""
    fillable: bool
    """True if the field has a value."""
    sure: tuple[tuple[float, bool], ...] = ()
    """Of each answer that says how sure it is: how sure, and whether it is right."""

    @property
    def kind(self) -> Kind:
        """The unit without its values."""
        stuck = len(self.wrong) == 1 and not self.right and not self.empty
        return Kind(self.right, sum(count for _, count in self.wrong), self.misses, stuck)


Tallies = Mapping[Unit, Tally]
Kinds = Mapping[Kind, float]
"""How many units are of each kind."""


@dataclass(frozen=True)
class Fit:
    """A source's figures, and how likely each unit is to be one of its systematic mistakes."""

    figures: SourceFigures
    trapped: Mapping[Unit, float]


def fit(tallies: Tallies, prior: SourceFigures, faults: tuple[int, int], values: float) -> Fit:
    """A source's rates on one field.

    `faults`: calls without an answer, and with one. `values`: the size of the space of wrong values.
    """
    kinds = Counter(tally.kind for tally in tallies.values())
    law = likeliest_law(kinds, prior.model_copy(update={"fault": prior.fault.seen(*faults)}), values)
    worth = _worth(kinds, law)
    figures = rates(kinds, law, prior, values).model_copy(
        update={
            "fault": prior.fault.seen(worth * faults[0], worth * faults[1]),
            "abstain": _abstain(tallies, prior.abstain),
            "wrong_values": values,
        }
    )
    return Fit(figures, {unit: trapped(law, tally.kind, values) for unit, tally in tallies.items()})


def likeliest_law(kinds: Kinds, prior: SourceFigures, values: float) -> SourceLaw:
    """Expectation and maximisation: which units are systematic mistakes by the rates, the rates by the units."""
    law = source_law("", prior)
    for _ in range(3):
        law = law if law.spread is None else replace(law, spread=_spread(kinds, law, values))
        for _ in range(ROUNDS):
            systematic, slip = _counted(kinds, law, prior, values)
            law = replace(law, systematic=systematic.mean, slip=slip.mean)
    return law


def rates(kinds: Kinds, law: SourceLaw, prior: SourceFigures, values: float) -> SourceFigures:
    """The rates, with no more taken for counted than is known.

    That is less where answers to one case are alike, and where chance may have made what looks systematic.
    """
    systematic, slip = _counted(kinds, law, prior, values)
    slip = _part(slip, prior.slip, _worth(kinds, law))
    of_systematic, of_slip = _told_apart(kinds, law, systematic, slip, values)
    return prior.model_copy(
        update={
            "systematic": _weighing(systematic, of_systematic),
            "slip": _weighing(slip, of_slip),
            "spread": law.spread,
        }
    )


def _told_apart(kinds: Kinds, law: SourceLaw, systematic: Rate, slip: Rate, values: float) -> tuple[float, float]:
    """The part of what is counted of either rate that is left since the two are not always told apart.

    Observed information is the counts' less that of what is missing (Louis, 1982): whether a unit is a systematic
    mistake, to which both rates' scores answer.
    """
    s, e = law.systematic, law.slip
    if not 0 < s < 1 or not 0 < e < 1:
        return 1.0, 1.0
    ss = se = ee = 0.0
    for kind, units in kinds.items():
        share = trapped(law, kind, values)
        unsure, by_s, by_e = units * share * (1 - share), 1 / (s * (1 - s)), -kind.slips / e
        ss, se, ee = ss + unsure * by_s * by_s, se + unsure * by_s * by_e, ee + unsure * by_e * by_e
    of_s, of_e = (systematic.hits + systematic.misses) / (s * (1 - s)), (slip.hits + slip.misses) / (e * (1 - e))
    return _left(of_s, of_e, ss, se, ee), _left(of_e, of_s, ee, se, ss)


def _left(own: float, other: float, missing: float, both: float, others: float) -> float:
    """What is left of a rate's information if the other rate is not known either."""
    known = own - missing - both * both / max(other - others, 1e-9 * other)
    return max(0.01, known / own)


def _counted(kinds: Kinds, law: SourceLaw, prior: SourceFigures, values: float) -> tuple[Rate, Rate]:
    """Systematic mistakes and slips as they are counted by the law."""
    stuck = free = wrong = right = 0.0
    for kind, units in kinds.items():
        share = trapped(law, kind, values)
        stuck += units * share
        # What was only missed says nothing; what was only left empty is no systematic mistake.
        free += units * (1 - share) * (kind.given > 0 or not kind.misses)
        wrong += units * (1 - share) * kind.slips
        right += units * (1 - share) * kind.right
    return prior.systematic.seen(stuck, free), prior.slip.seen(wrong, right)


def trapped(law: SourceLaw, kind: Kind, values: float) -> float:
    """How likely a unit is to be a systematic mistake."""
    if not kind.stuck:
        return 0.0
    here, there = _both(law, kind, values)
    return here / (here + there) if here + there else 0.0


def _both(law: SourceLaw, kind: Kind, values: float) -> tuple[float, float]:
    """How likely such answers are as a systematic mistake, and as chance."""
    here = law.systematic * caught(law, kind.given, kind.misses) / values if kind.stuck else 0.0
    return here, (1 - law.systematic) * answers(law, kind.right, kind.slips, kind.misses, values)


def _spread(kinds: Kinds, law: SourceLaw, values: float) -> float:
    """The posterior mean of how alike the answers to a case are, as a spread."""
    logs: list[float] = []
    for alike, before in zip(ALIKE, BEFORE, strict=True):
        at = replace(law, spread=1 / alike - 1)
        logs.append(log(before) + sum(n * log(sum(_both(at, kind, values))) for kind, n in kinds.items()))
    weights = [exp(each - max(logs)) for each in logs]
    mean = sum(weight * alike for weight, alike in zip(weights, ALIKE, strict=True)) / sum(weights)
    return 1 / mean - 1


def _worth(kinds: Kinds, law: SourceLaw) -> float:
    """What an answer is worth, since those to one case are alike: n of them as many as n / (1 + (n - 1) alike)."""
    given = sum(units * kind.given for kind, units in kinds.items())
    if law.spread is None or not given:
        return 1.0
    beside = sum(units * kind.given**2 for kind, units in kinds.items()) / given - 1
    return 1 / (1 + beside / (law.spread + 1))


def _part(rate: Rate, prior: Rate, worth: float) -> Rate:
    """The rate with what was counted taken for so much of it."""
    return prior.seen(worth * (rate.hits - prior.hits), worth * (rate.misses - prior.misses))


def _weighing(rate: Rate, part: float) -> Rate:
    """The same share, of less that was counted."""
    return Rate(hits=part * rate.hits, misses=part * rate.misses)


def _abstain(tallies: Tallies, prior: Rate) -> Rate:
    """Of the cases with a value and an answer, those on which it is left empty."""
    asked = [tally for tally in tallies.values() if tally.fillable and (tally.kind.given or tally.empty)]
    left_out = sum(tally.empty > 0 for tally in asked)
    return prior.seen(left_out, len(asked) - left_out)
