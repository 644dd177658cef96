"""Buying evidence: which further answers would carry the likeliest values over the bar, for the least money or time."""

import heapq
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from agentflow.engine.trust.law import Law, Pattern, agreeing, weigh

CALL_SECONDS = 10.0
"""What a model's answer is taken to need before any exam."""
DEARER = 5.0
"""How much more a rung of the ladder is taken to cost than the one below, before any exam."""
LIKELY = 0.05
"""A value less likely than this is not worth answers that would raise it over the bar."""
AHEAD = 3
"""How many answers of a source are looked ahead to for what they would tell."""


class Need(NamedTuple):
    """A field that is not trusted enough yet."""

    law: Law
    pattern: Pattern
    bar: float
    """The trust that it must reach, before what identities add."""
    unaided: bool = False
    """True if the bar is put to what further answers could change: what none of them can is taken as it is."""


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
    doubt = _open(need, need.pattern, 0)
    votes = _in_law(need.law, (source,), (1,))
    agree = _agreement(need, source)
    after = _open(need, agreeing(need.law, need.pattern, 0, votes), 0)
    later = agree * min(after, alpha) + (1 - agree) * alpha
    return (alpha - later) / (doubt - later) if doubt > alpha > later else 0.0


def settled(need: Need) -> bool:
    """Whether the likeliest value may be taken as it is: further answers would remove no more doubt than alpha."""
    return need.unaided and _open(need, need.pattern, 0) <= 1 - need.bar


def _meets(need: Need, ladder: tuple[str, ...], votes: Votes) -> bool:
    added = _in_law(need.law, ladder, votes)
    after = ((agreeing(need.law, need.pattern, value, added), value) for value in _worth(need.law, need.pattern))
    return any(_open(need, pattern, value) <= 1 - need.bar for pattern, value in after)


def _open(need: Need, pattern: Pattern, value: int) -> float:
    """The doubt in a value that the bar is held against."""
    doubt = 1 - weigh(need.law, pattern)[value]
    return min(doubt, removable(need.law, pattern, value)) if need.unaided else doubt


@lru_cache(100_000)
def removable(law: Law, pattern: Pattern, value: int) -> float:
    """The part of a value's doubt that more answers could remove.

    Slips go with every answer; of systematic mistakes, those that a source would tell that has not settled yet.
    """
    free = _untrapped(law)
    own = [_own_slips(free, pattern, source) for source in range(len(law.sources))]
    slips = min(1 - weigh(free, pattern)[value], max((each for each in own if each is not None), default=1.0))
    doubt, left = 1 - weigh(law, pattern)[value], 0.0
    for source, slipped in enumerate(own):
        if slipped is None or slipped > slips:
            told = (_doubt_after(law, pattern, value, source, answers) for answers in range(1, AHEAD + 1))
            left = max(left, doubt - min(told))
    return max(slips, left)


def _own_slips(free: Law, pattern: Pattern, source: int) -> float | None:
    """The chance that what one source alone says most is a slip; None where it says nothing."""
    rows = [tuple(n if i == source else 0 for i, n in enumerate(row)) for row in pattern.counts]
    if not any(map(any, rows)):
        return None
    return 1 - max(weigh(free, pattern._replace(counts=tuple(rows), misses=())))


def _doubt_after(law: Law, pattern: Pattern, value: int, source: int, answers: int) -> float:
    votes = tuple(answers if i == source else 0 for i in range(len(law.sources)))
    return 1 - weigh(law, agreeing(law, pattern, value, votes))[value]


@lru_cache(4096)
def _untrapped(law: Law) -> Law:
    """The law of cases on which no source makes a systematic mistake."""
    sources = tuple(replace(source, systematic=0.0) for source in law.sources)
    return replace(law, sources=sources, trapped=((1.0, (-1,) * len(sources)),))


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
