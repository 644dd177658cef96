"""Candidates: what an exam compares, a source alone in the place of every model, or the pack as it is."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentflow.engine.answer import Binder, Bounded, is_bounded
from agentflow.engine.config import ModelConfig
from agentflow.engine.trust.figures import Figures
from agentflow.errors import BudgetError, ConfigError
from agentflow.flow.check import Problem
from agentflow.flow.journal import Journal
from agentflow.flow.model import Model
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step

PACK = "pack"
"""The candidate that is the pack as it is: its ladders, policies and figures."""
APART = 1000
"""Between the variants of a model's answers in one trial and those in the next: no trial repeats another's answers."""
MORE = "raise --max-cost"
"""What an error says to do where an exam's money is not enough: `Budget(limit, mend=MORE)`."""
ASKED = ("model", "api_base", "vision", "structured", "temperature", "max_tokens")
"""What a model's answers hang on, of what models.toml says."""


@dataclass(frozen=True)
class Candidate:
    """One thing to examine."""

    name: str
    models: Binder
    stamp: str = ""
    """Changes whenever its answers may: what was kept under another stamp is not used again."""
    source: str | None = None
    """The one source that is asked, once a step; None where the pack's own policies ask."""
    figures: Figures = field(default_factory=Figures)


@dataclass(frozen=True)
class Trial(Binder):
    """The models of one trial: what they are asked is a draw of its own, never a repetition of another trial's."""

    models: Binder
    number: int

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> Model | None:
        """See `Binder.bind`."""
        return self.models.bind(role, step, problems, journal, variant + APART * self.number)


@dataclass(frozen=True)
class BoundedTrial(Trial, Bounded):
    """The same of models that are held to money and time."""

    models: Any

    @property
    def seconds_left(self) -> float:
        """See `Bounded.seconds_left`."""
        return self.models.seconds_left

    def within(
        self, *, usd: Decimal | None = None, seconds: float | None = None, refused: type[BudgetError] = BudgetError
    ) -> "BoundedTrial":
        """See `Bounded.within`."""
        return BoundedTrial(self.models.within(usd=usd, seconds=seconds, refused=refused), self.number)

    def alike(self, one: str, other: str) -> bool:
        """See `Bounded.alike`."""
        return self.models.alike(one, other)


def in_trial(models: Binder, number: int) -> Binder:
    """The models as they are asked in a trial."""
    if not number:
        return models
    return BoundedTrial(models, number) if is_bounded(models) else Trial(models, number)


def sources_of(pack: Pack) -> list[str]:
    """Every source that a ladder of the pack names, functions first."""
    steps = [step for step in pack.workflow.steps if not step.effect]
    code = [name for step in steps for name in step.policy.ladder if name in step.sources]
    return list(dict.fromkeys([*code, *(name for step in steps for name in step.policy.ladder)]))


def candidates_of(
    pack: Pack, models: Binder, roles: Sequence[str], names: Sequence[str], stamps: Mapping[str, str] | None = None
) -> list[Candidate]:
    """The candidates called `names`: a role that `roles` has, a function of a ladder, or `pack`.

    Without names: the pack as it is, and each source alone. `stamps` tell when the answers of a role change. Raises
    ConfigError where a name is none of them.
    """
    code = {name for step in pack.workflow.steps for name in step.sources if name in step.policy.ladder}
    known = [*(name for name in sources_of(pack) if name in code or name in roles), *roles]
    known = list(dict.fromkeys(known))
    if strange := [name for name in names if name not in (PACK, *known)]:
        raise ConfigError(f"{strange[0]} is no candidate of {pack.name}; take {', '.join((PACK, *known))}")
    found = stamps or {}
    figures = Figures.model_validate(pack.calibration)
    whole = digest([found, pack.calibration])
    return [
        Candidate(PACK, models, whole, None, figures)
        if name == PACK
        else Candidate(name, models, found.get(name, ""), name)
        for name in (names or (PACK, *known))
    ]


def stamp_of(config: ModelConfig) -> str:
    """The stamp of a model: the same as long as it is asked the same way, whatever it costs."""
    return digest({name: getattr(config, name) for name in ASKED})


def digest(told: Any) -> str:
    """A short SHA-256 of JSON."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def asks_alone(pack: Pack, step: Step, source: str) -> bool:
    """Whether a candidate that is `source` alone does the step: its function, or a model in place of the models."""
    if not step.policy.ladder or step.effect:
        return False
    if any(source in other.sources for other in pack.workflow.steps):
        return source in step.sources
    return any(rung not in step.sources for rung in step.policy.ladder)
