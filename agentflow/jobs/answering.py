"""A person's answer: whether it fits what a job asks."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agentflow.errors import RunError
from agentflow.flow.pack import Pack
from agentflow.jobs.tables import Job


def answered(
    pack: Pack, row: Job, answer: str, value: Mapping[str, Any], question: str | None = None
) -> dict[str, Any]:
    """The answer by question id, as a step reads it. Raises RunError where the job asks nothing of that kind."""
    asked = _asked(row, question)
    if answer not in row.questions[asked]["answers"]:
        names = ", ".join(row.questions[asked]["answers"])
        raise RunError(f"job {row.id} cannot be answered with {answer}; it takes {names}")
    return {asked: {"type": answer, "value": _valid(pack, answer, value)}}


def _asked(row: Job, question: str | None) -> str:
    if question is None and len(row.questions) == 1:
        return next(iter(row.questions))
    if question in row.questions:
        return question
    if not row.questions:
        raise RunError(f"job {row.id} is {row.status} and asks nothing")
    raise RunError(f"job {row.id} asks {len(row.questions)} questions; name one of {', '.join(row.questions)}")


def _valid(pack: Pack, answer: str, value: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return pack.workflow.record(answer).model_validate(value).model_dump(mode="json")
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise RunError(f"the answer is no valid {answer}: {found}") from error
