"""One answer: a source is asked once, clean of what came before, and what it makes is checked."""

import inspect
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, Self, TypeGuard, cast

from pydantic import BaseModel

from agentflow.engine.trust import Attempt
from agentflow.engine.trust.figures import Figures
from agentflow.engine.wire import BUSY
from agentflow.errors import AnswerError, BudgetError, CostError, DeadlineError, ModelError, RunError, UnpricedError
from agentflow.flow.check import Check, Problem, asked_by
from agentflow.flow.journal import Journal
from agentflow.flow.model import Model
from agentflow.flow.policy import EffectKey, JobId, Policy
from agentflow.flow.step import Step, as_list, item_of, label, name_of, place_of, read_signature

signature_of = lru_cache(1024)(read_signature)
"""Reading types takes longer than most checks do."""

CODE = "code"
"""The source of a step that asks no model."""

CHECK_FAILED = "check_failed"
"""The code of the problem that a check which raises leaves."""

ASSUMED = Figures()
"""Priors alone."""


class Binder(Protocol):
    """Binds a role to its model for one attempt."""

    def bind(
        self, role: str, step: str, problems: Sequence[Problem], journal: Journal, variant: int = 0
    ) -> Model | None:
        """None where no model is named for the role.

        `variant` 0 asks as configured; any other number is a draw of its own, never a replay of an earlier answer.
        """
        ...


class Bounded(Binder, Protocol):
    """A binder that holds its models to money and time, and sets both aside before each call."""

    @property
    def seconds_left(self) -> float:
        """Until the deadline of the job, or of the run; endless where there is none."""
        ...

    def within(
        self, *, usd: Decimal | None = None, seconds: float | None = None, refused: type[BudgetError] = BudgetError
    ) -> Self:
        """The same models for a step with so much money and time of its own; `refused` is raised where money ends."""
        ...

    def alike(self, one: str, other: str) -> bool:
        """Whether two roles are one model, so that both together say no more than it alone."""
        ...


def is_bounded(models: Binder) -> TypeGuard[Bounded]:
    """Whether they hold their models to money and time; `isinstance` takes far longer to say so."""
    return _bounds(type(models))


@lru_cache(256)
def _bounds(kind: type[Binder]) -> bool:
    return all(hasattr(kind, name) for name in ("seconds_left", "within", "alike"))


@dataclass(frozen=True)
class Services:
    """What the steps of one job are given after the `*`, and what its answers are weighed by."""

    job: str
    connectors: Mapping[type[Any], object]
    models: Binder
    journal: Journal
    figures: Figures = ASSUMED
    clock: Callable[[], float] = field(default=time.monotonic)
    """Seconds that deadlines go by; never the wall clock, which may jump."""


def bounded(models: Binder, policy: Policy) -> Binder:
    """The models held to a step's own money and time, where they can be."""
    if (policy.budget is not None or policy.deadline is not None) and is_bounded(models):
        return models.within(usd=policy.budget, seconds=policy.deadline)
    return models


def nobody(step: Step) -> Problem:
    """Why there is no answer where no role of the ladder has a model."""
    roles = ", ".join(step.policy.ladder)
    return Problem(
        code="no_model", message=f"none of {roles} is named in models.toml; name one, or do {step.name} by hand"
    )


def unmeasured(step: Step) -> Problem:
    """What a person is told beside a trust that follows from priors alone."""
    text = (
        f"How often the sources of {step.name} err was never measured: their trust is assumed, and low to be safe. "
        "An exam on documents whose values are known writes calibration.json and lets more pass by itself."
    )
    return Problem(code="not_measured", message=text, severity="note")


def is_code(step: Step, source: str) -> bool:
    """Whether the source is a function of the pack's and no model."""
    return source == CODE or source in step.sources


async def by_code(step: Step, source: str, reads: Sequence[Any], services: Services) -> Attempt:
    """What a function makes of the records. Raises what it raises."""
    call = step.sources.get(source, step.call)
    made = await call(*reads, **fetch(signature_of(call).needs, services))
    return await checked(step, source, made, reads, services)


async def by_model(
    step: Step,
    role: str,
    reads: Sequence[Any],
    services: Services,
    problems: Sequence[Problem] = (),
    variant: int = 0,
    key: EffectKey | None = None,
) -> Attempt | None:
    """What the step makes with the role's model, or the fault that kept it from that; None where there is no model.

    The model is told `problems`, and nothing else of earlier attempts.
    """
    model = services.models.bind(role, step.name, problems, services.journal, variant)
    if model is None:
        return None
    try:
        made = await step.call(*reads, **fetch(step.signature.needs, services, model=model, key=key))
    except (UnpricedError, CostError):
        raise
    except (ModelError, BudgetError, DeadlineError) as error:
        fault, code = _fault(error)
        return Attempt(role, None, (Problem(code=code, message=f"{role}: {error}"),), fault=fault, away=_away(error))
    return await checked(step, role, made, reads, services)


