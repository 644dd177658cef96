"""Ladders: how sure an answer must be at each rung so that what is promised costs least.

A case climbs: the first rung is asked, and where what is believed after it is sure enough the answer is taken; else the
next one is asked too, and after the last one a person. The bars are chosen for all rungs together. For a price of a
wrong answer the best bar of one rung follows from a sort, the other rungs' bars given; the rungs take turns until none
moves. Then the price is raised until what is promised holds.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

NEVER = math.inf
"""The bar of a rung whose answer is never taken by itself."""
REFUSED = -math.inf
"""How sure an answer is that may not be taken: a check objects to it, or there is none."""
SWEEPS, GRID, HALVINGS = 5, 16, 7


@dataclass(frozen=True, slots=True)
class Rung:
    """What there is of one case once this rung was asked, all rungs before it too."""

    sure: float
    """How sure the best answer so far is, by a scale that rises."""
    right: bool
    """Whether that answer is right."""
    cost: float
    """Of this rung's call alone."""


Climb = Sequence[Rung]
"""One case, rung by rung."""
Bars = tuple[float, ...]
"""By rung: how sure an answer must be to be taken."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Every case is answered, and at least this share of them right."""

    share: float

    def held_by(self, done: "Done") -> bool:
        """Whether that is so."""
        return done.right >= self.share * done.cases


@dataclass(frozen=True, slots=True)
class Silent:
    """Of what is taken at most a share `alpha` is wrong; the rest is done by people, `review` a case."""

    alpha: float
    review: float

    def held_by(self, done: "Done") -> bool:
        """Whether that is so; of nothing taken nothing is wrong."""
        return done.accepted - done.right <= self.alpha * done.accepted


Aim = Quality | Silent


@dataclass(frozen=True, slots=True)
class Done:
    """What bars made of cases."""

    cases: int
    accepted: int
    right: int
    """Of those accepted."""
    cost: float
    """Of all calls and reviews."""

    @property
    def silent(self) -> float:
        """The share of what was accepted that is wrong."""
        return (self.accepted - self.right) / self.accepted if self.accepted else 0.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """Bars, and what they made of the cases that they were chosen on."""

    bars: Bars
    done: Done = field(compare=False)


def place(climb: Climb, bars: Bars) -> int | None:
    """The rung whose answer is taken; None where a person is asked."""
    return next((j for j, (rung, bar) in enumerate(zip(climb, bars, strict=True)) if rung.sure >= bar), None)


def done(climbs: Sequence[Climb], bars: Bars, review: float = 0.0) -> Done:
    """What the bars make of the cases; a case that a person does costs `review` besides."""
    accepted = right = 0
    cost = 0.0
    for climb in climbs:
        at = place(climb, bars)
        cost += sum(rung.cost for rung in climb[: len(climb) if at is None else at + 1])
        if at is None:
            cost += review
        else:
            accepted, right = accepted + 1, right + climb[at].right
    return Done(len(climbs), accepted, right, cost)


def cheapest(climbs: Sequence[Climb], aim: Aim) -> Ladder | None:
    """The bars that keep the aim on these cases at least cost; None where none are found that do."""
    found = [ladder for ladder in frontier(climbs, aim) if aim.held_by(ladder.done)]
    best = min(found, key=lambda ladder: ladder.done.cost, default=None)
    return best and _loosened(climbs, aim, best)


def _loosened(climbs: Sequence[Climb], aim: Aim, ladder: Ladder) -> Ladder:
    """The ladder with its bars lowered one by one as far as the aim bears: prices alone leave gaps between ladders."""
    for j in reversed(range(len(ladder.bars))):
        lower = sorted({climb[j].sure for climb in climbs if REFUSED < climb[j].sure < ladder.bars[j]})
        low, high = 0, len(lower)
        while low < high:
            middle = (low + high) // 2
            tried = _with(climbs, aim, ladder.bars, j, lower[middle])
            if aim.held_by(tried.done):
                ladder, high = (tried if tried.done.cost < ladder.done.cost else ladder), middle
            else:
                low = middle + 1
    return ladder


