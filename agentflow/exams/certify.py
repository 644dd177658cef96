"""Certifying: what may be accepted without a person, with a bound on silent errors that holds at finite size.

Two rules, both exact for cases drawn alike and independently. `agentflow tune` counts a document once; documents of
one vendor are independent only as far as it is not the vendor that decides who errs. Where it is, fewer cases than are
counted stand for what comes: of exams of 50 vendors with 20 documents each, a vendor read right or wrong nearly as a
whole, 35 % prove what is not so in place of the 5 % allowed; with 5 documents each of 200 vendors 18 %; 12 % and 7 %
where vendors differ mildly (rates of a Beta law of a + b = 10). `--once vendor` counts each vendor once and is exact.

`certify` chooses how sure an answer must be. It looks at every bar from the strictest on, and the errors that it bears
there are those of a sequential test (`certify_binomial.looking`), so that having looked costs no promise. It needs
what a signal of any worth gives: below the bar at which the promise breaks, answers are wrong `alpha` of the time or
more. Signals that fall and rise instead, so that the promise is broken at every bar and only just, deceived no more
exams than a signal without any worth: 4.3 % at most, in 15 such worlds of 1,500 exams each at delta = 5 %. Few
distinct values of trust, and answers that may not be accepted, leave fewer bars to look at and deceive fewer.

`in_order` needs nothing of the configurations: it tests them one after the other, in an order set beforehand on
other cases, and stops at the first that fails (fixed sequence testing; Angelopoulos et al., Learn then Test, 2021).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from agentflow.exams.certify_binomial import at_most, floor, looking, needed, power, upper


@dataclass(frozen=True, slots=True)
class Promise:
    """At most a share `alpha` of what is accepted is silently wrong, with probability 1 - `delta` over exams."""

    alpha: float
    delta: float = 0.05

    def __post_init__(self) -> None:
        for name in ("alpha", "delta"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: use a share between 0 and 1, such as 0.01")


@dataclass(frozen=True, slots=True)
class Scored:
    """One case of an exam: how sure its answer was, by any scale that rises, and whether it was wrong."""

    sure: float
    wrong: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """How sure an answer must be to be accepted, and what the exam proves of those that are."""

    promise: Promise
    bar: float | None
    """Accept what is at least so sure; None where no bar is proven."""
    accepted: int
    wrong: int
    of: int
    """Cases of the exam."""

    @property
    def coverage(self) -> float:
        """Share of cases that are accepted."""
        return self.accepted / self.of if self.of else 0.0

    @property
    def bound(self) -> float:
        """The upper end of the silent error's one-sided interval, as though this bar alone had been looked at."""
        return upper(self.wrong, self.accepted, self.promise.delta)

    @property
    def floor(self) -> float:
        """What the exam could prove at best: all its cases accepted and none wrong."""
        return floor(self.of, self.promise.delta)


BEGIN = 0.6
"""Of the share that another split of the same size would accept: where looking begins. Measured over five worlds: to
begin earlier spends delta on bars that accept little, to begin later loses all where the other split was lucky."""


def certify(cases: Sequence[Scored], promise: Promise, *, first: float = 0.0, of: int | None = None) -> Certificate:
    """The lowest bar that is proven to hold the promise.

    `first` is the share of cases accepted from which on bars are looked at; it must not come from these cases
    (`first_look` takes it from another split). `of` is how many cases there were where not all have an answer that
    may be accepted. Ties are accepted together.
    """
    ranked, of = sorted(cases, key=lambda case: -case.sure), len(cases) if of is None else of
    wrong = list(accumulate((case.wrong for case in ranked), initial=0))
    boundary = looking(of, promise.alpha, promise.delta, max(1, round(first * of)))
    best = 0
    for m in range(1, len(ranked) + 1):
        last_of_its_kind = m == len(ranked) or ranked[m].sure < ranked[m - 1].sure
        if last_of_its_kind and wrong[m] <= boundary[m]:
            best = m
    return Certificate(promise, ranked[best - 1].sure if best else None, best, wrong[best], of)


def first_look(tuned: Sequence[Scored], promise: Promise, of: int | None = None) -> float:
    """Where `certify` had best begin, as a share of cases in steps of a twentieth, from cases that are none of its."""
    return math.floor(20 * BEGIN * certify(tuned, promise, of=of).coverage) / 20


