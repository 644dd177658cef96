"""Streaming: an answer that comes in pieces, put together again, and given up on where no more come."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from agentflow.engine.prices import tokens_of


class Stalled(TimeoutError):
    """A stream from which nothing has come for too long."""


@dataclass
class Received:
    """What has come of a streamed answer so far: a completion in the making."""

    text: str = ""
    refusal: str = ""
    calls: dict[int, SimpleNamespace] = field(default_factory=dict[int, SimpleNamespace])
    """Tools called, by their place in the answer: `id`, and `function` with its `name` and `arguments`."""
    finish: str | None = None
    usage: Any = None
    id: str | None = None
    model: str | None = None
    begun: bool = False

    def take(self, chunk: Any) -> None:
        """Adds a chunk."""
        self.begun = True
        self.id, self.model = getattr(chunk, "id", None) or self.id, getattr(chunk, "model", None) or self.model
        self.usage = getattr(chunk, "usage", None) or self.usage
        for choice in chunk.choices or ():
            self.finish = choice.finish_reason or self.finish
            self._add(choice.delta)

    def _add(self, delta: Any) -> None:
        moved: dict[str, Any] = getattr(delta, "provider_specific_fields", None) or {}
        self.text += getattr(delta, "content", None) or ""
        self.refusal += getattr(delta, "refusal", None) or moved.get("refusal") or ""
        for call in getattr(delta, "tool_calls", None) or ():
            kept = self.calls.setdefault(
                call.index or 0, SimpleNamespace(id="", function=SimpleNamespace(name="", arguments=""))
            )
            kept.id = call.id or kept.id
            kept.function.name = call.function.name or kept.function.name
            kept.function.arguments += call.function.arguments or ""

    @property
    def tokens(self) -> int:
        """About how many the model has written so far."""
        return tokens_of(self.text + self.refusal + "".join(call.function.arguments for call in self.calls.values()))

    @property
    def whole(self) -> Any:
        """The completion, as if it had come in one piece."""
        calls = [self.calls[place] for place in sorted(self.calls)]
        message = SimpleNamespace(content=self.text or None, tool_calls=calls, refusal=self.refusal or None)
        choice = SimpleNamespace(message=message, finish_reason=self.finish)
        return SimpleNamespace(choices=[choice], usage=self.usage, id=self.id, model=self.model)


async def assembled(opening: Awaitable[Any], stall: float, got: Received) -> Any:
    """The completion that a stream gives; `got` tells at any time what has come of it.

    Raises Stalled where nothing comes for `stall` seconds, be it the first piece or any other, and what the stream
    raises.
    """
    stream = await _within(stall, opening)
    if not hasattr(stream, "__aiter__"):
        return stream  # a provider that does not stream gives it whole
    pieces = aiter(stream)
    try:
        while (chunk := await _within(stall, anext(pieces, None))) is not None:
            got.take(chunk)
    finally:
        if (close := getattr(stream, "aclose", None)) is not None:
            await close()
    return got.whole


async def _within(stall: float, coming: Awaitable[Any]) -> Any:
    limit = asyncio.timeout(stall)
    try:
        async with limit:
            return await coming
    except TimeoutError as error:
        if limit.expired():
            raise Stalled(f"nothing came for {stall:g} s") from error
        raise
