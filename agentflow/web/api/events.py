"""/v1/jobs/{id}/events: what happens to a job, as a list or as it happens."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from agentflow.jobs.following import QUICKEST, SLOWEST, look
from agentflow.jobs.keys import Caller, in_force
from agentflow.jobs.service import Agentflow
from agentflow.jobs.tables import ENDED
from agentflow.jobs.telling.tables import Outbox
from agentflow.web.api.deps import JobId, Service, needs
from agentflow.web.api.shapes import EventBody, Listed
from agentflow.web.api.standing import progress_of
from agentflow.web.openapi import also, as_media
from agentflow.web.problems import Problem

router = APIRouter(tags=["jobs"])
Accept = Annotated[str, Header(max_length=500, description="`text/event-stream` for events as they happen.")]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=20, description="Go on behind this event.")
]
STREAM = "text/event-stream"
PING = 15.0
LOCKED = 5.0
"""Seconds for which a stream reckons on its key: one that is revoked reads so long at most."""
OVER = (*ENDED, "failed")


@router.get(
    "/v1/jobs/{job_id}/events",
    response_model=Listed[EventBody],
    responses=also(404) | as_media(STREAM),
)
async def events(
    job_id: JobId,
    request: Request,
    caller: Annotated[Caller, Depends(needs("jobs:read"))],
    service: Service,
    accept: Accept = "*/*",
    last: LastEventId = None,
) -> Response:
    """What has happened to a job; with `Accept: text/event-stream` as it happens, until the job ends."""
    seen = _number(last)
    _, told = await look(service.store, job_id, caller.tenant, seen)
    if STREAM in accept:
        stream = _stream(service, job_id, caller, seen, request)
        return StreamingResponse(stream, media_type=STREAM, headers={"X-Accel-Buffering": "no"})
    body = Listed(data=[_body(one) for one in told])
    return Response(body.model_dump_json(), media_type="application/json")


async def _stream(service: Agentflow, job: str, caller: Caller, seen: int, request: Request) -> AsyncGenerator[bytes]:
    """Events carry their number as id; `progress` has none: each tells all there is, so that none is missed."""
    state, clock = request.app.state, asyncio.get_running_loop().time
    until, pause, quiet, shown = clock() + state.limits.stream_seconds, QUICKEST, 0.0, None
    known = clock() + LOCKED
    yield b"retry: 1000\n\n"
    while clock() < until and not getattr(state, "stopping", False):
        if clock() >= known:
            if not await _may(service, caller):
                return
            known = clock() + LOCKED
        row, told = await look(service.store, job, caller.tenant, seen)
        for one in told:
            seen = one.number or seen
            yield _sse(_body(one).model_dump(mode="json"), one.topic, seen)
        if row.status in OVER and seen >= row.version:
            return
        going = await progress_of(service.store, row)
        if going != shown and going is not None:
            shown = going
            yield _sse(going.model_dump(), "progress")
        elif not told:
            quiet += pause
            if quiet >= PING:
                quiet = 0.0
                yield b": still here\n\n"
        pause = QUICKEST if told else min(pause * 1.5, SLOWEST)
        await asyncio.sleep(pause)


async def _may(service: Agentflow, caller: Caller) -> bool:
    async with service.store.looking() as session:
        return await in_force(session, caller.key)


def _sse(data: dict[str, Any], kind: str, number: int | None = None) -> bytes:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def _number(last: str | None) -> int:
    if last is None or not last:
        return 0
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        raise Problem(
            "invalid", "Last-Event-ID is a number.", errors=[{"pointer": "header:Last-Event-ID", "code": "number"}]
        )
    return int(last)


def _body(one: Outbox) -> EventBody:
    return EventBody(number=one.number or 0, type=one.topic, created_at=one.created_at, data=one.payload)
