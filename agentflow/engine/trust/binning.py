"""Binning: how much rarer a source's mistakes are where it says that it is sure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

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
    return tuple(_bin(edge, tallies, whole, edges, place) for place, edge in enumerate((*edges, None)))


def _bin(edge: float | None, tallies: Tallies, whole: SourceFigures, edges: Sequence[float], place: int) -> Bin:
    start = whole.model_copy(update={"systematic": _start(whole.systematic), "slip": _start(whole.slip)})
    inside = [
        (t.kind, [right for sure, right in t.sure if bisect_left(edges, sure) == place]) for t in tallies.values()
    ]
    kinds: dict[Kind, float] = defaultdict(float)
    for (kind, own), tally in zip(inside, tallies.values(), strict=True):
        kinds[kind] += len(own) / len(tally.sure) if own else 0.0
    law = likeliest_law(kinds, start, whole.wrong_values)
    wrong = right = 0.0
    for kind, own in inside:
        free = 1 - trapped(law, kind, whole.wrong_values) if own else 0.0
        wrong, right = wrong + free * own.count(False), right + free * own.count(True)
    of_units = rates(kinds, law, start, whole.wrong_values)
    return Bin(
        edge=edge, systematic=of_units.systematic, slip=_start(whole.slip).seen(wrong, right), spread=of_units.spread
    )


def _start(rate: Rate) -> Rate:
    return Rate(hits=rate.mean * WEIGHT, misses=(1 - rate.mean) * WEIGHT)
