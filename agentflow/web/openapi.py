"""The OpenAPI document, made true: every answer that a route can give stands in it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from agentflow.web.api.shapes import ProblemBody
from agentflow.web.problems import KINDS, MEDIA

PROBLEM = {MEDIA: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
EVERYWHERE = (401, 403, 422, 429, 500, 503)
WITH_BODY = (400, 413)
DESCRIPTION = """Narrow jobs, done reliably, priced by outcome: a job is charged only for an outcome that was verified.

Every refusal is `application/problem+json` with a `code` that stays. Sending a request again under the same
`Idempotency-Key` is harmless. Amounts are minor units: `{"amount_minor": 240, "currency": "EUR"}`."""


def also(*said: type[BaseModel] | int) -> dict[int | str, dict[str, Any]]:
    """Answers of a route besides its own: problems by status; 200, 204 and 304 with the body that is named."""
    bodies = [one for one in said if not isinstance(one, int)]
    found: dict[int | str, dict[str, Any]] = {s: _problem(s) for s in said if isinstance(s, int) and s >= 400}
    if bodies:
        found[200] = {"model": bodies[0]}
    if 204 in said:
        found[204] = {"description": "There is nothing."}
    if 304 in said:
        found[304] = {"description": "Nothing has changed."}
    return found


def as_media(kind: str) -> dict[int | str, dict[str, Any]]:
    """A 200 with another media type than JSON, alone or besides it."""
    return {200: {"description": "As it is asked for.", "content": {kind: {"schema": {"type": "string"}}}}}


def _problem(status: int) -> dict[str, Any]:
    codes = sorted(code for code, kind in KINDS.items() if kind.status == status)
    return {"description": ", ".join(f"`{code}`" for code in codes), "content": PROBLEM}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="agentflow", version=app.version, description=DESCRIPTION, routes=app.routes, openapi_version="3.1.0"
        )
        parts = made.setdefault("components", {})
        parts["schemas"] |= _schemas()
        for name in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(name, None)
        parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "An API key: `af_...`."}}
        for path, operations in made["paths"].items():
            for operation in operations.values():
                _complete(operation, locked=path.startswith("/v1/"))
        app.openapi_schema = made
    return app.openapi_schema


def _schemas() -> dict[str, Any]:
    made = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs"), "ProblemBody": made}


def _complete(operation: dict[str, Any], *, locked: bool) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    if locked:
        operation["security"] = [{"key": []}]
        for status in (*EVERYWHERE, *(WITH_BODY if "requestBody" in operation else ())):
            answers[str(status)] = _problem(status)
