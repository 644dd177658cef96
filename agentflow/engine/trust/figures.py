"""Figures: how often each source of a step errs, and in what way, counted by an exam or assumed before any."""

from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator

UNSEEN = -1
"""The bin of a source that has not said how sure it is."""


class Counted(BaseModel):
    """What stands in calibration.json; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(Counted):
    """A share as a Beta law: what was counted, and the prior that it started from."""

    hits: float = Field(ge=0)
    misses: float = Field(ge=0)

    @property
    def mean(self) -> float:
        """The posterior mean."""
        total = self.hits + self.misses
        return self.hits / total if total else 0.0

    def seen(self, hits: float, misses: float) -> Self:
        """The rate after so many more."""
        return self.model_copy(update={"hits": self.hits + hits, "misses": self.misses + misses})


CERTAIN = 1e12
"""So many cases leave no doubt."""


def known(share: float) -> Rate:
    """A rate without doubt: for benchmarks whose law is known."""
    return Rate(hits=share * CERTAIN, misses=(1 - share) * CERTAIN)


def doubtful(rate: Rate, prior: Rate) -> Rate:
    """The rate, on top of the prior where it is a bare count: 0 of 3 is no rate of 0."""
    never, always = not rate.hits and prior.hits > 0, not rate.misses and prior.misses > 0
    bare = (never or always) and rate.hits + rate.misses < CERTAIN
    return rate.seen(prior.hits, prior.misses) if bare else rate


def _on_top_of(prior: Rate) -> AfterValidator:
    return AfterValidator(lambda rate: doubtful(rate, prior))


SYSTEMATIC, SLIP = Rate(hits=0.5, misses=9.5), Rate(hits=0.5, misses=4.5)
FAULT, ABSTAIN = Rate(hits=0.5, misses=9.5), Rate(hits=1, misses=9)
CATCH, ALARM = Rate(hits=0, misses=2), Rate(hits=0.5, misses=9.5)
OVERLAP = Rate(hits=1, misses=1)
"""The priors before any exam, each said where it is used."""


class Bin(Counted):
    """How a source errs where what it says of its own value is at most `edge`, and above the bin before."""

    edge: float | None = None
    """None where there is no bound."""
    systematic: Rate
    slip: Rate
    spread: float | None = Field(default=None, gt=0)
    """None where all of the bin's cases are alike."""


def _weighing_ten(rate: Rate) -> Rate:
    return Rate(hits=10 * rate.mean, misses=10 * (1 - rate.mean))


class SourceFigures(Counted):
    """How one source errs on one field. As it stands here: the prior before any exam."""

    systematic: Annotated[Rate, _on_top_of(SYSTEMATIC)] = SYSTEMATIC
    """Share of cases on which it says the same wrong value however often it is asked."""
    slip: Annotated[Rate, _on_top_of(SLIP)] = SLIP
    """Share of its answers on the other cases that are wrong, and another time are not."""
    fault: Annotated[Rate, _on_top_of(FAULT)] = FAULT
    """Share of its calls that end without an answer of the asked form."""
    abstain: Annotated[Rate, _on_top_of(ABSTAIN)] = ABSTAIN
    """Share of cases on which it leaves the field empty though there is a value."""
    spread: float | None = Field(default=8.0, gt=0)
    """How alike cases are: its rate of failure on a case is Beta with a + b = spread; None where all are alike.
    The smaller, the more an early failure says of the answers that follow."""
    wrong_values: float = Field(default=2.0, ge=1)
    """Size of the space that wrong values come from: two slips agree one time in so many."""
    bins: tuple[Bin, ...] = ()
    """By what the source says of its own value, from the least sure; none where that was not measured."""

    @field_validator("bins")
    @classmethod
    def _start_from_the_source(cls, bins: tuple[Bin, ...], info: ValidationInfo) -> tuple[Bin, ...]:
        """A bin's bare counts stand on top of the rates of the source as a whole."""
        starts = {name: _weighing_ten(info.data[name]) for name in ("systematic", "slip") if name in info.data}
        return tuple(
            each.model_copy(update={name: doubtful(getattr(each, name), start) for name, start in starts.items()})
            for each in bins
        )

    def bin_of(self, confidence: float | None) -> int:
        """The place of the bin that such a confidence falls into; UNSEEN where nothing was measured of it."""
        if confidence is None or not self.bins:
            return UNSEEN
        places = (i for i, each in enumerate(self.bins) if each.edge is None or confidence <= each.edge)
        return next(places, len(self.bins) - 1)


