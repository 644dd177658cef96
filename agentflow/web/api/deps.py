"""What routes are given: who asks, the service, a request's idempotency key; and how lists are paged."""

import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Select

from agentflow.jobs.ids import ID
from agentflow.jobs.keys import Caller
from agentflow.jobs.service import Agentflow
from agentflow.web.api.shapes import LONGEST_DEADLINE
from agentflow.web.problems import Problem
from agentflow.web.room import Room

WAIT = re.compile(r"(?:^|,)\s*wait=(\d{1,3})\s*(?:$|[,;])", re.ASCII)
LONGEST_WAIT = 60

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes sending the same request again harmless.",
    ),
]
Prefer = Annotated[
    str | None, Header(max_length=200, description="`wait=N`: answer within N <= 60 seconds, when the job rests.")
]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=2000)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=200, description="The ETag that was read; missing is 428.")
]
CancelAfter = Annotated[
    str | None,
    Header(
        alias="Cancel-After",
        max_length=8,
        pattern=r"^[1-9][0-9]{0,6}[smhd]?$",
        description="A deadline: `90`, `90s`, `10m`, `2h`, `1d`; what has not ended by then expires, free of charge.",
    ),
]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
Limit = Annotated[int, Query(ge=1, le=100, description="How many at once.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


# FastAPI takes each dependency that is not async to a thread and back.


async def service(request: Request) -> Agentflow:
    """The service behind the app."""
    return request.app.state.service


Service = Annotated[Agentflow, Depends(service)]


async def room(request: Request) -> Room:
    """How many jobs may wait."""
    return request.app.state.room


InRoom = Annotated[Room, Depends(room)]


def needs(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: who asks, if their key has the scope."""

    async def caller(request: Request) -> Caller:
        found: Caller = request.state.caller
        if scope not in found.scopes:
            raise Problem("scope-missing", f"The key needs the scope {scope}.")
        return found

    return caller


def id_of(kind: str) -> Any:
    """An id in the path; what cannot be one is answered as what is not there."""

    async def known(found: Annotated[str, Path(alias=kind, max_length=200)]) -> str:
        if not ID.fullmatch(found):
            raise Problem("not-found")
        return found

    return Depends(known)


JobId = Annotated[str, id_of("job_id")]


def seconds_to_wait(prefer: str | None) -> float:
    """What `Prefer: wait=N` asks for; 0 where it does not."""
    found = WAIT.search(prefer or "")
    return float(min(int(found[1]), LONGEST_WAIT)) if found else 0.0


def deadline_of(header: str | None, seconds: int | None) -> timedelta | None:
    """The sooner of `Cancel-After` and `deadline_s`, at most a year; None where neither is given."""
    given = [] if seconds is None else [seconds]
    given += [] if header is None else [int(header.rstrip("smhd")) * UNITS.get(header[-1], 1)]
    return timedelta(seconds=min(*given, LONGEST_DEADLINE)) if given else None


def after(cursor: str | None, form: re.Pattern[str] = ID) -> str | None:
    """The id, or what has the form, that a page goes on behind. Raises Problem where the cursor is none of ours."""
    if cursor is None:
        return None
    try:
        found = base64.urlsafe_b64decode(cursor.encode("ascii") + b"==").decode("ascii")
    except (binascii.Error, ValueError):
        found = ""
    if not form.fullmatch(found):
        raise Problem(
            "invalid", "The cursor is none that was given here.", errors=[{"pointer": "query:cursor", "code": "cursor"}]
        )
    return found


def cursor_of(last: str) -> str:
    """The cursor of a page that ends with the id `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def newest(query: Select[Any], column: Any, cursor: str | None, limit: int) -> Select[Any]:
    """A page of the query, and one row more: the newest first, behind the cursor."""
    last = after(cursor)
    return (query.where(column < last) if last else query).order_by(column.desc()).limit(limit + 1)


def rest(rows: Sequence[Any], limit: int) -> dict[str, Any]:
    """Whether there is more than the page, and where it goes on."""
    more = len(rows) > limit
    return {"has_more": more, "next_cursor": cursor_of(rows[limit - 1].id) if more else None}


def tagged(body: BaseModel, seen: str | None, response: Response | None = None) -> Response:
    """The body with its ETag; 304 and no body where the caller has it already."""
    content = body.model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Vary": "Authorization, Accept", "Cache-Control": "private, no-cache"}
    headers |= dict(response.headers) if response is not None else {}
    if seen is not None and (seen.strip() == "*" or tag in re.findall(r'"[^"]*"', seen)):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def utc(at: datetime) -> datetime:
    """A time as it is stored: UTC without a zone. Raises Problem where it has no such time."""
    try:
        return at.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise Problem("invalid", "A time is before the year 1 or after the year 9999 in UTC.") from None


def as_dict(body: BaseModel) -> dict[str, Any]:
    """The body as plain JSON, as it is stored and sent."""
    return body.model_dump(mode="json")
