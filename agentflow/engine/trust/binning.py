"""Binning: how much rarer a source's mistakes are where it says that it is sure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from agentflow.engine.trust.figures import Bin, Rate, SourceFigures
from agentflow.engine.trust.fitting import Kind, Tallies, likeliest_law, rates, trapped

WEIGHT = 10
"""Answers that a bin's rates start from, erring as often as the source does on the whole."""


def edges_of(tallies: Tallies, count: int) -> tuple[float, ...]:
    """Edges that divide the answers into so many bins of equal size; fewer where many are equally sure."""
    sure = sorted(each for tally in tallies.values() for each, _ in tally.sure)
    if not sure:
        return ()
    cuts = {sure[len(sure) * i // count] for i in range(1, count)}
    return tuple(sorted(cuts - {sure[-1]}))


def bins_of(tallies: Tallies, whole: SourceFigures, edges: Sequence[float]) -> tuple[Bin, ...]:
    """The source's rates by how sure it is, each drawn towards its rate on the whole.

    A unit is in a bin by the share of its answers that are; slips are those of the bin's own answers, since a source
    may be less sure of a slip than of its other answers to the same case.
    """
    if not edges:
        return ()
    owns = _owns(tallies, edges)
    return tuple(_bin(edge, own, whole) for edge, own in zip((*edges, None), owns, strict=True))


class _Own(NamedTuple):
    """The answers of a unit that are in a bin."""

    kind: Kind
    share: float
    wrong: int
    right: int


def _owns(tallies: Tallies, edges: Sequence[float]) -> list[list[_Own]]:
    """By bin."""
    owns: list[list[_Own]] = [[] for _ in range(len(edges) + 1)]
    for tally in tallies.values():
        answers = Counter((bisect_left(edges, sure), right) for sure, right in tally.sure)
        for place in {place for place, _ in answers}:
            wrong, right = answers[place, False], answers[place, True]
            owns[place].append(_Own(tally.kind, (wrong + right) / len(tally.sure), wrong, right))
    return owns


def _bin(edge: float | None, owns: Sequence[_Own], whole: SourceFigures) -> Bin:
    start = whole.model_copy(update={"systematic": _start(whole.systematic), "slip": _start(whole.slip)})
    kinds: dict[Kind, float] = defaultdict(float)
    for own in owns:
        kinds[own.kind] += own.share
    law = likeliest_law(kinds, start, whole.wrong_values)
    free = [1 - trapped(law, own.kind, whole.wrong_values) for own in owns]
    wrong = sum(share * own.wrong for share, own in zip(free, owns, strict=True))
    right = sum(share * own.right for share, own in zip(free, owns, strict=True))
    of_units = rates(kinds, law, start, whole.wrong_values)
    return Bin(edge=edge, systematic=of_units.systematic, slip=start.slip.seen(wrong, right), spread=of_units.spread)


def _start(rate: Rate) -> Rate:
    return Rate(hits=rate.mean * WEIGHT, misses=(1 - rate.mean) * WEIGHT)
