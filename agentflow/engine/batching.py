"""Batches: questions of jobs that run at the same time, sent as one batch of the provider's, later and at less cost."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from agentflow.engine.asking import PROMPTED
from agentflow.engine.config import ModelConfig

ENDPOINT, WINDOW = "/v1/chat/completions", "24h"
ENDED = {"completed", "failed", "expired", "cancelled"}
SLOWER, SLOWEST = 1.5, 60.0
"""Each look at a batch comes so many times later than the one before, and at least every so many seconds."""
CANCEL_SECONDS = 10.0
"""For taking a batch back that nobody waits for."""


class BatchError(Exception):
    """A question of a batch that came to no answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status_code = status


@dataclass
class Batch:
    """Questions by their name, and who waits for each."""

    bodies: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    waiting: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict[str, "asyncio.Future[Any]"])
    task: "asyncio.Task[None] | None" = None

    def add(self, body: Mapping[str, Any]) -> "asyncio.Future[Any]":
        """Takes a question in; its answer."""
        name, future = uuid4().hex, asyncio.get_running_loop().create_future()
        self.bodies[name], self.waiting[name] = body, future
        return future

    @property
    def deserted(self) -> bool:
        """True if nobody waits any more."""
        return all(future.done() for future in self.waiting.values())

    def fail(self, error: BaseException) -> None:
        """Tells all who still wait."""
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(error)


class Batches:
    """The batches of one model."""

    def __init__(self, config: ModelConfig) -> None:
        self._config = config
        self._open: Batch | None = None

    @property
    def gathering(self) -> bool:
        """True while questions are taken in."""
        return self._open is not None

    async def ask(self, client: Any, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Any:
        """The completion, once the batch that the question went with has ended.

        `client` is what is used of the litellm module. Raises BatchError, and what litellm raises; a batch that
        nobody waits for is taken back.
        """
        body, batch = self._body(client, messages, options), self._open
        if batch is None:
            batch = self._open = Batch()
            batch.task = asyncio.create_task(self._work(client, batch))
        future = batch.add(body)
        try:
            return await future
        finally:
            if not future.done() or future.cancelled():
                await self._left(batch)

    async def _left(self, batch: Batch) -> None:
        if batch.deserted and batch.task is not None and not batch.task.done():
            self._close(batch)
            batch.task.cancel()
            await asyncio.wait({batch.task})

    def _close(self, batch: Batch) -> None:
        """No question is added to it any more."""
        if self._open is batch:
            self._open = None

    def _body(
        self, client: Any, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The request as the provider takes it: litellm maps no option inside a batch's file by itself."""
        provider, _, model = self._config.model.partition("/")
        asked = {name: options[name] for name in PROMPTED if name != "model" and options.get(name) is not None}
        mapped = client.get_optional_params(model=model, custom_llm_provider=provider, drop_params=True, **asked)
        more: dict[str, Any] = mapped.pop("extra_body", None) or {}
        return {"model": model, "messages": list(messages), **mapped, **more}

    async def _work(self, client: Any, batch: Batch) -> None:
        try:
            try:
                await asyncio.sleep(self._config.batch_window)
            finally:
                self._close(batch)
            self._tell(client, batch, await self._lines(client, batch))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, and asks at once
            batch.fail(error)
        except asyncio.CancelledError:
            batch.fail(BatchError("the batch was taken back", 499))
            raise

    async def _lines(self, client: Any, batch: Batch) -> list[Any]:
        """What came of each question, as the provider's files have it."""
        place = self._place
        rows = [
            {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body} for name, body in batch.bodies.items()
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        files = [(await client.acreate_file(file=("questions.jsonl", text.encode()), purpose="batch", **place)).id]
        try:
            made = await client.acreate_batch(
                completion_window=WINDOW, endpoint=ENDPOINT, input_file_id=files[0], **place
            )
            ended = await self._ended(client, made)
            found = [name for name in (ended.output_file_id, ended.error_file_id) if name]
            files += found
            told = [await client.afile_content(file_id=name, **place) for name in found]
            return [json.loads(line) for one in told for line in one.content.splitlines() if line]
        finally:
            await _anyhow(*(client.afile_delete(file_id=name, **place) for name in files))

    async def _ended(self, client: Any, batch: Any) -> Any:
        pause = self._config.batch_poll
        try:
            while batch.status not in ENDED:
                await asyncio.sleep(pause)
                pause = min(pause * SLOWER, max(SLOWEST, self._config.batch_poll))
                batch = await client.aretrieve_batch(batch_id=batch.id, **self._place)
            return batch
        except asyncio.CancelledError:
            await _anyhow(client.acancel_batch(batch_id=batch.id, **self._place))
            raise

    def _tell(self, client: Any, batch: Batch, lines: Sequence[dict[str, Any]]) -> None:
        for line in lines:
            future = batch.waiting.get(line["custom_id"])
            if future is None or future.done():
                continue
            response: dict[str, Any] = line.get("response") or {}
            status = int(response.get("status_code") or 0)
            if status == 200:
                future.set_result(_completion(client, response["body"]))
            else:
                future.set_exception(BatchError(f"in a batch: {line.get('error') or response.get('body')}", status))
        batch.fail(BatchError("the batch ended without an answer to this question", 504))

    @property
    def _place(self) -> dict[str, Any]:
        provider = self._config.model.partition("/")[0]
        return {"custom_llm_provider": provider, "api_base": self._config.api_base, "api_key": self._config.key} | {
            "max_retries": 0
        }


async def _anyhow(*doing: Any) -> None:
    """Does it as well as it goes: what is left over at the provider keeps no answer back."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CANCEL_SECONDS):
            await asyncio.gather(*doing, return_exceptions=True)


def _completion(client: Any, body: Mapping[str, Any]) -> Any:
    usage = body.get("usage")
    return _object({**body, "usage": None}, usage=client.Usage(**usage) if usage else None)


def _object(value: Any, **more: Any) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return SimpleNamespace(**({name: _object(one) for name, one in fields.items()} | more))
    return [_object(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value