def p_value(wrong: int, accepted: int, alpha: float) -> float:
    """Against "wrong at a rate above alpha": exact, by the binomial law; 1 where nothing is accepted."""
    return at_most(wrong, accepted, alpha) if accepted else 1.0


def in_order(counts: Sequence[tuple[int, int]], promise: Promise) -> int:
    """How many of the configurations, each `(wrong, accepted)`, are proven: the first so many.

    Their order must be set before these cases are looked at, the likeliest to pass first.
    """
    for place, (wrong, accepted) in enumerate(counts):
        if p_value(wrong, accepted, promise.alpha) > promise.delta:
            return place
    return len(counts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many cases an exam needs for a promise."""

    promise: Promise
    least: int
    """Without one error among those accepted: with fewer, nothing can be proven."""
    likely: int | None
    """So that four exams of five prove it; None where too many of those accepted are wrong."""


MOST_CASES = 200_000


def wanted(promise: Promise, *, risk: float = 0.0, coverage: float = 1.0, chance: float = 0.8) -> Wanted:
    """The cases it takes where a share `coverage` is accepted, and of those `risk` is wrong.

    `likely` is for an exam that proves it with probability `chance` at this one bar.
    """
    cases = math.ceil(needed(promise.alpha, promise.delta) / coverage) if coverage else MOST_CASES
    if risk >= promise.alpha or not coverage:
        return Wanted(promise, cases, None)
    accepted = _likely(promise, risk, chance)
    return Wanted(promise, cases, accepted and math.ceil(accepted / coverage))


def _likely(promise: Promise, risk: float, chance: float) -> int | None:
    """Accepted cases, by halving: power rises with their number but for the steps of whole errors."""
    low, high = 0, needed(promise.alpha, promise.delta)
    while power(high, risk, promise.alpha, promise.delta) < chance:
        low, high = high, 2 * high
        if high > MOST_CASES:
            return None
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        enough = power(middle, risk, promise.alpha, promise.delta) >= chance
        low, high = (low, middle) if enough else (middle, high)
    return high


def advice(certificate: Certificate, tuned: Sequence[Scored] = (), of: int | None = None) -> list[str]:
    """For people: what is proven, and how many cases more would prove what.

    `tuned` tells what to expect of them: the answers that may be accepted, of so many cases.
    """
    promise, at = certificate.promise, certificate
    lines: list[str] = []
    if at.bar is not None:
        lines.append(
            f"{at.wrong} of {at.accepted} accepted were wrong: no more than {promise.alpha:.2%} of such at "
            f"{1 - promise.delta:.0%} confidence; {at.coverage:.0%} of cases need nobody"
        )
    elif at.of < needed(promise.alpha, promise.delta):
        least = needed(promise.alpha, promise.delta)
        lines.append(
            f"{at.of} cases without one error prove no better than {at.floor:.2%}; {promise.alpha:.2%} needs "
            f"{least - at.of} more, all of them accepted and right"
        )
    else:
        lines.append(f"no bar is proven to keep {promise.alpha:.2%} on {at.of} cases")
    return lines + _expected(certificate, tuned, len(tuned) if of is None else of)


def _expected(certificate: Certificate, tuned: Sequence[Scored], of: int) -> list[str]:
    """What more cases would prove, at coverages that the tuned cases can keep the promise at.

    Nothing is said of a coverage that takes more cases than a larger one.
    """
    promise = certificate.promise
    ranked = sorted(tuned, key=lambda case: -case.sure)
    wrong = list(accumulate((case.wrong for case in ranked), initial=0))
    lines, fewest = list[str](), math.inf
    for share in (1.0, 0.9, 0.75, 0.5):
        m = round(share * of)
        if not 0 < m <= len(ranked) or share <= certificate.coverage:
            continue
        # Half an error more than was seen: none in m cases is no rate of none.
        want = wanted(promise, risk=(wrong[m] + 0.5) / (m + 1), coverage=share)
        if want.likely is not None and certificate.of < want.likely < fewest:
            fewest = want.likely
            lines.append(f"about {want.likely - certificate.of} cases more would let {share:.0%} pass")
    return lines[::-1]
