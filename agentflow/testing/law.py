"""The law of errors: what becomes of one call, as a pure function of seed, model, case, step, variant and attempt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from agentflow.errors import ConfigError
from agentflow.testing.chance import Id, beta, key, uniform, word
from agentflow.testing.spec import Faulty, FaultyModel

_CALL, _OWN, _EASE, _OWN_EASE, _TRAP, _FOLLOW = range(1, 7)


class Outcome(IntEnum):
    """What an answer is worth."""

    RIGHT = 0
    DETECTABLE = 1
    INDEPENDENT = 2
    """Wrong, no check sees it, and asked again the model says something else."""
    CORRELATED = 3
    """Wrong, no check sees it, and this model says the same on this case every time."""


Draw = tuple[Outcome, int]
"""An outcome and the number of its wrong value, 1 to `wrong_values`; 0 where it is right."""

_RIGHT: Draw = (Outcome.RIGHT, 0)


@dataclass(frozen=True)
class Odds:
    """One model's law."""

    name: str
    id: int
    spec: FaultyModel
    detectable: float
    """Rate on cases that the model is not caught on."""
    independent: float
    own: float
    """Rate of correlated mistakes that it does not take over from another model."""
    correlated: float
    """Rate of all of them."""
    follows: Mapping[int, float] = field(default_factory=dict[int, float])
    """By the place of the model that made the mistake first."""


class Law:
    """The law of every model of a `Faulty`, ready to be asked some hundred thousand times a second."""

    def __init__(self, faulty: Faulty) -> None:
        """Raises ConfigError where `follows` asks for more shared mistakes than a model makes."""
        self.faulty = faulty
        self._line = _line(faulty)
        self._place = {odds.name: place for place, odds in enumerate(self._line)}

    def draw(self, model: str, case: Id, step: Id = 0, variant: Id = 0, attempt: int = 0) -> Draw:
        """What becomes of a call. The same arguments always give the same answer."""
        return self.at(model, self.unit(case, step), word(variant), attempt)

    def unit(self, case: Id, step: Id = 0) -> int:
        """The key of one question, whoever is asked and however often."""
        return key(self.faulty.seed, word(case), word(step))

    def at(self, model: str, unit: int, variant: int, attempt: int) -> Draw:
        """`draw` for a caller that keeps the unit's key."""
        place = self._place[model]
        odds = self._line[place]
        chance = uniform(key(unit, odds.id, variant, attempt), _CALL)
        if odds.spec.right_rate is not None:
            return self._by_ease(odds, unit, chance)
        origin = self._origin(place, unit)
        if origin is not None:
            return Outcome.CORRELATED, self._trap(origin, unit)
        if chance < odds.detectable:
            return Outcome.DETECTABLE, 1 + int(chance / odds.detectable * odds.spec.wrong_values)
        if (rest := chance - odds.detectable) < odds.independent:
            return Outcome.INDEPENDENT, 1 + int(rest / odds.independent * odds.spec.wrong_values)
        return _RIGHT

    def trap(self, model: str, unit: int) -> int:
        """The wrong value that the model's correlated mistakes of this unit would have."""
        place = self._place[model]
        origin = self._origin(place, unit)
        return self._trap(place if origin is None else origin, unit)

    def rates(self, model: str) -> dict[Outcome, float]:
        """The rate of each outcome over all cases; with a `right_rate`, its mean."""
        odds = self._line[self._place[model]]
        rest = 1 - odds.correlated
        wrong = {
            Outcome.DETECTABLE: odds.detectable * rest,
            Outcome.INDEPENDENT: odds.independent * rest,
            Outcome.CORRELATED: odds.correlated,
        }
        if (law := odds.spec.right_rate) is not None:
            wrong = dict(zip(wrong, (law.b / (law.a + law.b) * share for share in odds.spec.split), strict=True))
        return {Outcome.RIGHT: 1 - sum(wrong.values()), **wrong}

    def id(self, model: str) -> int:
        """The number that stands for the model in keys."""
        return self._line[self._place[model]].id

    def _origin(self, place: int, unit: int) -> int | None:
        """The place of the model, itself included, whose mistake it makes on the unit; None where it makes none."""
        odds = self._line[place]
        if not odds.follows:
            return place if odds.own and uniform(unit + odds.id, _OWN) < odds.own else None
        roots: list[int] = []
        for other in range(place):
            if self._taken(other, roots, unit) is None and self._slips(other, unit):
                roots.append(other)
        taken = self._taken(place, roots, unit)
        return taken if taken is not None else (place if self._slips(place, unit) else None)

    def _slips(self, place: int, unit: int) -> bool:
        odds = self._line[place]
        return uniform(unit + odds.id, _OWN) < odds.own

    def _taken(self, place: int, roots: Sequence[int], unit: int) -> int | None:
        """The first of the mistakes `roots` that the model takes over."""
        odds = self._line[place]
        for root in roots:
            share = odds.follows.get(root, 0.0)
            if share and uniform(key(unit, odds.id, self._line[root].id), _FOLLOW) < share:
                return root
        return None

    def _trap(self, place: int, unit: int) -> int:
        odds = self._line[place]
        return 1 + int(uniform(unit + odds.id, _TRAP) * odds.spec.wrong_values)

    def _by_ease(self, odds: Odds, unit: int, chance: float) -> Draw:
        law = odds.spec.right_rate
        assert law is not None  # noqa: S101 - asked for by `at` only
        common = uniform(unit + odds.id, _OWN_EASE) < law.shared
        right = beta(law.a, law.b, uniform(unit if common else unit + odds.id, _EASE))
        if chance < right:
            return _RIGHT
        part = (chance - right) / (1 - right)
        detectable, independent, _ = odds.spec.split
        if part < detectable:
            return Outcome.DETECTABLE, 1 + int(part / detectable * odds.spec.wrong_values)
        if (rest := part - detectable) < independent:
            return Outcome.INDEPENDENT, 1 + int(rest / independent * odds.spec.wrong_values)
        return Outcome.CORRELATED, self.trap(odds.name, unit)


