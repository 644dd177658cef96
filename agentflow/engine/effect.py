"""Effects: a step that changes the world is done once by its key, whatever crashes and is resumed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentflow.engine.answer import CODE, Services, bounded, by_model, fetch, nobody, signature_of, type_made
from agentflow.engine.trace import Meter, line_of, new_id, raised
from agentflow.engine.trust import Accepted, Attempt, Doubted, Verdict
from agentflow.flow.policy import EffectKey
from agentflow.flow.step import Step, label, place_of

LOOKUP = "lookup"
"""The source of what an earlier run made, where it ended before it could say so."""


async def once(step: Step, reads: Sequence[Any], services: Services, item: int | None) -> Verdict:
    """What the effect made, now or in an earlier run of the job.

    One that an earlier run has begun and not ended is looked up by its key before it is done again. A model is asked
    once, never for a vote; where it gives no answer a person does the rest. Raises what the step's own code raises.
    """
    key = effect_key(services.job, step.name, item)
    begun = await services.journal.begin_effect(key.value, step.name)
    if begun.made is not None:
        return Accepted(_stored(step, begun.made))
    attempt = await _attempt(step, reads, services, item, key, again=begun.again)
    if attempt is None:
        return Doubted((nobody(step),))
    line, made = line_of(step, item, 1, attempt, accepted=attempt.made is not None), attempt.made
    if made is None:
        await services.journal.attempt(line)
        return Doubted(attempt.problems)
    value = {"type": label(type_made(step, made)), "value": made.model_dump(mode="json")}
    await services.journal.end_effect(key.value, value, line)
    return Accepted(made)


def effect_key(job: str, step: str, item: int | None) -> EffectKey:
    """The key of a step's effect in a job: the same however often the job is resumed."""
    digest = hashlib.sha256(f"{job}\x1f{step}\x1f{'' if item is None else item}".encode())
    return EffectKey(digest.hexdigest())


async def _attempt(
    step: Step, reads: Sequence[Any], services: Services, item: int | None, key: EffectKey, *, again: bool
) -> Attempt | None:
    began, meter = services.clock(), Meter(services.journal, new_id())
    metered = replace(services, journal=meter, models=bounded(services.models, step.policy))
    try:
        attempt = await _done(step, reads, metered, key, again=again)
    except Exception as error:
        failed = raised(_source(step), error, services.clock() - began)
        await services.journal.attempt(line_of(step, item, 1, replace(failed, cost=meter.cost, asked=meter.asked)))
        raise
    seconds = services.clock() - began
    return attempt and replace(attempt, seconds=seconds, cost=meter.cost, asked=meter.asked)


async def _done(step: Step, reads: Sequence[Any], services: Services, key: EffectKey, *, again: bool) -> Attempt | None:
    if again and (found := await _looked_up(step, reads, services, key)) is not None:
        type_made(step, found)
        return Attempt(LOOKUP, found)
    if step.policy.ladder:
        return await by_model(step, _source(step), reads, services, key=key)
    made = await step.call(*reads, **fetch(step.signature.needs, services, key=key))
    type_made(step, made)
    return Attempt(CODE, made)


async def _looked_up(step: Step, reads: Sequence[Any], services: Services, key: EffectKey) -> Any:
    """What the effect's system says that the key made; None where it made nothing, or there is no way to ask."""
    if step.lookup is None:
        return None
    signature = signature_of(step.lookup)
    places = (place_of(kind, step.signature.reads) for kind in signature.reads)
    shown = [reads[place] for place in places if place is not None]
    return await step.lookup(*shown, **fetch(signature.needs, services, key=key))


def _source(step: Step) -> str:
    return step.policy.ladder[0] if step.policy.ladder else CODE


def _stored(step: Step, made: Mapping[str, Any]) -> Any:
    kind = next(kind for kind in step.signature.makes if label(kind) == made["type"])
    return kind.model_validate(made["value"])
