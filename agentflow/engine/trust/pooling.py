"""Pooling: what a field's rates start from, given what was counted of the step's other fields."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentflow.engine.trust.figures import CODE, Rate, SourceFigures

HALF = Rate(hits=1, misses=1)
"""The prior of what mistakes have in common."""

WEIGHT = 30.0
"""Answers that the other fields together weigh: of 1 to 100, the weight that forecasts fields' rates best where they
are drawn from laws of mean 1 %, all alike or not, and are seen in 40 cases."""


@dataclass(frozen=True)
class Counts:
    """What is counted of one field."""

    sources: Mapping[str, SourceFigures]
    agree: Rate = HALF
    """Pairs of slips that agree."""
    shared: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    """By pair of sources: systematic mistakes that both make."""


def first_of_all(sources: Iterable[str], code: frozenset[str]) -> Counts:
    """The priors before any exam."""
    return Counts({name: CODE if name in code else SourceFigures() for name in sources})


def beside(start: Counts, others: Sequence[Counts]) -> Counts:
    """What a field starts from: rates as in the others, where there are any.

    A field of few cases is then taken to err as the others do; one that errs otherwise soon shows it.
    """
    sources = {
        name: _source(prior, [each.sources[name] for each in others if name in each.sources])
        for name, prior in start.sources.items()
    }
    keys = dict.fromkeys(key for each in others for key in each.shared)
    shared = {key: _drawn(HALF, [each.shared[key] for each in others if key in each.shared]) for key in keys}
    return Counts(sources, _drawn(start.agree, [each.agree for each in others]), shared)


def wrong_values(agree: Rate) -> float:
    """The size of the space of wrong values, of which so many pairs agree."""
    return max(1.0, 1 / agree.mean)


def _source(prior: SourceFigures, found: Sequence[SourceFigures]) -> SourceFigures:
    drawn = {
        name: _drawn(getattr(prior, name), [getattr(each, name) for each in found], WEIGHT)
        for name in ("systematic", "slip", "abstain")
    }
    return prior.model_copy(update=drawn)


def _drawn(prior: Rate, found: Sequence[Rate], weight: float = 0.0) -> Rate:
    """The mean of the prior and all that was found, of the prior's weight or this."""
    if not found:
        return prior
    hits = prior.hits + sum(max(0.0, each.hits - prior.hits) for each in found)
    misses = prior.misses + sum(max(0.0, each.misses - prior.misses) for each in found)
    weight, share = max(weight, prior.hits + prior.misses), hits / (hits + misses)
    return Rate(hits=share * weight, misses=(1 - share) * weight)
