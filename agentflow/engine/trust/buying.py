"""Buying evidence: which further answers would carry the likeliest values over the bar, for the least money or time."""

import heapq
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from agentflow.engine.trust.law import Law, Pattern, agreeing, weigh

CALL_SECONDS = 10.0
"""What a model's answer is taken to need before any exam."""
DEARER = 5.0
"""How much more a rung of the ladder is taken to cost than the one below, before any exam."""


LIKELY = 0.05
"""A value less likely than this is not worth answers that would raise it over the bar."""


class Need(NamedTuple):
    """A field that is not trusted enough yet."""

    law: Law
    pattern: Pattern
    bar: float
    """The trust that it must reach, before what identities add."""


Votes = tuple[int, ...]
"""Further answers by source, in the ladder's order."""


@lru_cache(100_000)
def cheapest(needs: tuple[Need, ...], ladder: tuple[str, ...], left: Votes, prices: tuple[float, ...]) -> Votes | None:
    """The least dear answers that would meet every need if each of them gives the same value.

    `left` says how often each source may still be asked, `prices` what each answer takes. None where no answers
    that can still be had would do: then no source can help, and a person is asked before money is spent in vain.
    """
    start: Votes = tuple(0 for _ in ladder)
    queue: list[tuple[float, Votes]] = [(0.0, start)]
    seen = {start}
    while queue:
        price, votes = heapq.heappop(queue)
        if any(votes) and all(_meets(need, ladder, votes) for need in needs):
            return votes
        for source, most in enumerate(left):
            more = (*votes[:source], votes[source] + 1, *votes[source + 1 :])
            if votes[source] < most and more not in seen:
                seen.add(more)
                heapq.heappush(queue, (price + prices[source], more))
    return None


def first_of(votes: Votes, prices: Sequence[float]) -> int:
    """Which of the answers to ask for first: the cheapest, since it may show that the others are of no use."""
    return min((source for source, count in enumerate(votes) if count), key=lambda source: prices[source])


@lru_cache(100_000)
def spared(need: Need, source: str) -> float:
    """The share of cases that may go without the next answer though the bar is not reached, for a pooled alpha.

    Where an answer of `source` that agrees leaves far less doubt than alpha, taking a share x of the cases as they
    stand keeps the mean at alpha: x doubt + (1 - x) later = alpha. What disagrees is bound by alpha in its turn.
    """
    alpha = 1 - need.bar
    doubt = 1 - weigh(need.law, need.pattern)[0]
    votes = _in_law(need.law, (source,), (1,))
    agree = _agreement(need, source)
    after = 1 - weigh(need.law, agreeing(need.law, need.pattern, 0, votes))[0]
    later = agree * min(after, alpha) + (1 - agree) * alpha
    return (alpha - later) / (doubt - later) if doubt > alpha > later else 0.0


def least_doubt(law: Law, ladder: tuple[str, ...], left: Votes) -> float:
    """The least doubt that agreeing answers can leave: what a ladder cannot promise, however often it is asked."""
    start = Pattern(misses=(0,) * len(law.sources))
    every = product(*(range(most + 1) for most in left))
    return min(1 - weigh(law, agreeing(law, start, 0, _in_law(law, ladder, votes)))[0] for votes in every)


def _meets(need: Need, ladder: tuple[str, ...], votes: Votes) -> bool:
    added = _in_law(need.law, ladder, votes)
    return any(
        weigh(need.law, agreeing(need.law, need.pattern, candidate, added))[candidate] >= need.bar
        for candidate in _worth(need.law, need.pattern)
    )


@lru_cache(100_000)
def _worth(law: Law, pattern: Pattern) -> tuple[int, ...]:
    """The candidates that may well be right, a value that nobody gave yet among them."""
    trust = weigh(law, pattern)
    likely = [i for i, each in enumerate(trust) if each >= LIKELY and not pattern.verdicts[i].blocked]
    return (*likely, len(trust)) if 1 - sum(trust) >= LIKELY else tuple(likely)


def _in_law(law: Law, ladder: Sequence[str], votes: Votes) -> Votes:
    """The votes in the order of the law's sources."""
    placed = [0] * len(law.sources)
    for name, count in zip(ladder, votes, strict=True):
        placed[law.places[name]] = count
    return tuple(placed)


def _agreement(need: Need, source: str) -> float:
    """How likely the source's next answer is to be the likeliest value."""
    law = need.law.sources[need.law.places[source]]
    right = weigh(need.law, need.pattern)[0]
    return right * (1 - law.slip) * (1 - law.systematic)
