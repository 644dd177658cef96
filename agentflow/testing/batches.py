"""The batch endpoints of the faulty server: files go in, a batch of questions is answered, files come out."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from agentflow.testing.chat import Body, completion, failure, read_request
from agentflow.testing.provider import Provider

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass
class BatchDesk:
    """The files and batches of one server."""

    provider: Provider
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    batches: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    _numbers: Any = field(default_factory=count)
    _working: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def routes(self, app: web.Application, root: str) -> None:
        """Adds the endpoints below `root`."""
        app.router.add_post(f"{root}/files", self._upload)
        app.router.add_get(f"{root}/files/{{id}}/content", self._content)
        app.router.add_delete(f"{root}/files/{{id}}", self._delete)
        app.router.add_post(f"{root}/batches", self._create)
        app.router.add_get(f"{root}/batches/{{id}}", self._retrieve)
        app.router.add_post(f"{root}/batches/{{id}}/cancel", self._cancel)

    def close(self) -> None:
        """Ends what is under way."""
        for task in self._working:
            task.cancel()

    async def _upload(self, http: web.Request) -> web.Response:
        form = await http.post()
        part: Any = form["file"]
        name = self._keep(part.file.read())
        return web.json_response(
            _file(name, len(self.files[name])) | {"purpose": str(form["purpose"]), "filename": part.filename}
        )

    async def _content(self, http: web.Request) -> web.Response:
        found = self.files.get(http.match_info["id"])
        return _missing() if found is None else web.Response(body=found)

    async def _delete(self, http: web.Request) -> web.Response:
        name = http.match_info["id"]
        deleted = self.files.pop(name, None) is not None
        return web.json_response({"id": name, "object": "file", "deleted": deleted})

    async def _create(self, http: web.Request) -> web.Response:
        asked = await http.json()
        if asked["input_file_id"] not in self.files:
            return _missing()
        name = f"batch_{next(self._numbers)}"
        kept = {key: asked[key] for key in ("input_file_id", "endpoint", "completion_window")}
        self.batches[name] = {"id": name, "object": "batch", "created_at": 0, "status": "in_progress", **kept}
        task = asyncio.create_task(self._work(self.batches[name]))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return web.json_response(self.batches[name])

    async def _retrieve(self, http: web.Request) -> web.Response:
        found = self.batches.get(http.match_info["id"])
        return _missing() if found is None else web.json_response(found)

    async def _cancel(self, http: web.Request) -> web.Response:
        found = self.batches.get(http.match_info["id"])
        if found is None:
            return _missing()
        if found["status"] == "in_progress":
            found["status"] = "cancelled"
        return web.json_response(found)

    async def _work(self, batch: dict[str, Any]) -> None:
        """Answers all questions after as long as the slowest of them takes."""
        rows = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        answers = [self._answer(row["body"]) for row in rows]
        await asyncio.sleep(max((seconds for seconds, _, _ in answers), default=0.0))
        if batch["status"] != "in_progress":
            return
        told: dict[bool, list[str]] = {True: [], False: []}
        for row, (_, status, body) in zip(rows, answers, strict=True):
            response = {"status_code": status, "request_id": row["custom_id"], "body": body}
            line = {"id": row["custom_id"], "custom_id": row["custom_id"], "response": response, "error": None}
            told[status == 200].append(json.dumps(line))
        for name, lines in (("output_file_id", told[True]), ("error_file_id", told[False])):
            if lines:
                batch[name] = self._keep("\n".join(lines).encode())
        batch["status"] = "completed"

    def _answer(self, asked: Mapping[str, Any]) -> tuple[float, int, Mapping[str, Any]]:
        """Seconds, HTTP status and body of one question."""
        try:
            body = Body.model_validate(asked)
            request = read_request(body)
            answered = self.provider.send(request)
        except (ValidationError, LookupError) as error:
            return 0.0, 400, failure(400, str(error))
        if answered.status != 200 or answered.reply is None or answered.broken:
            status = answered.status if answered.status != 200 else 500
            return answered.seconds, status, failure(status, f"{request.model}: {answered.fault}")
        spec = self.provider.law.faulty.models[request.model]
        number = sum(counts["sends"] for counts in self.provider.calls.values())
        return answered.seconds, 200, completion(request, answered.reply, spec, number, logprobs=False)

    def _keep(self, content: bytes) -> str:
        name = f"file-{next(self._numbers)}"
        self.files[name] = content
        return name


def _file(name: str, size: int) -> dict[str, Any]:
    return {"id": name, "object": "file", "bytes": size, "created_at": 0, "status": "processed"}


def _missing() -> web.Response:
    return web.json_response(failure(404, "there is no such file or batch"), status=404)
