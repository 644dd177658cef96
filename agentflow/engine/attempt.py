"""Attempts: a step's sources are asked until what they make is trusted, or until a person has to look at it."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from agentflow.engine.answer import CODE, Services, by_code, by_model, checked, fetch, is_code, type_made
from agentflow.engine.answer import Binder as Binder
from agentflow.engine.trust import Accepted, Attempt, Doubted, Verdict
from agentflow.engine.trust.buying import CALL_SECONDS, DEARER, Need, Votes, cheapest, first_of, spared
from agentflow.engine.trust.evidence import Laws, believe, laws_of
from agentflow.engine.trust.law import Pattern
from agentflow.engine.trust.standing import MERGED, Standing, accepted, doubted, likeliest, stand
from agentflow.engine.trust.values import dump
from agentflow.engine.trust.verdict import accepts, conclude
from agentflow.flow.check import Problem, tied_by
from agentflow.flow.journal import AttemptLine
from agentflow.flow.policy import EffectKey
from agentflow.flow.step import Step, label, name_of

PATIENCE = {"refused": 1, "content_filter": 1, "truncated": 2, "too_many_calls": 2}
"""How often a source may have the same fault before the others are asked instead; any other as often as attempts go."""
GONE = {"model_unreachable", "budget_spent", "deadline"}
"""Faults after which a source is not asked again."""


async def perform(step: Step, reads: Sequence[Any], services: Services, item: int | None = None) -> Verdict:
    """Does `step` on the records it reads and says whether what it made may leave it.

    `item` is the position in the list of an `.each`. Raises what the step's own code raises.
    """
    if step.effect:
        return Accepted(await _effect(step, reads, services, item))
    case = Case(step, reads, services, item)
    verdict = await (case.first_sound() if step.policy.alpha is None else case.trusted(step.policy.alpha))
    return verdict if case.attempts or isinstance(verdict, Doubted) else Doubted((_nobody(step),))


async def _effect(step: Step, reads: Sequence[Any], services: Services, item: int | None) -> Any:
    key = effect_key(services.job, step.name, item)
    stored = await services.journal.begin_effect(key.value, step.name)
    if stored is not None:
        kind = next(made for made in step.signature.makes if label(made) == stored["type"])
        return kind.model_validate(stored["value"])
    made = await step.call(*reads, **fetch(step.signature.needs, services, key=key))
    kind = type_made(step, made)
    await services.journal.end_effect(key.value, {"type": label(kind), "value": made.model_dump(mode="json")})
    return made


def effect_key(job: str, step: str, item: int | None) -> EffectKey:
    """The key of a step's effect in a job: the same however often the job is resumed."""
    digest = hashlib.sha256(f"{job}\x1f{step}\x1f{'' if item is None else item}".encode())
    return EffectKey(digest.hexdigest())
