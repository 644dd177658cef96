"""The one file that knows litellm: roles from models.toml become models that steps can ask."""

import asyncio
import importlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from agentflow.engine.batching import Batches
from agentflow.engine.budget import Budget
from agentflow.engine.calling import Bound
from agentflow.engine.config import ModelConfig, read_models
from agentflow.engine.wire import Wire, now
from agentflow.errors import BudgetError
from agentflow.flow.check import Problem
from agentflow.flow.journal import Journal
from agentflow.flow.model import Model

__all__ = ["Budget", "Lines", "ModelConfig", "Models", "load_litellm", "read_models"]


class Lines:
    """What all jobs of a runner share: the library that calls models, and a wire for each model."""

    def __init__(self, client: Any = None) -> None:
        """`client` is what is used of the litellm module; litellm itself, loaded when first used, where it is None."""
        self._client = client
        self._loading = asyncio.Lock()
        self._wires: dict[tuple[str, str | None], Wire] = {}
        self._batches: dict[ModelConfig, Batches] = {}

    def wire(self, config: ModelConfig) -> Wire:
        """The wire of the model, whichever role it plays."""
        place = _place(config)
        if place not in self._wires:
            self._wires[place] = Wire(config.model)
        return self._wires[place]

    def batches(self, config: ModelConfig) -> Batches | None:
        """Where the model's questions go in batches; None where it is asked at once."""
        if not config.batch:
            return None
        return self._batches.setdefault(config, Batches(config))

    async def client(self) -> Any:
        """The library."""
        if self._client is None:
            async with self._loading:
                self._client = self._client or await load_litellm()
        return self._client


@dataclass(frozen=True)
class Models:
    """The roles that models.toml names, what they may still spend, and what is known of their wires: one a runner."""

    configs: Mapping[str, ModelConfig]
    budget: Budget = field(default_factory=lambda: Budget(None))
    until: float = float("inf")
    """The deadline, by the event loop's clock."""
    lines: Lines = field(default_factory=Lines, repr=False)

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self.until - now()

    def within(
        self, *, usd: Decimal | None = None, seconds: float | None = None, refused: type[BudgetError] = BudgetError
    ) -> "Models":
        """The same models for a job, or a step, with less money and time; what it spends is taken from both.

        `refused` is what a call raises that could cost more than is left.
        """
        until = self.until if seconds is None else min(self.until, now() + seconds)
        mend = "raise that of the policy or the pack"
        budget = self.budget if usd is None else Budget(usd, self.budget, mend, refused)
        return replace(self, budget=budget, until=until)

    def alike(self, one: str, other: str) -> bool:
        """Whether two roles are one model: asked under both names it is still one source."""
        first, second = self.configs.get(one), self.configs.get(other)
        return first is not None and second is not None and _place(first) == _place(second)

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> Model | None:
        """The role's model for one attempt; None where models.toml does not name the role.

        Variant 0 asks as configured; each other one is a vote of its own: sampled warm, with its own seed, past caches.
        """
        config = self.configs.get(role)
        if config is None:
            return None
        return Bound(
            role=role,
            step=step,
            config=config,
            problems=tuple(problems),
            variant=variant,
            journal=journal,
            budget=self.budget,
            until=self.until,
            wire=self.lines.wire(config),
            client=self.lines.client,
            batches=self.lines.batches(config),
        )


def _place(config: ModelConfig) -> tuple[str, str | None]:
    return config.model, config.api_base


async def load_litellm() -> Any:
    """litellm, imported at the first call, without its network look-ups, `.env` reading and banners."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_OFFLINE_MODE", "true")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    litellm: Any = await asyncio.to_thread(importlib.import_module, "litellm")
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    # It makes the provider's coroutine in a thread: of a call that is given up meanwhile nobody awaits it.
    warnings.filterwarnings("ignore", r"coroutine '\w+\.acompletion' was never awaited", RuntimeWarning)
    return litellm
