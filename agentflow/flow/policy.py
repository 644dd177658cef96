"""Policies: who is asked to do a step, how often, and how sure the answer must be."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Policy:
    """A step's sources in order of price, and what it takes for an answer of theirs to leave the step."""

    ladder: tuple[str, ...] = ()
    """Roles: a source named in the table, or a model named in models.toml; a role that neither names is passed over."""
    alpha: float | None = None
    """The step's promised share of silently wrong values: every field of what it makes is trusted 1 - alpha, or a
    person is asked. None promises nothing: the first answer whose checks pass is taken."""
    promises: tuple[str, ...] = ()
    """The fields that alpha is promised for, `*` for the places of a list: `("total", "lines.*.amount")`. What is left
    empty promises nothing then, and the other fields leave as they are, their trust told. Each names a value, not what
    holds values: a list is promised by its parts. () promises every field, that it is
    empty too."""
    max_attempts: int | None = None
    """Answers asked of one model; None is 2 without alpha, 5 with it. A source of code is asked once."""
    budget: Decimal | None = None
    """USD that one item's answers may cost. The most that a call may cost is set aside before it is made, and no call
    is made that could cost more than is left."""
    deadline: float | None = None
    """Seconds from the step's start; answers that are needed and no longer fit one after the other are asked for at
    once."""
    patience: float = 120.0
    """Seconds that one item waits, all in all, for models that do not answer where no other can help; then a person
    is asked."""
    feedback: bool = True
    """A model is told the problems of its answer before; the answer itself never goes along."""
    pooled: bool = False
    """Alpha holds for the mean of cases and not for each: where the next answer would make a case far surer than
    promised, a share of the cases goes without it."""
    unaided: bool = False
    """Nobody is asked about what no answer could change: alpha bounds the doubt that further answers could remove, and
    what is left once none can is taken as it is."""

    def __post_init__(self) -> None:
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise ValueError(f"alpha={self.alpha}: use a share between 0 and 1, such as 0.005")
        if self.max_attempts is not None and self.max_attempts < 1:
            raise ValueError(f"max_attempts={self.max_attempts}: use 1 or more; leave a role out of the ladder instead")
        for name in ("budget", "deadline", "patience"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name}={getattr(self, name)}: use 0 or more")

    @property
    def most(self) -> int:
        """Answers that one model may be asked for."""
        return self.max_attempts if self.max_attempts is not None else (2 if self.alpha is None else 5)


@dataclass(frozen=True)
class EffectKey:
    """The identity of one effect: the same over retries and resumes of a job, different for every other."""

    value: str

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class JobId:
    """The job a step runs for: what a claim in a system outside is made in the name of."""

    value: str

    def __str__(self) -> str:
        return self.value
