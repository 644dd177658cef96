"""A client of the HTTP API: send files, submit jobs, wait for them, follow them, answer what they ask."""

import asyncio
import json
import math
import random
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from agentflow.errors import AgentflowError, ConnectorError

TRIES = 4
"""How often a request is sent that the server could not take then."""
LONGEST_WAIT = 60
OVER = ("finished", "failed", "canceled", "expired")
RETRYABLE = {429, 502, 503, 504}


class ApiError(AgentflowError):
    """The server refused a request; `code` says why and stays the same from version to version."""

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        self.code = str(problem.get("code", "unknown"))
        self.status = status
        self.errors: list[Any] = problem.get("errors", [])
        self.request = str(problem.get("instance", "")).rpartition(":")[2]
        super().__init__(f"{problem.get('title', status)}: {problem.get('detail', '')} ({self.request})")


@dataclass(frozen=True)
class Money:
    """An amount in minor units: 240 EUR-cents."""

    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Job:
    """A job as the server shows it."""

    id: str
    pack: str
    reference: str
    status: str
    outcome: str | None
    result: Mapping[str, Any] | None
    billing: str
    """`none`, `reserved`, `charged`, `partly_credited`, `credited` or `released`."""
    amount: Money
    version: int
    duplicate_of: str | None
    metadata: Mapping[str, str]
    body: Mapping[str, Any] = field(repr=False)
    """All that the server says of it."""

    @property
    def rests(self) -> bool:
        """True where it goes on only when somebody asks for it: it has ended, or waits for a person."""
        return self.status in (*OVER, "awaiting_review")


@dataclass(frozen=True)
class Event:
    """Something that happened to a job; `number` is None for what only tells how far it is."""

    type: str
    number: int | None
    data: Mapping[str, Any]


