"""Attempts: a step's sources are asked in turn, and every answer is checked before it counts."""

import hashlib
import inspect
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agentflow.engine.trust import Accepted, Attempt, Doubted, Verdict, accepts, conclude
from agentflow.errors import AnswerError, BudgetError, ModelError, RunError, UnpricedError
from agentflow.flow.check import Check, Problem
from agentflow.flow.journal import Journal
from agentflow.flow.model import Model
from agentflow.flow.policy import EffectKey, JobId
from agentflow.flow.step import Step, as_list, checks_for, item_of, label, name_of, read_signature

CODE = "code"
"""The source of a step that asks no model."""


class Binder(Protocol):
    """Binds a role to its model for one attempt."""

    def bind(self, role: str, step: str, problems: Sequence[Problem], journal: Journal) -> Model | None:
        """None where no model is named for the role."""
        ...


@dataclass(frozen=True)
class Services:
    """What the steps of one job are given after the `*`."""

    job: str
    connectors: Mapping[type[Any], object]
    models: Binder
    journal: Journal


async def perform(step: Step, reads: Sequence[Any], services: Services, item: int | None = None) -> Verdict:
    """Does `step` on the records it reads and says whether what it made may leave it.

    `item` is the position in the list of an `.each`. Raises what the step's own code raises.
    """
    if step.effect:
        return Accepted(await _effect(step, reads, services, item))
    attempts: list[Attempt] = []
    async for attempt in _attempts(step, reads, services):
        attempts.append(attempt)
        if accepts(attempt):
            break
    return conclude(attempts) if attempts else Doubted((_nobody(step),))


async def _effect(step: Step, reads: Sequence[Any], services: Services, item: int | None) -> Any:
    key = effect_key(services.job, step.name, item)
    stored = await services.journal.begin_effect(key.value, step.name)
    if stored is not None:
        kind = next(made for made in step.signature.makes if label(made) == stored["type"])
        return kind.model_validate(stored["value"])
    made = await step.call(*reads, **_fetch(step.signature.needs, services, key=key))
    kind = type_made(step, made)
    await services.journal.end_effect(key.value, {"type": label(kind), "value": made.model_dump(mode="json")})
    return made


def effect_key(job: str, step: str, item: int | None) -> EffectKey:
    """The key of a step's effect in a job: the same however often the job is resumed."""
    digest = hashlib.sha256(f"{job}\x1f{step}\x1f{'' if item is None else item}".encode())
    return EffectKey(digest.hexdigest())


async def _attempts(step: Step, reads: Sequence[Any], services: Services) -> AsyncIterator[Attempt]:
    for role in step.policy.ladder or (CODE,):
        rung = (
            _by_code(step, role, reads, services)
            if role in (CODE, *step.sources)
            else _by_model(step, role, reads, services)
        )
        async for attempt in rung:
            yield attempt


async def _by_code(step: Step, role: str, reads: Sequence[Any], services: Services) -> AsyncIterator[Attempt]:
    call = step.sources.get(role, step.call)
    made = await call(*reads, **_fetch(read_signature(call).needs, services))
    yield await _checked(step, role, made, reads, services)


async def _by_model(step: Step, role: str, reads: Sequence[Any], services: Services) -> AsyncIterator[Attempt]:
    problems: tuple[Problem, ...] = ()
    for _ in range(step.policy.max_attempts):
        model = services.models.bind(role, step.name, problems, services.journal)
        if model is None:
            return
        try:
            made = await step.call(*reads, **_fetch(step.signature.needs, services, model=model))
        except AnswerError as error:
            attempt = Attempt(role, None, (_fault("no_valid_answer", role, error),))
        except BudgetError as error:
            yield Attempt(role, None, (_fault("budget_spent", role, error),))
            return
        except UnpricedError:
            raise
        except ModelError as error:
            yield Attempt(role, None, (_fault("model_unreachable", role, error),))
            return
        else:
            attempt = await _checked(step, role, made, reads, services)
        yield attempt
        problems = attempt.problems


async def _checked(step: Step, source: str, made: Any, reads: Sequence[Any], services: Services) -> Attempt:
    kind = type_made(step, made)
    if as_list(made) is not None:
        return Attempt(source, made)
    problems: list[Problem] = []
    for check in checks_for(step, kind):
        problems += await _run_check(check, made, reads, services)
    return Attempt(source, made, tuple(problems))


async def _run_check(check: Check, made: Any, reads: Sequence[Any], services: Services) -> Iterable[Problem]:
    signature = read_signature(check)
    others = [next(r for r in reads if isinstance(r, kind)) for kind in signature.reads[1:]]
    try:
        found = check(made, *others, **_fetch(signature.needs, services))
        return list(await found if inspect.isawaitable(found) else found)
    except Exception as error:  # noqa: BLE001 - a check that fails proves nothing: the record stays in its step
        text = f"the check {name_of(check)} failed with {type(error).__name__}: {error}; look at the record yourself"
        return [Problem(code="check_failed", message=text)]


def _fetch(
    needs: Mapping[str, Any], services: Services, *, model: Model | None = None, key: Any = None
) -> dict[str, Any]:
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


def _fault(code: str, role: str, error: Exception) -> Problem:
    return Problem(code=code, message=f"{role}: {error}")


def _nobody(step: Step) -> Problem:
    roles = ", ".join(step.policy.ladder)
    return Problem(
        code="no_model", message=f"none of {roles} is named in models.toml; name one, or do {step.name} by hand"
    )
