"""The server: faulty models behind an OpenAI-compatible HTTP door."""

import asyncio
import json
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agentflow.testing.batches import BatchDesk
from agentflow.testing.chat import Body, chunks, completion, failure, read_request
from agentflow.testing.mistakes import Mistake, mistake
from agentflow.testing.provider import Answered, Provider
from agentflow.testing.request import Reply, Request
from agentflow.testing.spec import Faulty, FaultyModel, models_toml
from agentflow.testing.truth import Truth

LARGEST = 64 * 2**20
"""Bytes of a request's body: pages come as pictures."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    """What litellm calls `api_base`."""
    provider: Provider
    desk: BatchDesk

    @property
    def calls(self) -> defaultdict[str, Counter[str]]:
        """How often each model was sent to (`sends`) and what came of it: outcomes and faults by name."""
        return self.provider.calls

    @property
    def batches(self) -> dict[str, dict[str, Any]]:
        """The batches made here, by id, as the API shows them."""
        return self.desk.batches

    @property
    def files(self) -> dict[str, bytes]:
        """The files that lie here, by id."""
        return self.desk.files

    def models_toml(self, *, structured: str = "schema") -> str:
        """A models.toml that reaches every model here under its own name as a role."""
        return models_toml(self.provider.law.faulty, self.url, structured=structured)

    def reset(self) -> None:
        """Forgets all sends: what comes next is answered as if it were the first."""
        self.provider.reset()


@asynccontextmanager
async def serve(
    faulty: Faulty, truth: Truth, *, make: Mistake = mistake, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[Server]:
    """Serves the models in this event loop; port 0 takes a free one. Raises ConfigError as `Law` does."""
    provider = Provider(faulty, truth, make=make)
    desk = BatchDesk(provider)
    runner = web.AppRunner(_app(provider, desk), handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        yield Server(f"http://{host}:{bound}/v1", provider, desk)
    finally:
        desk.close()
        await runner.cleanup()


@contextmanager
def serve_in_thread(faulty: Faulty, truth: Truth, *, make: Mistake = mistake, port: int = 0) -> Generator[Server]:
    """Serves the models from a thread of their own, for callers that are not async or that close their event loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty models", daemon=True)
    thread.start()
    serving = serve(faulty, truth, make=make, port=port)

    def wait(doing: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, loop).result()

    try:
        server: Server = wait(serving.__aenter__())
        try:
            yield server
        finally:
            wait(serving.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _app(provider: Provider, desk: BatchDesk) -> web.Application:
    app = web.Application(client_max_size=LARGEST)
    for root in ("/v1", ""):
        app.router.add_post(f"{root}/chat/completions", _chat(provider))
        app.router.add_get(f"{root}/models", _models(provider))
        desk.routes(app, root)
    app.router.add_get("/stats", _stats(provider))
    app.router.add_post("/reset", _reset(provider))
    return app


def _models(provider: Provider) -> Handler:
    async def models(_: web.Request) -> web.Response:
        named = [
            {"id": name, "object": "model", "created": 0, "owned_by": "agentflow"}
            for name in provider.law.faulty.models
        ]
        return web.json_response({"object": "list", "data": named})

    return models


def _stats(provider: Provider) -> Handler:
    async def stats(_: web.Request) -> web.Response:
        return web.json_response(provider.calls)

    return stats


def _reset(provider: Provider) -> Handler:
    async def reset(_: web.Request) -> web.Response:
        provider.reset()
        return web.json_response({})

    return reset


def _chat(provider: Provider) -> Handler:
    async def chat(http: web.Request) -> web.StreamResponse:
        try:
            body = Body.model_validate_json(await http.read())
            request = read_request(body)
            answered = provider.send(request)
        except ValidationError as error:
            return _error(400, str(error))
        except LookupError as error:
            return _error(404 if "no model" in str(error) else 400, str(error.args[0]))
        if answered.seconds and not (answered.reply and body.stream):
            await asyncio.sleep(answered.seconds)
        return await _respond(http, body, request, answered, provider)

    return chat


async def _respond(
    http: web.Request, body: Body, request: Request, answered: Answered, provider: Provider
) -> web.StreamResponse:
    if answered.status != 200:
        return _error(answered.status, f"{request.model}: {answered.fault}", answered.retry_after)
    reply, spec = answered.reply, provider.law.faulty.models[request.model]
    if reply is None:
        return _hang_up(http)
    number = sum(counts["sends"] for counts in provider.calls.values())
    if body.stream:
        return await _stream(http, _lines(body, request, reply, spec, number), answered)
    whole = completion(request, reply, spec, number, logprobs=bool(body.logprobs))
    return await _cut_short(http, whole) if answered.broken else web.json_response(whole)


def _lines(body: Body, request: Request, reply: Reply, spec: FaultyModel, number: int) -> list[bytes]:
    told = bool((body.stream_options or {}).get("include_usage"))
    events = chunks(request, reply, spec, number, with_usage=told)
    return [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]


async def _stream(http: web.Request, lines: list[bytes], answered: Answered) -> web.StreamResponse:
    """Sends the events one by one, spread over the time that the answer takes."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(http)
    for line in lines[: len(lines) // 2] if answered.broken else lines:
        if answered.seconds:
            await asyncio.sleep(answered.seconds / len(lines))
        await response.write(line)
    return _hang_up(http) if answered.broken else response


async def _cut_short(http: web.Request, whole: dict[str, Any]) -> web.StreamResponse:
    text = json.dumps(whole).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(text))})
    await response.prepare(http)
    await response.write(text[: len(text) // 2])
    return _hang_up(http)


def _hang_up(http: web.Request) -> web.StreamResponse:
    """Ends the connection without another byte."""
    if http.transport is not None:
        http.transport.close()
    return web.Response()


def _error(status: int, message: str, retry_after: float | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return web.json_response(failure(status, message), status=status, headers=headers)
