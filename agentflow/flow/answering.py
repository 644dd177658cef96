"""Answers: what a model sent back, made into the record that was asked for or into the fault that keeps it from one."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, RootModel, ValidationError

from agentflow.errors import AnswerError

A = TypeVar("A", bound=BaseModel)

FINISHED = ("stop", "tool_calls")
FINISHES = {"length": "truncated", "content_filter": "content_filter"}
_OPENS = re.compile(r'\{\s*["}]')


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

    Raises AnswerError where there is none: `not_json`, or `wrong_form` where an object is there but is no `answer`.
    """
    faults: list[str] = []
    for value in _objects(content):
        try:
            return answer.model_validate(_known(answer, value))
        except ValidationError as error:
            told = error.errors(include_input=False)[:8]
            faults.append("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in told))
        except AnswerError as error:
            faults.append(str(error))
    if faults:
        raise AnswerError(f"the answer is not of the asked form: {faults[0]}")
    raise AnswerError("the answer holds no JSON object", code="not_json")


def _known(answer: type[BaseModel], value: dict[str, Any]) -> dict[str, Any]:
    """The value. Raises AnswerError where it has none of the answer's fields: an example, or a part of something."""
    aliases = [info.validation_alias for info in answer.model_fields.values() if info.validation_alias is not None]
    names = {*answer.model_fields, *(alias for alias in aliases if isinstance(alias, str))}
    plain = all(isinstance(alias, str) for alias in aliases) and not issubclass(answer, RootModel)
    if value and plain and names.isdisjoint(value):
        raise AnswerError(f"it has {', '.join(list(value)[:8])} in place of {', '.join(answer.model_fields)}")
    return value


def _objects(content: str) -> Iterator[dict[str, Any]]:
    """The JSON objects; none after one that is broken, for what follows it may be a part of it."""
    decoder, place = json.JSONDecoder(), content.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(content, place)
            yield value
        except (ValueError, RecursionError):
            if _OPENS.match(content, place):
                return
            end = place + 1
        place = content.find("{", end)
