"""Binning: how much rarer a source's mistakes are where it says that it is sure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from agentflow.engine.trust.figures import Bin, Rate, SourceFigures
from agentflow.engine.trust.fitting import Kind, Tallies, likeliest_law, rates

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

    A unit is in a bin by the share of its answers that are.
    """
    if not edges:
        return ()
    start = whole.model_copy(update={"systematic": _start(whole.systematic), "slip": _start(whole.slip)})
    kinds: list[dict[Kind, float]] = [defaultdict(float) for _ in range(len(edges) + 1)]
    for tally in tallies.values():
        for sure, _ in tally.sure:
            kinds[bisect_left(edges, sure)][tally.kind] += 1 / len(tally.sure)
    found = [rates(each, likeliest_law(each, start, whole.wrong_values), start, whole.wrong_values) for each in kinds]
    return tuple(
        Bin(edge=edge, systematic=each.systematic, slip=each.slip, spread=each.spread)
        for edge, each in zip((*edges, None), found, strict=True)
    )


def _start(rate: Rate) -> Rate:
    return Rate(hits=rate.mean * WEIGHT, misses=(1 - rate.mean) * WEIGHT)
