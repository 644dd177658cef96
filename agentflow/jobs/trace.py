"""A job's trace as plain data: its runs, the steps of each, their attempts, and the calls made for them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agentflow.engine.trace import ASKED, PERSON, RAISED
from agentflow.jobs.promises import is_mark
from agentflow.jobs.store import Store, dollars
from agentflow.jobs.tables import Attempt, Cost, Job

ENDS = {"accepted": "accepted", "asked": "a person was asked", "failed": "failed", "open": "not ended"}
"""How a step ended, in words."""


async def trace_of(store: Store, job: Job) -> Mapping[str, Any]:
    """The job with everything that was tried for it.

    `runs` are the times it was carried on: each has `steps` in the order in which they were begun, a step its
    `attempts`, an attempt its `calls`. `unfinished` are calls whose attempt never came to an end.
    """
    attempts = [attempt for attempt in await store.attempts(job.id) if not is_mark(attempt)]
    calls = await store.calls(job.id)
    made_for: dict[str | None, list[Cost]] = {}
    for call in calls:
        made_for.setdefault(call.attempt, []).append(call)
    runs = [_run(run, attempts, made_for) for run in dict.fromkeys(attempt.run for attempt in attempts)]
    known = {attempt.attempt for attempt in attempts}
    return {
        "job": job.id,
        "pack": job.pack,
        "pack_version": job.pack_version,
        "input": job.input_name,
        "status": job.status,
        "outcome": job.outcome,
        "output": job.output,
        "evidence": job.evidence or {},
        "problems": job.problems,
        "cost": str(dollars(sum(call.cost_micros for call in calls))),
        "seconds": round(job.seconds, 3),
        "runs": runs,
        "unfinished": [_call(call) for call in calls if call.attempt not in known],
    }


def _run(run: str, attempts: Sequence[Attempt], calls: Mapping[str | None, Sequence[Cost]]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    latest: dict[tuple[str, int | None], dict[str, Any]] = {}
    for attempt in attempts:
        if attempt.run != run:
            continue
        place = (attempt.step, attempt.item)
        step = latest.get(place)
        if step is None or step["end"] != "open":  # a loop comes by again
            step = latest[place] = dict[str, Any](step=attempt.step, item=attempt.item, end="open", attempts=[])
            steps.append(step)
        step["end"] = _end(attempt)
        step["attempts"].append(_attempt(attempt, calls.get(attempt.attempt, ())))
    return {"run": run, "began": _began(run), "steps": steps}


def _end(attempt: Attempt) -> str:
    if attempt.accepted:
        return "accepted"
    return {ASKED: "asked", RAISED: "failed"}.get(attempt.fault or "", "open")


def _began(run: str) -> str:
    """When the run began, by its id."""
    milliseconds = int(run.partition("_")[2][:12], 16)
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _attempt(attempt: Attempt, calls: Sequence[Cost]) -> dict[str, Any]:
    return {
        "attempt": attempt.attempt,
        "number": None if attempt.source == PERSON else attempt.number,
        "source": attempt.source,
        "model": attempt.model,
        "prompt": attempt.prompt,
        "fault": attempt.fault,
        "problems": attempt.problems,
        "trust_before": attempt.trust_before,
        "trust_after": attempt.trust_after,
        "accepted": attempt.accepted,
        "made": attempt.made,
        "output": attempt.output,
        "tokens_in": attempt.tokens_in,
        "tokens_out": attempt.tokens_out,
        "cost": str(dollars(attempt.cost_micros)),
        "seconds": round(attempt.seconds, 3),
        "calls": [_call(call) for call in calls],
    }


def _call(call: Cost) -> dict[str, Any]:
    return {
        "call": call.call,
        "step": call.step,
        "role": call.role,
        "model": call.model,
        "prompt": call.prompt,
        "fault": call.fault,
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "cost": str(dollars(call.cost_micros)),
        "seconds": round(call.seconds, 3),
    }
