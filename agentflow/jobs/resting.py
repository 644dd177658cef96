"""Where a run comes to rest: an outcome, verified and charged, or the person who is asked."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from agentflow.connectors.prepared import one_trip
from agentflow.engine.checkpoints import erase
from agentflow.engine.fencing import Fence
from agentflow.engine.graph import NOTES, Standing
from agentflow.errors import RunError
from agentflow.flow.pack import Pack
from agentflow.flow.step import label
from agentflow.jobs import transitions
from agentflow.jobs.tables import Job
from agentflow.jobs.verification import output_of, records_of, verified


def resting(
    pack: Pack, row: Job, fence: Fence, standing: Standing, seconds: float, definition: str
) -> Callable[[Session], Job]:
    """Writes down, in one transaction, how the run of a job stands that took these `seconds`.

    `definition` is the hash of what had to be true. Raises RunError where the run came to nothing, LeaseLost where the
    job is not held any more.
    """
    if not standing.outcome and not standing.questions:
        raise RunError(f"job {row.id} ended without an outcome; check that every join of the workflow can be reached")
    output, evidence = output_of(pack, standing.state, standing.outcome, standing.questions)
    known: dict[str, Any] = {
        "output": output,
        "evidence": evidence,
        "problems": _problems(standing),
        "questions": dict(standing.questions),
        "seconds": row.seconds + seconds,
        "answers": {},
    }

    def write(session: Session) -> Job:
        with one_trip(session.connection()):
            asked = transitions.spent(session.connection(), row.id)
            passed = transitions.passed(session.connection(), row.id)
        micros, models = asked()
        sources = sorted({*models, *(each["source"] for each in evidence.values())})
        values = {**known, "sources": sources, "cost_micros": micros}
        if not standing.outcome:
            return transitions.change(session, row.id, fence.number, {**values, "status": "awaiting_review"})
        result, records = standing.state[standing.outcome], records_of(pack, standing.state)
        told = {"result": result, "output": output, "sources": sources, "models": models}
        verification = verified(row, standing.outcome, told, passed(), records, definition)
        own = (label(pack.workflow.takes), standing.outcome)
        kept = {name: value for name, value in records.items() if name not in own}
        values["result"] = result
        return transitions.finish(session, row.id, verification, fence.number, kept, partial(erase, row.id), values)

    return write


def _problems(standing: Standing) -> list[Any]:
    asked = [reason for question in standing.questions.values() for reason in question["reasons"]]
    outcome: Mapping[str, Any] = standing.state[standing.outcome] if standing.outcome else {}
    told: list[Any] = outcome.get("problems", [])
    return [*asked, *standing.state.get(NOTES, []), *told]
