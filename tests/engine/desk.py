"""What attempts are tested with: one step, and models behind the real wire or told what to say."""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agentflow import Model, Policy, Problem, Record, workflow
from agentflow.engine.answer import Services
from agentflow.engine.attempt import perform
from agentflow.engine.models import Budget, Lines, ModelConfig, Models
from agentflow.engine.trust import Accepted, Doubted, Verdict
from agentflow.flow.step import Step
from agentflow.testing import (
    Completions,
    FakeModel,
    FakeModels,
    Faulty,
    FaultyModel,
    MemoryJournal,
    Provider,
    by_marker,
)
from tests.benchmarks.virtual import now


class Page(Record):
    case: int
    vendor: str = ""


class Sums(Record):
    net: int
    tax: int = 0
    total: int


class Total(Record):
    value: int


async def read(page: Page, *, model: Model) -> Total:
    return await model.ask(Total, "Read the total.", f"[case:{page.case}] {page.vendor}")


async def add(page: Page, *, model: Model) -> Sums:
    return await model.ask(Sums, "Read the sums.", f"[case:{page.case}] {page.vendor}")


def positive(total: Total) -> list[Problem]:
    return [Problem(code="negative", message="it is less than nothing", path="value")] if total.value < 0 else []


def row(call: Any = read, *, checks: Any = (), sources: Any = None, **policy: Any) -> Step:
    """A step of a table that closes."""
    made = call.__annotations__["return"]
    table: Any = workflow("desk", takes=Page, gives=made)
    return table.step(call, policy=Policy(**policy), checks=checks, sources=sources).build().steps[0]


def told(**answers: Any) -> FakeModels:
    """Models that say what they are told to: a list of answers, or one function, by role."""
    given = {role: said if isinstance(said, list) else [said] for role, said in answers.items()}
    return FakeModels(**{role: FakeModel(*said) for role, said in given.items()})


async def do(
    step: Step, models: Any, journal: Any = None, *, case: int = 1, item: int | None = None, **more: Any
) -> Any:
    """The step's verdict."""
    reads = more.pop("reads", [Page(case=case)])
    services = Services("job", more.pop("connectors", {}), models, journal or MemoryJournal(), **more)
    return await perform(step, reads, services, item)


def value(verdict: Verdict) -> Any:
    """What was accepted."""
    assert isinstance(verdict, Accepted), verdict
    return verdict.made


def codes(verdict: Verdict) -> list[str]:
    """Why a person is asked."""
    assert isinstance(verdict, Doubted), verdict
    return [problem.code for problem in verdict.reasons]


class Sent(Completions):
    """Remembers what it is sent."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(provider)
        self.sent: list[dict[str, Any]] = []

    async def acompletion(self, **sent: Any) -> Any:
        self.sent.append(sent)
        return await super().acompletion(**sent)


class Bench:
    """Faulty models behind the real wire, in virtual time; the right answer to case 5 is `{"value": 5}`."""

    def __init__(self, *, usd: Decimal | None = None, config: Mapping[str, Any] | None = None, **models: Any) -> None:
        random.seed(7)
        faulty = Faulty(seed=1, models={name: FaultyModel.model_validate(spec) for name, spec in models.items()})
        self.provider = Provider(faulty, by_marker(lambda case: {"value": int(case)}), clock=now)
        self.client = Sent(self.provider)
        configs = {name: ModelConfig(model=f"openai/{name}", **(config or {})) for name in models}
        self.models = Models(configs, Budget(usd), lines=Lines(self.client))
        self.journal = MemoryJournal()

    async def do(self, step: Step, *, case: int = 5, vendor: str = "", **more: Any) -> Any:
        services = Services(f"job {case}", {}, self.models, self.journal, clock=now, **more)
        return await perform(step, [Page(case=case, vendor=vendor)], services)

    def sends(self, role: str) -> int:
        return self.provider.calls[role]["sends"]

    @property
    def asked(self) -> list[str]:
        """The sources of all attempts, in their order."""
        return [line.source for line in self.journal.attempts]
