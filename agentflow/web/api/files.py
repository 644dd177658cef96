"""/v1/files: send what a job reads; it is kept under its content and taken for what its bytes say."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Response, UploadFile
from fastapi.responses import FileResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.errors import RequestError
from agentflow.jobs.api_tables import File
from agentflow.jobs.idempotency import Answer, Asked, once
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.keys import Caller
from agentflow.jobs.leftovers import condemn
from agentflow.web.api.deps import IdempotencyKey, Service, as_dict, id_of, needs
from agentflow.web.api.shapes import FileBody
from agentflow.web.markup import check_xml
from agentflow.web.media import HEAD, media_type, plain_name
from agentflow.web.openapi import also, as_media
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1/files", tags=["files"])
FileId = Annotated[str, id_of("file_id")]


async def _file(service: Service, file: str, caller: Caller) -> File:
    async with service.store.looking() as session:
        row = await session.scalar(select(File).where(File.id == file, File.tenant_id == caller.tenant))
    if row is None:
        raise Problem("not-found")
    return row


async def _kept(
    file_id: FileId, caller: Annotated[Caller, Depends(needs("jobs:read"))], service: Service
) -> AsyncGenerator[tuple[Path, str]]:
    """Where a file lies until the answer is sent, and its name."""
    row = await _file(service, file_id, caller)
    async with service.documents.file(row.sha256) as path:
        yield path, row.name


@router.post("", status_code=201, responses=also(415))
async def send(
    file: UploadFile,
    key: IdempotencyKey,
    caller: Annotated[Caller, Depends(needs("jobs:write"))],
    service: Service,
    response: Response,
) -> FileBody:
    """Send a file; PDF, PNG, JPEG, TIFF, WebP, XML, JSON and plain text are taken."""
    head = await file.read(HEAD)
    media = media_type(head)
    await file.seek(0)
    if media == "application/xml":
        await asyncio.to_thread(check_xml, file.file)
        await file.seek(0)
    stored = await service.documents.take(file.file, plain_name(file.filename))

    async def act(session: AsyncSession) -> Answer:
        row = File(
            id=new_id("file"),
            tenant_id=caller.tenant,
            name=stored.name,
            media_type=media,
            sha256=stored.sha256,
            size=stored.size,
            created_at=now(),
        )
        session.add(row)
        await session.flush()
        return 201, as_dict(_body(row))

    asked = {"sha256": stored.sha256, "name": stored.name}
    try:
        done = await once(service.store, Asked(caller.tenant, "POST /v1/files", key, asked), act)
    except RequestError:  # no row tells of what was stored: the next purge looks whether anybody else has it
        async with service.store.writing() as session:
            await condemn(session, {stored.sha256})
        raise
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/v1/files/{done.body['id']}"
    return FileBody.model_validate(done.body)


@router.get("/{file_id}", responses=also(404))
async def get_file(
    file_id: FileId, caller: Annotated[Caller, Depends(needs("jobs:read"))], service: Service
) -> FileBody:
    """Look at what is known of a file."""
    return _body(await _file(service, file_id, caller))


@router.get(
    "/{file_id}/content", response_class=FileResponse, responses=also(404) | as_media("application/octet-stream")
)
async def get_content(kept: Annotated[tuple[Path, str], Depends(_kept)]) -> FileResponse:
    """A file as it was sent; to be saved, never to be shown in a page."""
    path, name = kept
    return FileResponse(path, media_type="application/octet-stream", filename=name)


def _body(row: File) -> FileBody:
    names = set(FileBody.model_fields) - {"bytes", "object"}
    return FileBody(bytes=row.size, **{name: getattr(row, name) for name in names})
