"""The OpenAI chat format: what comes in as a request, what goes out as a completion, in one piece or in chunks."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agentflow.testing.chance import digest
from agentflow.testing.request import Reply, Request, ToolCall
from agentflow.testing.spec import FaultyModel

CHUNK = 24
"""Characters in a piece of a streamed answer."""


class Body(BaseModel):
    """What is read of a chat completion's request; what is not named here is taken and ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[dict[str, Any]]
    temperature: float | None = 1.0
    seed: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    response_format: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    logprobs: bool | None = False
    n: Literal[1] | None = 1


def read_request(body: Body) -> Request:
    """The question in a chat completion's request."""
    form, schema, forced = _form(body)
    contents = [(message.get("role"), *_content(message)) for message in body.messages]
    system = "\n\n".join(text for role, text, _ in contents if role in ("system", "developer"))
    if not form:
        form, schema = _told_form(system)
    return Request(
        model=body.model,
        text="\n\n".join(text for role, text, _ in contents if role == "user"),
        instructions=system,
        form=form,
        schema=schema,
        variant=variant_of(body.messages),
        temperature=1.0 if body.temperature is None else body.temperature,
        seed=body.seed,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        images=tuple(image for *_, images in contents for image in images),
        tools=dict(_tools(body)),
        forced=forced,
        turn=sum(1 for message in body.messages if message.get("tool_calls")),
    )


def variant_of(messages: Sequence[Mapping[str, Any]]) -> int:
    """The hash of the messages, the names of earlier tool calls left out: they are made up."""
    told = [{k: v for k, v in message.items() if k != "tool_call_id"} for message in messages]
    for message in told:
        if calls := message.get("tool_calls"):
            message["tool_calls"] = [call.get("function") for call in calls]
    return digest(json.dumps(told, sort_keys=True))


def completion(request: Request, reply: Reply, spec: FaultyModel, number: int, *, logprobs: bool) -> dict[str, Any]:
    """The body of an answer in one piece. `number` makes its id."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
    if reply.calls:
        message["tool_calls"] = [_call(number, place, call) for place, call in enumerate(reply.calls)]
    sure = _logprobs(reply) if logprobs else None
    choice = {"index": 0, "message": message, "finish_reason": reply.finish, "logprobs": sure}
    return {**_head(request, "chat.completion", number), "choices": [choice], "usage": usage(reply, spec)}


def chunks(
    request: Request, reply: Reply, spec: FaultyModel, number: int, *, with_usage: bool
) -> Iterator[dict[str, Any]]:
    """The pieces of a streamed answer."""
    head = _head(request, "chat.completion.chunk", number)
    yield _chunk(head, {"role": "assistant", "content": None if reply.calls else ""})
    for delta in _deltas(reply, number):
        yield _chunk(head, delta)
    yield _chunk(head, {}, reply.finish)
    if with_usage:
        yield {**head, "choices": [], "usage": usage(reply, spec)}


def usage(reply: Reply, spec: FaultyModel) -> dict[str, int]:
    """Tokens read and written; a model with a price a call counts one token an answer."""
    read, wrote = (reply.tokens_in, reply.tokens_out) if spec.price.call is None else (0, 1)
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


def failure(status: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    kinds = {400: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}
    codes = {404: "model_not_found", 429: "rate_limit_exceeded"}
    error = {"message": message, "type": kinds.get(status, "server_error"), "param": None, "code": codes.get(status)}
    return {"error": error}


def _form(body: Body) -> tuple[str, dict[str, Any], str | None]:
    """Name and schema of the asked form, and the tool that must be called."""
    asked: dict[str, Any] = (body.response_format or {}).get("json_schema") or {}
    if asked:
        return str(asked.get("name", "")), asked.get("schema") or {}, None
    tools = dict(_tools(body))
    if isinstance(body.tool_choice, dict):
        name = str(body.tool_choice.get("function", {}).get("name", ""))
        return name, tools.get(name, {}), name
    if body.tool_choice in ("required", "any") and len(tools) == 1:
        name, schema = next(iter(tools.items()))
        return name, schema, name
    return "", {}, None


def _told_form(system: str) -> tuple[str, dict[str, Any]]:
    """The form by the JSON Schema that the system message holds, where it holds one."""
    place = system.find('{"')
    while place >= 0:
        try:
            schema: Any = json.JSONDecoder().raw_decode(system, place)[0]
        except ValueError:
            schema = None
        if isinstance(schema, dict) and "properties" in schema:
            found: dict[str, Any] = {**schema}
            return str(found.get("title", "")), found
        place = system.find('{"', place + 1)
    return "", {}


def _tools(body: Body) -> Iterator[tuple[str, dict[str, Any]]]:
    for tool in body.tools or ():
        function: dict[str, Any] = tool.get("function") or {}
        yield str(function.get("name", "")), function.get("parameters") or {}


def _content(message: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The text of a message and the hashes of its pictures."""
    content: Any = message.get("content") or ""
    parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [str(part.get("text", "")) for part in parts if part.get("type") == "text"]
    return "\n".join(texts), [_hash(part) for part in parts if part.get("type") == "image_url"]


def _hash(part: Mapping[str, Any]) -> str:
    url = str(part.get("image_url", {}).get("url", ""))
    try:
        data = base64.b64decode(url.partition(";base64,")[2], validate=True)
    except binascii.Error:
        data = url.encode()
    return hashlib.sha256(data or url.encode()).hexdigest()


def _head(request: Request, kind: str, number: int) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 0, "model": request.model}


def _call(number: int, place: int, call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{number}_{place}", "type": "function", "function": function}


def _logprobs(reply: Reply) -> dict[str, Any]:
    """One token that is the whole answer, with the logarithm of what the model says of P(right)."""
    sure = log(min(max(reply.confidence, 1e-12), 1.0))
    return {"content": [{"token": reply.content or "", "logprob": sure, "bytes": None, "top_logprobs": []}]}


def _deltas(reply: Reply, number: int) -> Iterator[dict[str, Any]]:
    for place, call in enumerate(reply.calls):
        whole = _call(number, place, ToolCall(call.name, ""))
        yield {"tool_calls": [{"index": place, **whole}]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}
    for piece in pieces(reply.content or ""):
        yield {"content": piece}
    if reply.refusal:
        yield {"refusal": reply.refusal}


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of a few words."""
    return (text[i : i + CHUNK] for i in range(0, len(text), CHUNK))


def _chunk(head: Mapping[str, Any], delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]}
