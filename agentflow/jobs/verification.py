"""Verification: the record that a charge rests on, complete enough to be replayed."""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from agentflow.engine.trace import said_by
from agentflow.engine.trust.figures import Figures
from agentflow.flow.check import Check, named_by
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step, label
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import Verification
from agentflow.jobs.tables import Attempt, Job

State = Mapping[str, Any]
"""Records as JSON, by their name."""
Left = Attempt | SimpleNamespace
"""An attempt after which something left its step, or a row of the same columns."""


def verified(
    job: Job, outcome: str, values: Mapping[str, Any], passed: Sequence[Left], state: State, definition: str
) -> Verification:
    """The record for a job that has reached an outcome: what got there has passed every check on its way.

    `values` are what the job is about to be given: its `result`, `output`, `sources` and `models`.
    """
    return Verification(
        id=new_id("vf"),
        job_id=job.id,
        tenant_id=job.tenant_id,
        outcome=outcome,
        verdict="pass",
        fault="none",
        checks=[entry_of(attempt) for attempt in passed],
        sources=values["sources"],
        models=dict(values["models"]),
        pack_version=job.pack_version,
        definition=definition,
        input_sha256=job.input_sha256,
        output_sha256=digest([values["result"], values["output"]]),
        records_sha256=digest(state),
        created_at=now(),
    )


def entry_of(attempt: Left) -> dict[str, Any]:
    """What a verification says of what left a step."""
    left = (attempt.weighed or {}).get("left")
    found = left["found"] if left else codes_of(attempt)
    return {
        "step": attempt.step,
        "item": attempt.item,
        "attempt": attempt.attempt,
        "source": left["source"] if left else attempt.source,
        "trust": attempt.trust_after,
        "checks": [{"check": name, "passed": True, "found": codes} for name, codes in found.items()],
    }


def codes_of(attempt: Left) -> dict[str, list[str]]:
    """By check that has seen the answer: the codes of the problems it found."""
    said = said_by(attempt.problems, attempt.weighed)
    return {name: sorted({problem["code"] for problem in found}) for name, found in said.items()}


def records_of(pack: Pack, state: State) -> dict[str, Any]:
    """The records in the state of a job, without what the engine keeps there for itself."""
    names = map(label, pack.workflow.records)
    return {name: state[name] for name in names if state.get(name) is not None}


def output_of(
    pack: Pack, state: State, outcome: str | None, questions: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What the customer gets, and the evidence by field: of a finished job the trusted record, else the proposal."""
    wanted = label(pack.delivers) if pack.delivers else outcome
    proposals = [q["value"] for q in questions.values() if q["type"] == wanted]
    found = proposals[0] if proposals else state.get(wanted or "")
    if found is None:
        return None, {}
    return {name: value for name, value in found.items() if name != "evidence"}, found.get("evidence") or {}


def definition_of(pack: Pack, figures: Figures) -> str:
    """sha256 of what has to be true of the pack's outcomes: table, policies, checks' own code, and figures used."""
    told = {
        "pack": [pack.name, pack.version, label(pack.workflow.takes), [label(one) for one in pack.workflow.gives]],
        "steps": [_step(step) for step in pack.workflow.steps],
        "figures": figures.model_dump(mode="json", exclude_unset=True),
    }
    return digest(told)


def digest(value: Any) -> str:
    """sha256 of JSON in canonical form."""
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "kind": step.kind,
        "reads": [label(one) for one in step.reads],
        "makes": [label(one) for one in step.makes],
        "policy": asdict(step.policy),
        "effect": step.effect,
        "checks": {name: [list(named_by(check)), _code(check)] for name, check in step.checks_by_name.items()},
    }


def _code(check: Check) -> str:
    """The check's own source text; what it calls is the pack's version's business."""
    try:
        return inspect.getsource(check)
    except (OSError, TypeError):
        return ""
