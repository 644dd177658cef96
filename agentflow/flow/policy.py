"""Policies: who is asked to do a step, and how often."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """A step's sources in order of price, and how many answers it may ask of each."""

    ladder: tuple[str, ...] = ()
    """Roles: a source named in the table, or a model named in models.toml; a role that neither names is passed over."""
    max_attempts: int = 2
    """Answers asked of one model before the next rung; a source of code is asked once."""


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
