"""The app: a service of packs behind HTTP."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match

from agentflow.errors import AgentflowError
from agentflow.jobs.keys import Caller, Lock, caller_of
from agentflow.jobs.service import Agentflow
from agentflow.web import reference
from agentflow.web.api import admin, billing, costs, disputes, events, files, health, jobs, reviews, webhooks
from agentflow.web.layers import BodyGuard, Doorkeeper, Entrance
from agentflow.web.limits import Known, Limits
from agentflow.web.openapi import describe
from agentflow.web.problems import Problem, answer, handle
from agentflow.web.room import Room

LIMITS = Limits()
TOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""FastAPI's own telemetry tells queries, hosts and texts of errors; `Entrance` tells what callers did not write."""
ROUTERS = tuple(
    part.router for part in (files, jobs, events, reviews, disputes, billing, webhooks, admin, costs, health)
)


def create_app(service: Agentflow, lock: Lock, *, limits: Limits = LIMITS, opens: bool = True) -> FastAPI:
    """The API of a service. With `opens` the app opens and closes the service; else it is open already."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        if not opens:
            yield
            return
        async with service:
            yield
            app.state.stopping = True

    known = Known()

    async def look_up(key: str) -> Caller | None:
        if found := known.get(lock.digest(key)):
            return found
        async with service.store.looking() as session:
            caller = await caller_of(session, lock, key)
        known.put(lock.digest(key), caller)
        return caller

    app = FastAPI(
        title="agentflow",
        version=version("agentflow-framework"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=TOLD,
    )
    app.state.service, app.state.lock, app.state.limits = service, lock, limits
    app.state.room = Room(service, limits)
    for router in ROUTERS:
        app.include_router(router)
    for error in (Problem, HTTPException, RequestValidationError, ValidationError, AgentflowError):
        app.add_exception_handler(error, handle)
    app.add_exception_handler(405, _not_allowed)
    app.openapi = partial(describe, app)
    app.add_route("/docs", _docs, include_in_schema=False)
    # The last one added is passed first.
    app.add_middleware(BodyGuard, limits=limits)
    app.add_middleware(Doorkeeper, limits=limits, look_up=look_up)
    app.add_middleware(Entrance, limits=limits)
    return app


async def _docs(request: Request) -> Response:
    """The reference as a page."""
    return HTMLResponse(reference.page(request.app.openapi()), headers=reference.PAGE)


async def _not_allowed(request: Request, _: Exception) -> Response:
    """405 with the methods of all routes of the path, not of the first one alone."""
    allowed: set[str] = set()
    for route in [route for router in (request.app.router, *ROUTERS) for route in router.routes]:
        if route.matches(request.scope)[0] is not Match.NONE:
            allowed |= set(getattr(route, "methods", None) or ())
    return answer(
        Problem("method-not-allowed", headers={"Allow": ", ".join(sorted(allowed))}), request.state.request_id
    )
