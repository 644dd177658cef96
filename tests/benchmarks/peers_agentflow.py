"""agentflow as a contestant: its own graph, its own layer, models over litellm."""

import asyncio
import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentflow.engine.answer import Services, by_model
from agentflow.engine.attempt import perform
from agentflow.engine.checkpoints import memory_saver
from agentflow.engine.graph import Graph
from agentflow.engine.models import Lines, ModelConfig, Models
from agentflow.engine.trust import Verdict
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import (
    CheckFigures,
    FieldFigures,
    Figures,
    SourceFigures,
    StepFigures,
    known,
    pair,
)
from agentflow.engine.trust.observing import Observation, observed
from agentflow.flow.check import tied_by
from agentflow.flow.model import Model
from agentflow.flow.policy import Policy
from agentflow.flow.step import Step, label, name_of
from agentflow.flow.workflow import Workflow, workflow
from agentflow.testing import MemoryJournal
from tests.benchmarks.peers_task import (
    CHECKS,
    INSTRUCTIONS,
    LARGE,
    ONE_STEP,
    SMALL,
    Case,
    Dates,
    Order,
    Page,
    Parties,
    Totals,
    World,
)

TRIALS = 3
"""How often the exam asks a model the same."""
EXAM_AT_ONCE = 16

Answer = Callable[[Case], Coroutine[Any, Any, Mapping[str, Any] | None]]
"""What a framework makes of a case, by the name of the form; None where it gives it up or asks a person."""


async def read_order(page: Page, *, model: Model) -> Order:
    """The whole head in one answer."""
    return await model.ask(Order, INSTRUCTIONS, page.text)


async def read_parties(page: Page, *, model: Model) -> Parties:
    """The first of three answers."""
    return await model.ask(Parties, INSTRUCTIONS, page.text)


async def read_totals(parties: Parties, page: Page, *, model: Model) -> Totals:
    """The second of three answers."""
    return await model.ask(Totals, INSTRUCTIONS, page.text)


async def read_dates(totals: Totals, page: Page, *, model: Model) -> Dates:
    """The last of three answers."""
    return await model.ask(Dates, INSTRUCTIONS, page.text)


def one_step(policy: Policy) -> Workflow[Page, Order]:
    """The workflow of one step."""
    return workflow("order", takes=Page, gives=Order).step(read_order, policy=policy, checks=CHECKS[Order]).build()


def three_steps(policy: Policy) -> Workflow[Page, Dates]:
    """The workflow of three steps."""
    return (
        workflow("order", takes=Page, gives=Dates)
        .step(read_parties, policy=policy)
        .step(read_totals, policy=policy, checks=CHECKS[Totals])
        .step(read_dates, policy=policy, checks=CHECKS[Dates])
        .build()
    )


@dataclass(frozen=True)
class Setup:
    """How agentflow is set up for a run."""

    ladder: tuple[str, ...]
    alpha: float | None
    figures: Figures
    tries: int
    steps: Sequence[type[Any]] = ONE_STEP


def agentflow(models_toml: str, setup: Setup) -> Answer:
    """agentflow as its README sets it up: a workflow, a policy, models.toml."""
    policy = Policy(ladder=setup.ladder, alpha=setup.alpha, max_attempts=setup.tries)
    table = one_step(policy) if len(setup.steps) == 1 else three_steps(policy)
    models, graph = _models(models_toml), Graph(table)

    async def answer(case: Case) -> Mapping[str, Any] | None:
        services = Services(f"job-{case.name}", {}, models, MemoryJournal(keep_lines=False), setup.figures)

        async def do(step: Any, reads: Sequence[Any], item: int | None) -> Verdict:
            return await perform(step, reads, services, item)

        standing = await graph.start(case.name, memory_saver(), do, Page(text=case.text))
        if standing.outcome is None:
            return None
        return {label(form): form.model_validate(standing.state[label(form)]) for form in setup.steps}

    return answer


def known_figures(world: World, forms: Sequence[type[Any]]) -> Figures:
    """The figures that the models' law has: what an endless exam would count."""
    names = {Order: "read_order", Parties: "read_parties", Totals: "read_totals", Dates: "read_dates"}
    return Figures(steps={names[form]: _step_figures(world, form) for form in forms})


def _step_figures(world: World, form: type[Any]) -> StepFigures:
    sources = {name: _source(world, name, len(form.model_fields)) for name in (SMALL, LARGE)}
    shared = {pair(SMALL, LARGE): known(world.overlap)}
    identities = {"adds_up": CheckFigures(catch=known(1 - 1e-6), alarm=known(0))}
    return StepFigures(every=FieldFigures(sources=sources, shared=shared), identities=identities)


def _source(world: World, name: str, fields: int) -> SourceFigures:
    """A mistake falls on any field alike."""
    spec = world.faulty(0).models[name]
    form, slip, systematic = (spec.error * share for share in spec.split)
    lost = spec.wire.cut_json + spec.faults.refusal
    return SourceFigures(
        systematic=known(systematic / fields),
        slip=known(slip / fields / (1 - systematic - form)),
        fault=known(1 - (1 - form / (1 - systematic)) * (1 - lost)),
        abstain=known(0),
        spread=None,
        wrong_values=1,
    )


def no_figures() -> Figures:
    """Priors alone."""
    return Figures()


async def estimated_figures(models_toml: str, forms: Sequence[type[Any]], cases: Sequence[Case]) -> Figures:
    """The figures that an exam of these cases gives: every model is asked every step of each a few times."""
    table = one_step(Policy(ladder=(SMALL,))) if len(forms) == 1 else three_steps(Policy(ladder=(SMALL,)))
    models, gate = _models(models_toml), asyncio.Semaphore(EXAM_AT_ONCE)

    async def ask(step: Step, form: type[Any], case: Case, role: str, trial: int) -> list[Observation]:
        page, journal = Page(text=case.text), MemoryJournal(keep_lines=False)
        services = Services(f"exam-{case.name}", {}, models, journal, no_figures())
        before = forms[: list(forms).index(form)]
        reads = [*(case.right(one) for one in before[-1:]), page]
        async with gate:
            attempt = await by_model(step, role, reads, services, (), trial)
        paid = None if attempt is None else replace(attempt, cost=journal.cost)
        return [] if paid is None else observed(case.name, trial, paid, case.right(form), _ties(form))

    steps: dict[str, StepFigures] = {}
    for step, form in zip(table.steps, forms, strict=True):
        asked = [ask(step, form, case, role, n) for case in cases for role in (SMALL, LARGE) for n in range(TRIALS)]
        rows = [row for found in await asyncio.gather(*asked) for row in found]
        steps[step.name] = estimate(rows, ties=_ties(form))
    return Figures(steps=steps)


def _ties(form: type[Any]) -> dict[str, tuple[str, ...]]:
    return {name_of(check): tied for check in CHECKS[form] if (tied := tied_by(check))}


def _models(models_toml: str) -> Models:
    configs = {role: ModelConfig.model_validate(told) for role, told in tomllib.loads(models_toml).items()}
    return Models(configs, lines=Lines())
