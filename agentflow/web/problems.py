"""Problems: every answer that is no success is application/problem+json (RFC 9457), with a code that stays."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from agentflow.errors import AgentflowError, CapError, DisputeError, LedgerError, RequestError, RunError, StoreError

MEDIA = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """What a code stands for."""

    status: int
    title: str
    retryable: bool = False


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(400, "The request cannot be read"),
    "idempotency-key-missing": Kind(400, "Idempotency-Key is missing"),
    "unauthorized": Kind(401, "No valid API key"),
    "spend-cap-reached": Kind(402, "Spend cap reached"),
    "scope-missing": Kind(403, "The key may not do this"),
    "not-found": Kind(404, "Not found"),
    "method-not-allowed": Kind(405, "Method not allowed"),
    "not-acceptable": Kind(406, "Not acceptable"),
    "not-ready": Kind(409, "Not ready", retryable=True),
    "lease-lost": Kind(409, "The review is not yours to decide"),
    "not-waiting": Kind(409, "The job waits for nobody"),
    "job-terminal": Kind(409, "The job has ended"),
    "price-changed": Kind(409, "The price is above max_price"),
    "not-charged": Kind(409, "Nothing was charged"),
    "dispute-open": Kind(409, "A dispute is open already"),
    "dispute-closed": Kind(409, "The dispute is closed"),
    "dispute-window-closed": Kind(409, "Too late to dispute"),
    "conflict": Kind(409, "It cannot be done as things stand"),
    "gone": Kind(410, "It was erased"),
    "stale-version": Kind(412, "It has changed meanwhile"),
    "too-large": Kind(413, "Too large"),
    "unsupported-media": Kind(415, "Unsupported media type"),
    "invalid": Kind(422, "The request is not valid"),
    "unknown-pack": Kind(422, "There is no such pack"),
    "unsafe-document": Kind(422, "The document is not safe to open"),
    "unsafe-url": Kind(422, "The URL is not one to send to"),
    "idempotency-key-reused": Kind(422, "Idempotency-Key was used for another request"),
    "version-missing": Kind(428, "If-Match is missing"),
    "quota-exceeded": Kind(429, "Too many requests", retryable=True),
    "internal": Kind(500, "Something went wrong here", retryable=True),
    "temporary-reduced-capacity": Kind(503, "Busy or stopping", retryable=True),
}
BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media"}


class Problem(HTTPException):
    """A refusal: raised anywhere below the routes, answered in one form."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(KINDS[code].status, detail or KINDS[code].title, dict(headers or {}))
        self.code = code
        self.errors = list(errors)


def answer(problem: Problem, request_id: str) -> Response:
    """The problem as a response."""
    kind = KINDS[problem.code]
    body: dict[str, Any] = {
        "type": f"urn:agentflow:problem:{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "instance": f"urn:agentflow:request:{request_id}",
        "code": problem.code,
        "retryable": kind.retryable,
        "errors": problem.errors,
    }
    return Response(json.dumps(body), kind.status, problem.headers, MEDIA)


def as_problem(error: Exception) -> Problem:
    """What an error is to whoever asked: its own text where it is ours, nothing of it where it is not."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error.errors())
        case ValidationError():
            return _invalid([{**e, "loc": ("body", "input", *e["loc"])} for e in error.errors(include_input=False)])
        case HTTPException():
            return _framework(error)
        case RequestError() | DisputeError():
            return Problem(error.code, str(error))
        case CapError():
            return Problem("spend-cap-reached", "The spend cap is reached; raise it or wait for running jobs.")
        case StoreError() | OperationalError() | InterfaceError() | NoConnection():
            return Problem("temporary-reduced-capacity", headers={"Retry-After": "2"})
        case RunError():
            return Problem("invalid", str(error))
        case LedgerError() | AgentflowError():
            return Problem("conflict", "It cannot be done as things stand.")
        case _:
            return Problem("internal", "Nothing was charged for this. Send the request again, or quote its id to us.")


def _framework(error: HTTPException) -> Problem:
    """What the framework itself refuses."""
    if error.status_code == HTTPStatus.BAD_REQUEST and error.detail.startswith("Too many"):
        return Problem("too-large", "The form has too many parts.")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem("not-found", "There is no such route here; GET /openapi.json lists them.")
    other = "malformed" if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else "internal"
    return Problem(BY_STATUS.get(error.status_code, other), headers=error.headers)


def _invalid(found: Sequence[Any]) -> Problem:
    """Where and what kind of wrong, never the value: it may be a secret."""
    missing = {tuple(e["loc"]) for e in found if e["type"] == "missing"}
    if ("header", "Idempotency-Key") in missing or ("header", "idempotency-key") in missing:
        return Problem("idempotency-key-missing", "Send a header Idempotency-Key: 1 to 255 visible ASCII characters.")
    errors = [{"pointer": _pointer(e["loc"]), "code": str(e["type"])} for e in found[:50]]
    where = ", ".join(dict.fromkeys(e["pointer"] for e in errors))[:500]
    return Problem("invalid", f"Mend what `errors` names: {where}", errors=errors)


def _pointer(place: Sequence[Any]) -> str:
    """A JSON pointer into the body, or the parameter's name. Keys that a caller made up are not repeated."""
    source, *path = place
    told = "".join(f"/{str(part)[:64].replace('~', '~0').replace('/', '~1')}" for part in path)
    return told or "/" if source == "body" else f"{source}:{told.strip('/')}"


async def handle(request: Request, error: Exception) -> Response:
    """FastAPI's handler of every error it knows of."""
    return answer(as_problem(error), request.state.request_id)