class Client:
    """`async with Client(url, key) as api: job = await api.run("invoices", file=Path("invoice.pdf"))`.

    A request that the server cannot take now, or whose answer is lost, is sent again under the same Idempotency-Key:
    nothing is done or charged twice. Raises ApiError where it is refused, ConnectorError where no answer comes.
    """

    def __init__(self, url: str, key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(30.0, read=LONGEST_WAIT + 15.0),
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, file: Path | bytes, name: str | None = None) -> str:
        """Sends a file; its id."""
        content = await asyncio.to_thread(file.read_bytes) if isinstance(file, Path) else file
        called = name or (file.name if isinstance(file, Path) else "document")
        return (await self._create("/v1/files", files={"file": (called, content)})).json()["id"]

    async def submit(
        self,
        pack: str,
        *,
        given: Mapping[str, Any] | None = None,
        file: Path | bytes | str | None = None,
        reference: str | None = None,
        max_price: Money | None = None,
        metadata: Mapping[str, str] | None = None,
        deadline: float | None = None,
        key: str | None = None,
    ) -> Job:
        """Submits a job for a record's fields, or for a file: its path, its bytes, or its id where it was sent before.

        What has not ended after `deadline` seconds expires, free of charge.
        `key` is the Idempotency-Key; give one that outlives this process to be safe against its end too.
        """
        file_id = file if isinstance(file, str) or file is None else await self.send(file)
        body: dict[str, Any] = {"pack": pack, "metadata": dict(metadata or {})}
        body |= {"input": dict(given)} if given is not None else {}
        body |= {"file_id": file_id} if file_id is not None else {}
        body |= {"reference": reference} if reference is not None else {}
        body |= {"max_price": vars(max_price)} if max_price else {}
        body |= {"deadline_s": math.ceil(deadline)} if deadline is not None else {}
        return _job((await self._create("/v1/jobs", key=key, json=body)).json())

    async def run(self, pack: str, **given: Any) -> Job:
        """Submits a job and waits until it rests."""
        return await self.wait((await self.submit(pack, **given)).id)

    async def get(self, job: str) -> Job:
        """A job as it is."""
        return _job((await self._ask("GET", f"/v1/jobs/{job}")).json())

    async def wait(self, job: str, seconds: float | None = None) -> Job:
        """A job as soon as it rests, or as it is after `seconds`."""
        clock = asyncio.get_running_loop().time
        until = None if seconds is None else clock() + seconds
        while True:
            left = LONGEST_WAIT if until is None else max(0, min(LONGEST_WAIT, round(until - clock())))
            found = _job((await self._ask("GET", f"/v1/jobs/{job}", headers={"Prefer": f"wait={left}"})).json())
            if found.rests or (until is not None and clock() >= until):
                return found

    async def result(self, job: str) -> Mapping[str, Any]:
        """What a finished job made, with the evidence by field."""
        return (await self._ask("GET", f"/v1/jobs/{job}/result")).json()

    async def cancel(self, job: str) -> Job:
        """Ends a job free of charge."""
        return _job((await self._ask("POST", f"/v1/jobs/{job}/cancel")).json())

    async def events(self, job: str, after: int = 0) -> AsyncGenerator[Event]:
        """What happens to a job as it happens, until it ends; goes on by itself where the line is cut."""
        while True:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            try:
                async with self._http.stream("GET", f"/v1/jobs/{job}/events", headers=headers) as stream:
                    if stream.status_code != 200:
                        raise _refused(stream.status_code, await stream.aread())
                    async for event in _read(stream):
                        after = event.number or after
                        yield event
            except httpx.TransportError:
                await asyncio.sleep(1.0)
                continue
            if (await self.get(job)).status in OVER:
                return

    async def review(self, job: str) -> Mapping[str, Any]:
        """What a job asks a person; its `version` goes into the answer."""
        return (await self._ask("GET", f"/v1/reviews/{job}")).json()

    async def claim(self, pack: str | None = None, by: str = "") -> Mapping[str, Any] | None:
        """The next review that nobody holds, held for ten minutes; None where there is none."""
        body = {"by": by} | ({"pack": pack} if pack else {})
        found = await self._ask("POST", "/v1/reviews/claim-next", json=body)
        return found.json() if found.status_code == 200 else None

    async def heartbeat(self, review: Mapping[str, Any]) -> Mapping[str, Any]:
        """Holds a claimed review for ten minutes more. Raises ApiError where the claim is lost."""
        return await self._held(review, "heartbeat")

    async def release(self, review: Mapping[str, Any]) -> None:
        """Gives a claimed review back. Raises ApiError where the claim is lost."""
        await self._held(review, "release")

    async def _held(self, review: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        return (await self._ask("POST", f"/v1/reviews/{review['job']}/{what}", json={"lease": review["lease"]})).json()

    async def answer(
        self, review: Mapping[str, Any], answer: str, value: Mapping[str, Any], question: str | None = None
    ) -> Job:
        """Answers a review that was looked at, or claimed, with the record called `answer`.

        Raises ApiError where it has changed, or the claim is lost.
        """
        body = {"answer": answer, "value": dict(value)} | ({"question": question} if question else {})
        body |= {"lease": review["lease"]} if review.get("lease") is not None else {}
        headers = {"If-Match": f'"{review["version"]}"'}
        return _job((await self._create(f"/v1/reviews/{review['job']}/answer", headers=headers, json=body)).json())

    async def dispute(self, job: str, reason: str, fields: Mapping[str, Any] | None = None) -> str:
        """Says what is wrong with a charged outcome; the dispute's id."""
        body = {"reason": reason, "fields": dict(fields or {})}
        return (await self._create(f"/v1/jobs/{job}/disputes", json=body)).json()["id"]

    async def jobs(self, **wanted: str) -> AsyncGenerator[Job]:
        """All jobs, the newest first, page by page; `status="failed"` or `pack="invoices"` for some of them."""
        cursor: dict[str, str] = {}
        while True:
            page = (await self._ask("GET", "/v1/jobs", params={**wanted, **cursor, "limit": "100"})).json()
            for body in page["data"]:
                yield _job(body)
            if not page["has_more"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    async def listen(self, url: str, topics: Sequence[str] = ()) -> tuple[str, str]:
        """Has events sent to a URL, all where no topics are named: the endpoint's id, and the secret that signs them.

        The secret is told this once; `agentflow.jobs.telling.signing.verify(secret, headers, body)` checks a message.
        """
        made = (await self._create("/v1/webhook-endpoints", json={"url": url, "topics": list(topics)})).json()
        return made["id"], made["secret"]

    async def prices(self) -> Mapping[str, Mapping[str, Money]]:
        """What outcomes cost, by pack and outcome."""
        listed: list[Any] = (await self._ask("GET", "/v1/prices")).json()["data"]
        return {one["pack"]: {name: Money(**cost) for name, cost in one["outcomes"].items()} for one in listed}

    async def _create(
        self, path: str, *, key: str | None = None, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> httpx.Response:
        once = {"Idempotency-Key": key or uuid.uuid4().hex, **(headers or {})}
        return await self._ask("POST", path, headers=once, **sent)

    async def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        lost: Exception | None = None
        for number in range(TRIES):
            try:
                answer = await self._http.request(method, path, **sent)
            except httpx.TransportError as error:
                lost, pause = error, 0.0
            else:
                if answer.is_success:
                    return answer
                refused = _refused(answer.status_code, answer.content)
                if answer.status_code not in RETRYABLE or number == TRIES - 1:
                    raise refused
                pause = float(answer.headers.get("retry-after", "0"))
            await asyncio.sleep(max(pause, random.uniform(0, 0.2 * 2**number)))  # noqa: S311 - spreads load
        raise ConnectorError(f"{self._http.base_url} does not answer: {type(lost).__name__}; is it up?") from lost


def _refused(status: int, content: bytes) -> ApiError:
    try:
        problem: Any = json.loads(content)
    except ValueError:
        problem = {}
    return ApiError(problem if isinstance(problem, dict) else {}, status)  # pyright: ignore[reportUnknownArgumentType] - JSON is anything


async def _read(stream: httpx.Response) -> AsyncGenerator[Event]:
    told: dict[str, str] = {}
    async for line in stream.aiter_lines():
        name, _, value = line.partition(": ")
        if line:
            told[name] = value
        elif "event" in told:
            number = int(told["id"]) if "id" in told else None
            yield Event(told["event"], number, json.loads(told["data"]))
            told = {}
        else:
            told = {}


def _job(body: Mapping[str, Any]) -> Job:
    same = ("id", "pack", "reference", "status", "outcome", "result", "version", "duplicate_of", "metadata")
    billing = body["billing"]
    fields = {name: body[name] for name in same}
    return Job(billing=billing["state"], amount=Money(**billing["amount"]), body=body, **fields)
