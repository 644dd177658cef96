"""/healthz and /readyz: whether the process lives, and whether it may be sent requests."""

from typing import Literal

from fastapi import APIRouter, Request
from sqlalchemy import text

from agentflow.web.api.deps import Service
from agentflow.web.api.shapes import Told
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(tags=["health"])


class Health(Told):
    """All is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives."""
    return Health()


@router.get("/readyz", responses=also(503))
async def readyz(request: Request, service: Service) -> Health:
    """The database answers, and the server is not stopping."""
    if getattr(request.app.state, "stopping", False):
        raise Problem("temporary-reduced-capacity", "The server is stopping.", headers={"Retry-After": "5"})
    try:
        async with service.store.looking() as session:
            await session.execute(text("SELECT 1"))
    except Exception as error:
        raise Problem(
            "temporary-reduced-capacity", "The database does not answer.", headers={"Retry-After": "5"}
        ) from error
    return Health()
