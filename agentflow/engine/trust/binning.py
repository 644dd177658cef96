"""Binning: how much rarer a source's mistakes are where it says that it is sure."""

from bisect import bisect_left
from collections.abc import Sequence

from agentflow.engine.trust.figures import Bin, Rate
from agentflow.engine.trust.fitting import Fit, Tallies

WEIGHT = 10
"""Answers that a bin's rates start from, erring as often as the source does on the whole."""


def edges_of(tallies: Tallies, count: int) -> tuple[float, ...]:
    """Edges that divide the answers into so many bins of equal size; fewer where many are equally sure."""
    sure = sorted(each for tally in tallies.values() for each, _ in tally.sure)
    if not sure:
        return ()
    cuts = {sure[len(sure) * i // count] for i in range(1, count)}
    return tuple(sorted(cuts - {sure[-1]}))


def bins_of(tallies: Tallies, found: Fit, edges: Sequence[float]) -> tuple[Bin, ...]:
    """The source's rates by how sure it is, each drawn towards the source's rate on the whole.

    An answer in a bin counts its unit as a systematic mistake by its share of the unit's answers.
    """
    if not edges:
        return ()
    trapped, slips = [[0.0, 0.0] for _ in range(len(edges) + 1)], [[0.0, 0.0] for _ in range(len(edges) + 1)]
    for unit, tally in tallies.items():
        share = found.trapped[unit]
        for sure, right in tally.sure:
            place = bisect_left(edges, sure)
            trapped[place][0] += share / len(tally.sure)
            trapped[place][1] += (1 - share) / len(tally.sure)
            slips[place][right] += (1 - share) * found.worth
    uppers = (*edges, None)
    start, slip = _start(found.figures.systematic), _start(found.figures.slip)
    return tuple(
        Bin(edge=edge, systematic=start.seen(*trapped[i]), slip=slip.seen(*slips[i])) for i, edge in enumerate(uppers)
    )


def _start(rate: Rate) -> Rate:
    return Rate(hits=rate.mean * WEIGHT, misses=(1 - rate.mean) * WEIGHT)
