"""Replaying: what a ladder would have made of the answers that an exam has kept, weighed as the engine weighs them.

A record that is put together from several answers is met by no check here: the engine's own may take fewer.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentflow.engine.trust.estimating import BINS, estimate
from agentflow.engine.trust.evidence import Laws, Ties, believe
from agentflow.engine.trust.figures import StepFigures, pattern_of
from agentflow.engine.trust.observing import Observation, observed
from agentflow.engine.trust.routing import is_skipped
from agentflow.engine.trust.standing import likeliest, stand
from agentflow.engine.trust.values import Leaves, is_empty, is_shape, leaves
from agentflow.engine.trust.verdict import Attempt, Made, accepts
from agentflow.exams.ladder import REFUSED, Climb, Rung


@dataclass(frozen=True)
class Asked:
    """What an exam has kept of one case of a step."""

    case: str
    truth: Made
    attempts: Mapping[str, Sequence[Attempt]]
    """By source, one a trial."""
    features: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is known before anybody is asked."""
    judge: Callable[[Made], bool] | None = None
    """Whether a record is right; by the truth and the promises where None."""
    document: str = ""
    """What cases of one document have in common."""
    vendor: str = ""
    """What cases of one vendor have in common; empty where nothing tells it."""


@dataclass(frozen=True)
class Weighing:
    """How a step weighs its answers."""

    figures: StepFigures
    ties: Ties = field(default_factory=dict[str, tuple[str, ...]])
    promises: tuple[str, ...] = ()
    code: frozenset[str] = frozenset()
    one_type: bool = True


def measured(
    cases: Iterable[Asked],
    ties: Ties | None = None,
    code: frozenset[str] = frozenset(),
    *,
    one_type: bool = True,
) -> StepFigures:
    """The figures of a step, from all its answers to these cases."""
    rows = [
        row
        for case in cases
        for attempts in case.attempts.values()
        for trial, attempt in enumerate(attempts)
        for row in observed(case.case, trial, attempt, case.truth, ties, one_type=one_type)
    ]
    return estimate(rows, ties=ties, code=code, edges=_edges(rows))


IN_A_BIN, MOST_BINS = 250, 12
"""Answers of which a rate is told well enough; more than so many bins told no more in the benchmark."""


def _edges(rows: Sequence[Observation]) -> dict[str, tuple[float, ...]]:
    """Where there are answers enough, finer bins of how sure a source is than an estimate makes by itself."""
    sure: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.confidence is not None:
            sure[row.source].append(row.confidence)
    edges: dict[str, tuple[float, ...]] = {}
    for source, said in sure.items():
        count, ranked = min(MOST_BINS, len(said) // IN_A_BIN), sorted(said)
        if count > BINS:
            edges[source] = tuple(sorted({ranked[len(ranked) * i // count] for i in range(1, count)} - {ranked[-1]}))
    return edges


Skips = Sequence[Mapping[str, Sequence[str]]]
"""By rung: values of features whose cases skip it."""


def climbs(cases: Sequence[Asked], rungs: Sequence[str], weighing: Weighing, skips: Skips = ()) -> list[Climb]:
    """The cases up a ladder of these sources; one that stands there twice gives its answer of another trial.

    Cases without so many answers are left out. A rung that a case skips costs nothing and takes nothing.
    """
    sources = tuple(dict.fromkeys(rungs))
    laws = Laws(weighing.figures, sources, weighing.code & set(sources))
    wanted = Counter(rungs)
    whole = [case for case in cases if all(len(case.attempts.get(s, ())) >= n for s, n in wanted.items())]
    return [tuple(_climb(case, rungs, laws, weighing, skips)) for case in whole]


def _climb(case: Asked, rungs: Sequence[str], laws: Laws, weighing: Weighing, skips: Skips) -> Iterator[Rung]:
    given: list[Attempt] = []
    asked: Counter[str] = Counter()
    for place, source in enumerate(rungs):
        if skips and is_skipped(skips[place], case.features):
            yield Rung(REFUSED, right=False, cost=0.0)
            continue
        attempt = case.attempts[source][asked[source]]
        asked[source] += 1
        given.append(attempt)
        sure, right = _stands(given, case, laws, weighing)
        yield Rung(sure, right, float(attempt.cost))


def _stands(given: Sequence[Attempt], case: Asked, laws: Laws, weighing: Weighing) -> tuple[float, bool]:
    """How far the best record is trusted, and whether it is right in all that is promised."""
    answers = [attempt for attempt in given if attempt.made is not None]
    if not answers:
        return REFUSED, False
    beliefs = believe(given, laws, weighing.ties, one_type=weighing.one_type)
    candidate = likeliest(answers, beliefs)
    standing = stand(candidate, beliefs, weighing.ties, weighing.figures.identities, weighing.promises)
    sure = standing.least if accepts(candidate) else REFUSED
    right = case.judge(candidate.made) if case.judge else is_right(candidate.made, case.truth, weighing.promises)
    return sure, right


def is_right(made: Made, truth: Made, promises: Sequence[str] = ()) -> bool:
    """Whether a record has the promised values, or all values where none are named."""
    return type(made) is type(truth) and _told(leaves(made), promises) == _told(leaves(truth), promises)


def _told(found: Leaves, promises: Sequence[str]) -> Leaves:
    return {
        path: value
        for path, value in found.items()
        if not is_empty(path, value) and (not promises or path in promises or pattern_of(path) in promises)
        if not is_shape(path) or not promises
    }