def _line(faulty: Faulty) -> list[Odds]:
    """The models' odds in their order. `patterns`: who made a mistake of its own, and how often that happens."""
    line: list[Odds] = []
    patterns: dict[frozenset[int], float] = {frozenset(): 1.0}
    for place, (name, spec) in enumerate(faulty.models.items()):
        follows = {other: share for other in range(place) if (share := _share(spec, line[other]))}
        wanted = 1.0 if spec.right_rate else spec.error * spec.split[2]
        followed = sum(p * (1 - _free(follows, roots)) for roots, p in patterns.items())
        if followed > wanted + 1e-12 and not spec.rate_may_rise:
            raise ConfigError(_too_much(name, followed, wanted))
        correlated = max(wanted, followed)
        own = (correlated - followed) / (1 - followed) if followed < 1 else 0.0
        line.append(_odds(name, spec, own, correlated, follows))
        patterns = _spread(patterns, place, follows, own)
    return line


def _odds(name: str, spec: FaultyModel, own: float, correlated: float, follows: Mapping[int, float]) -> Odds:
    free = max(1 - correlated, 1e-12)
    detectable, independent = (min(1.0, spec.error * share / free) for share in spec.split[:2])
    return Odds(name, word(name), spec, detectable, independent, own, correlated, follows)


def _share(spec: FaultyModel, other: Odds) -> float:
    """A model with a right-rate can be wrong on any case: it follows, and is followed by, its like alone."""
    if (spec.right_rate is None) != (other.spec.right_rate is None):
        return 0.0
    return spec.follows.get(other.name, 0.0) if isinstance(spec.follows, dict) else spec.follows


def _free(follows: Mapping[int, float], roots: frozenset[int]) -> float:
    """The chance to take over none of the mistakes."""
    free = 1.0
    for root in roots:
        free *= 1 - follows.get(root, 0.0)
    return free


def _spread(
    patterns: Mapping[frozenset[int], float], place: int, follows: Mapping[int, float], own: float
) -> dict[frozenset[int], float]:
    """The patterns once the model at `place` has made its own mistakes, or has not."""
    spread: dict[frozenset[int], float] = {}
    for roots, p in patterns.items():
        slips = p * _free(follows, roots) * own
        spread[roots] = spread.get(roots, 0.0) + p - slips
        if slips:
            spread[roots | {place}] = slips
    return spread


def _too_much(name: str, followed: float, wanted: float) -> str:
    return (
        f"{name} follows others into mistakes on {followed:.4%} of cases, but error x split leaves it only "
        f"{wanted:.4%} correlated ones; lower follows, raise error, or set rate_may_rise = true"
    )
