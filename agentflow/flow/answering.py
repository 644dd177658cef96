"""Answers: what a model sent back, made into the record that was asked for or into the fault that keeps it from one."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agentflow.errors import AnswerError

A = TypeVar("A", bound=BaseModel)

FINISHED = ("stop", "tool_calls")
FINISHES = {"length": "truncated", "content_filter": "content_filter"}


def fault_of(finish: str | None, refusal: str | None, content: str | None) -> str | None:
    """Why an answer is of no use before its content is looked at; None where it may be of use.

    `refused`, `content_filter`, `truncated` (it ran into max_tokens) or `empty`.
    """
    if refusal:
        return "refused"
    if finish not in FINISHED:
        return FINISHES.get(finish or "", f"finish_reason={finish}")
    return None if content else "empty"


def parse_answer(answer: type[A], content: str) -> A:
    """The first JSON object in `content` that is an `answer`, whatever prose stands around it.

    Raises AnswerError where there is none.
    """
    faults: list[str] = []
    for value in _objects(content):
        try:
            return answer.model_validate(value)
        except ValidationError as error:
            told = error.errors(include_input=False)[:8]
            faults.append("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in told))
    if faults:
        raise AnswerError(f"the answer is not of the asked form: {faults[0]}")
    raise AnswerError("the answer holds no JSON object")


def _objects(content: str) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(), content.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(content, place)
            yield value
        except ValueError:
            end = place + 1
        place = content.find("{", end)