def _with(climbs: Sequence[Climb], aim: Aim, bars: Bars, j: int, bar: float) -> Ladder:
    changed = (*bars[:j], bar, *bars[j + 1 :])
    return Ladder(changed, done(climbs, changed, aim.review if isinstance(aim, Silent) else 0.0))


def frontier(climbs: Sequence[Climb], aim: Aim) -> list[Ladder]:
    """Ladders from the cheapest to the most careful; those that just keep the aim lie closest together."""
    if not climbs or not climbs[0]:
        return []
    whole = max(sum(rung.cost for rung in climbs[0]), 1e-12)
    low, high = 1e-3 * whole, 1e5 * whole
    ladders = {price: _at(climbs, aim, price) for price in _between(low, high)}
    kept = [price for price, ladder in ladders.items() if aim.held_by(ladder.done)]
    broken = [price for price in ladders if price < min(kept, default=high) and price not in kept]
    if kept and broken:
        low, high = max(broken), min(kept)
        for _ in range(HALVINGS):
            price = math.sqrt(low * high)
            ladders[price] = _at(climbs, aim, price)
            low, high = (low, price) if aim.held_by(ladders[price].done) else (price, high)
    return [ladders[price] for price in sorted(ladders)]


def _between(low: float, high: float) -> Iterator[float]:
    return (low * (high / low) ** (i / (GRID - 1)) for i in range(GRID))


def _at(climbs: Sequence[Climb], aim: Aim, price: float) -> Ladder:
    """The bars for a price of a wrong answer."""
    bars = _swept(climbs, aim, price)
    return Ladder(bars, done(climbs, bars, aim.review if isinstance(aim, Silent) else 0.0))


def _swept(climbs: Sequence[Climb], aim: Aim, price: float) -> Bars:
    bars = [NEVER] * len(climbs[0])
    if isinstance(aim, Quality):
        bars[-1] = -NEVER
    for _ in range(SWEEPS):
        before = tuple(bars)
        for j in reversed(range(len(bars) - isinstance(aim, Quality))):
            bars[j] = _bar(climbs, bars, j, aim, price)
        if tuple(bars) == before:
            break
    return tuple(bars)


def _bar(climbs: Sequence[Climb], bars: Sequence[float], j: int, aim: Aim, price: float) -> float:
    """The best bar of rung `j`, the others given: of the cases that come to it, those are taken above it.

    Sorted by how sure they are, that is where taking so many loses least against letting them go on.
    """
    coming = [climb for climb in climbs if all(climb[i].sure < bars[i] for i in range(j))]
    coming.sort(key=lambda climb: -climb[j].sure)
    gains = (_taken(climb[j], aim, price) - _gone_on(climb, bars, j + 1, aim, price) for climb in coming)
    sums = list(accumulate(gains, initial=0.0))
    sure = [*(climb[j].sure for climb in coming), REFUSED]
    best = min((0, *(m for m in range(1, len(sure)) if sure[m] < sure[m - 1])), key=lambda m: sums[m])
    if best == 0:
        return NEVER
    return coming[best - 1][j].sure


def _taken(rung: Rung, aim: Aim, price: float) -> float:
    """What a taken answer loses; of a silent error's promise, every right answer pays back its part."""
    return price * ((not rung.right) - (aim.alpha if isinstance(aim, Silent) else 0.0))


def _gone_on(climb: Climb, bars: Sequence[float], j: int, aim: Aim, price: float) -> float:
    """What a case loses from rung `j` on."""
    cost = 0.0
    for rung, bar in zip(climb[j:], bars[j:], strict=True):
        cost += rung.cost
        if rung.sure >= bar:
            return cost + _taken(rung, aim, price)
    return cost + (aim.review if isinstance(aim, Silent) else 0.0)
