"""litellm's calls without litellm and without HTTP: the same answers, and errors with the same names and states."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar, cast

from agentflow.testing.chat import Body, completion, read_request
from agentflow.testing.provider import Answered, Provider
from agentflow.testing.request import Request
from agentflow.testing.spec import FaultyModel

MILLION = 1_000_000


class WireError(Exception):
    """What a send failed with; named and numbered as litellm does for an OpenAI-style server."""

    status_code: ClassVar[int] = 500

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status or self.status_code
        self.litellm_response_headers: dict[str, str] = {}
        if retry_after is not None:
            self.litellm_response_headers["retry-after"] = f"{retry_after:g}"


def _kind(name: str, status: int) -> type[WireError]:
    return type(name, (WireError,), {"status_code": status, "__doc__": f"HTTP {status}."})


STATES: dict[int, type[WireError]] = {
    status: _kind(name, status)
    for status, name in {
        400: "BadRequestError",
        401: "AuthenticationError",
        404: "NotFoundError",
        408: "Timeout",
        429: "RateLimitError",
        500: "InternalServerError",
        502: "BadGatewayError",
        503: "ServiceUnavailableError",
        504: "Timeout",
    }.items()
}
"""By HTTP state; what is not named here is an `APIError`."""


def error_of(answered: Answered, model: str, timeout: float) -> WireError | None:
    """What litellm raises for it; None where there is an answer that came in time."""
    text = f"{model}: {answered.fault}"
    if answered.silent or answered.seconds > timeout:
        return STATES[408](f"{model} did not answer within {timeout:g} s")
    if answered.broken:
        return STATES[500](f"{text}: Connection error.")
    if answered.status == 200:
        return None
    kind = STATES.get(answered.status) or _kind("APIError", answered.status)
    return kind(text, answered.status, answered.retry_after)


async def awaited(answered: Answered, most: float, sleep: Callable[[float], Awaitable[Any]] | None) -> float:
    """Waits as long as the answer takes, at most `most` seconds, where there is a `sleep` to wait with; how long."""
    seconds = min(answered.seconds, most)
    if sleep is not None and seconds:
        await sleep(seconds)
    return seconds


class Completions:
    """What agentflow uses of the litellm module, answered by a `Provider` in this process.

    Any provider prefix of the model's name is passed over: `openai/small` is `small`.
    """

    def __init__(self, provider: Provider, *, sleep: Callable[[float], Awaitable[Any]] | None = asyncio.sleep) -> None:
        self.provider = provider
        self._sleep = sleep

    async def acompletion(self, *, model: str, messages: list[Any], **options: Any) -> Any:
        """A completion as an object with attributes. Raises a `WireError` named as litellm's errors are."""
        name, timeout = model.rpartition("/")[2], float(options.get("timeout") or 600)
        body = Body.model_validate({**options, "model": name, "messages": messages})
        request = read_request(body)
        answered = self._send(request)
        await awaited(answered, timeout, self._sleep)
        if (error := error_of(answered, name, timeout)) is not None or answered.reply is None:
            raise error or STATES[500](f"{name}: no reply")
        number = self.provider.calls[name]["sends"]
        whole = completion(request, answered.reply, self._spec(name), number, logprobs=bool(body.logprobs))
        return _object(whole)

    def supports_response_schema(self, model: str, **_: Any) -> bool:
        """Every faulty model takes a JSON Schema."""
        return True

    def supports_function_calling(self, model: str, **_: Any) -> bool:
        """Every faulty model calls tools."""
        return True

    def get_supported_openai_params(self, model: str, **_: Any) -> list[str]:
        """What else they take."""
        return ["response_format", "seed", "temperature", "tools"]

    def cost_per_token(
        self, model: str, prompt_tokens: int, completion_tokens: int, **_: Any
    ) -> tuple[Decimal, Decimal]:
        """USD of what was read and of what was written."""
        price = self._spec(model.rpartition("/")[2]).price
        if price.call is not None:
            return Decimal(0), price.call * completion_tokens
        return price.input * prompt_tokens / MILLION, price.output * completion_tokens / MILLION

    def _send(self, request: Request) -> Answered:
        try:
            return self.provider.send(request)
        except LookupError as error:
            raise STATES[404 if "no model" in str(error) else 400](str(error.args[0])) from error

    def _spec(self, name: str) -> FaultyModel:
        return self.provider.law.faulty.models[name]


def _object(value: Any) -> Any:
    if isinstance(value, dict):
        fields: dict[str, Any] = {**value}
        return SimpleNamespace(**{name: _object(one) for name, one in fields.items()})
    return [_object(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value