def _away(error: Exception) -> float | None:
    """Seconds after which the model may answer again, 0 where it does not say; None where it is not just away."""
    if not isinstance(error, ModelError) or isinstance(error, AnswerError):
        return None
    return error.retry_after if error.retry_after is not None else (0.0 if error.status in BUSY else None)


def _fault(error: Exception) -> tuple[str, str]:
    """The fault, and the reason code that a person is given."""
    match error:
        case AnswerError():
            return error.code, "no_valid_answer"
        case BudgetError():
            return "budget_spent", "budget_spent"
        case DeadlineError():
            return "deadline", "deadline"
        case _:
            return "model_unreachable", "model_unreachable"


async def checked(
    step: Step, source: str, made: Any, reads: Sequence[Any], services: Services, makers: Collection[str] = ()
) -> Attempt:
    """What a source made, with what the step's checks say of it. `makers` are the sources that had a part in it."""
    kind = type_made(step, made)
    said: dict[str, tuple[Problem, ...]] = {}
    if as_list(made) is None:
        for name, check in step.checks_by_name.items():
            if not issubclass(kind, signature_of(check).reads[0]):
                continue
            judge = None
            if asked_by(check):
                judge = _judge(step, check, makers or {source}, services)
                if judge is None:
                    continue
            said[name] = await run_check(step, check, made, reads, services, judge)
    problems = tuple(problem for found in said.values() for problem in found)
    return Attempt(source, made, problems, said)


def _judge(step: Step, check: Check, makers: Collection[str], services: Services) -> Model | None:
    """A model that had no part in what it is to judge."""
    others = [role for role in asked_by(check) if not any(_alike(services.models, role, one) for one in makers)]
    models = (services.models.bind(role, step.name, (), services.journal) for role in others)
    return next((model for model in models if model is not None), None)


def _alike(models: Binder, one: str, other: str) -> bool:
    """Whether two roles are one model, under one name or under two."""
    return one == other or (is_bounded(models) and models.alike(one, other))


async def run_check(
    step: Step, check: Check, made: Any, reads: Sequence[Any], services: Services, judge: Model | None = None
) -> tuple[Problem, ...]:
    """What one of the step's checks says of what was made; a problem of its own where it fails."""
    signature = signature_of(check)
    places = [place_of(kind, step.signature.reads) for kind in signature.reads[1:]]
    try:
        others = [reads[place] for place in places if place is not None]
        # A copy each: what a check does to its record is to reach neither the next check nor what leaves the step.
        found = check(deepcopy(made), *others, **fetch(signature.needs, services, model=judge))
        return _listed(await found if inspect.isawaitable(found) else found)
    except Exception as error:  # noqa: BLE001 - a check that fails proves nothing: the record stays in its step
        text = f"the check {name_of(check)} failed with {type(error).__name__}: {error}; look at the record yourself"
        return (Problem(code=CHECK_FAILED, message=text),)


def _listed(found: Any) -> tuple[Problem, ...]:
    """What a check returned. Raises TypeError where that is no list of problems."""
    listed: tuple[Any, ...] | None = None
    if isinstance(found, Iterable) and not isinstance(found, str | BaseModel | Mapping):
        listed = tuple(cast("Iterable[Any]", found))
    wrong = None if listed is None else next((one for one in listed if not isinstance(one, Problem)), None)
    if listed is not None and wrong is None:
        return listed
    what = _a(cast("object", found)) if listed is None else f"{_a(cast('object', found))} that holds {_a(wrong)}"
    raise TypeError(f"it returned {what}; let it return a list of Problem, [] where nothing is wrong")


def _a(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def fetch(
    needs: Mapping[str, Any], services: Services, *, model: Model | None = None, key: Any = None
) -> dict[str, Any]:
    """What a function asks for after the `*`. Raises RunError where there is nothing to give."""
    given: dict[Any, Any] = {**services.connectors, Model: model, EffectKey: key, JobId: JobId(services.job)}
    missing = [f"{name}: {label(kind)}" for name, kind in needs.items() if kind not in given]
    if missing:
        raise RunError(f"nothing to give for {', '.join(missing)}; name the connector in the pack's connectors=")
    return {name: given[kind] for name, kind in needs.items()}


def type_made(step: Step, made: Any) -> Any:
    """Which of the record types that the step's function names `made` is. Raises RunError where it is none."""
    for kind in step.signature.makes:
        if item_of(kind) is not None:
            if all(isinstance(one, item_of(kind)) for one in as_list(made) or ([None] if made != [] else [])):
                return kind
        elif type(made) is kind:
            return kind
    names = " | ".join(label(kind) for kind in step.signature.makes)
    raise RunError(f"{step.name} returned {type(made).__name__}, but says that it returns {names}")