CODE = SourceFigures(systematic=Rate(hits=1, misses=9), slip=known(0), fault=known(0), spread=None)
"""The prior of a source that is code: asked again it says the same, so that all its mistakes are systematic."""


class CheckFigures(Counted):
    """What a check's verdict is worth."""

    catch: Annotated[Rate, _on_top_of(CATCH)] = CATCH
    """Share of wrong values that it objects to."""
    alarm: Annotated[Rate, _on_top_of(ALARM)] = ALARM
    """Share of right ones."""


IDENTITY = CheckFigures(catch=Rate(hits=4, misses=1))
"""The prior of a check that ties fields together: of wrong sets of values it lets few pass."""


class FieldFigures(Counted):
    """How the sources of a step err on one field, each for itself and together."""

    sources: dict[str, SourceFigures] = {}
    shared: dict[str, Annotated[Rate, _on_top_of(OVERLAP)]] = {}
    """By pair, `a|b` in the order of the alphabet: share of the systematic mistakes of whichever makes more of them
    that the other makes too, with the same value. Half of them before any exam."""
    checks: dict[str, CheckFigures] = {}
    """By the name of the check's function."""

    def overlap(self, one: str, other: str) -> float:
        """The share of systematic mistakes that two sources make together."""
        return self.shared.get(pair(one, other), OVERLAP).mean


class Calls(Counted):
    """What a call of a source takes."""

    cost: float = Field(ge=0)
    """USD."""
    seconds: float = Field(ge=0)


class Rung(Counted):
    """One call of a tuned ladder."""

    source: str
    bar: float | None = None
    """How far all promised fields must be trusted once it was asked, for the answer to be taken; None where the next
    rung is asked in any case."""
    skip: dict[str, tuple[str, ...]] = {}
    """By feature (`Record.field` of what the step reads): values whose cases are not asked here."""

    def takes(self, trust: float) -> bool:
        """Whether so much is enough."""
        return self.bar is not None and trust >= self.bar


class Tuned(Counted):
    """A step's ladder as an exam has chosen it, in the place of the one in the table."""

    rungs: tuple[Rung, ...]
    """In the order in which they are asked; a source that stands here twice is asked twice."""
    bar: float = Field(default=0.0, ge=0)
    """What is taken and trusted less goes to a person: what the exam has certified."""
    about: str = ""
    """For people: what was promised, and on how many cases."""


class StepFigures(Counted):
    """The figures of one step."""

    every: FieldFigures = FieldFigures()
    """Of a field that has none of its own."""
    fields: dict[str, FieldFigures] = {}
    """By path, `*` for the places of a list: `lines.*.line_total`."""
    identities: dict[str, CheckFigures] = {}
    """By the name of the function of a check that ties fields together."""
    calls: dict[str, Calls] = {}
    """By source."""
    ladder: Tuned | None = None
    """How the step's sources are asked, where an exam has chosen that; None asks as the policy says."""


class Stamps(Counted):
    """What was measured, as hashes: figures do not hold for what has changed since."""

    pack: str = ""
    """Of the pack's code and tables as a whole, for people."""
    prompts: dict[str, str] = {}
    """By step: of what makes its question. By `step/source`: of the function. By `step#check`: of the check.
    By `step!promises`: of the fields that its policy promises."""
    models: dict[str, str] = {}
    """By role: of the model that played it, and how it was asked."""


class Figures(Counted):
    """All of a pack's figures: `calibration.json` is this as JSON.

    `{"steps": {"extract": {"every": {"sources": {"small": {"systematic": {"hits": 3, "misses": 297}, ...}},
    "shared": {"frontier|small": {"hits": 2, "misses": 3}}, "checks": {...}}, "fields": {...}, "calls": {...}}}}`
    What is not there has its prior.
    """

    about: str = ""
    """For people: what was measured, on what, and by which command."""
    steps: dict[str, StepFigures] = {}
    stamps: Stamps = Stamps()
    """Empty where they are not known: the figures are taken as they are."""
    _laws: dict[Any, Any] = PrivateAttr(default_factory=dict[Any, Any])

    @property
    def laws(self) -> dict[Any, Any]:
        """What has been worked out from the figures so far."""
        return self._laws


def pair(one: str, other: str) -> str:
    """The key of two sources, whichever is named first."""
    return "|".join(sorted((one, other)))


@lru_cache(4096)
def pattern_of(path: str) -> str:
    """`lines.2.total` as `lines.*.total`."""
    return ".".join("*" if part.isdigit() else part for part in path.split("."))
