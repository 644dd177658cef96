"""/v1/jobs: submit, look at, list and cancel jobs; their results and what was verified."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime
from sqlalchemy import select
from sqlalchemy.orm import Session

from agentflow.flow.record import Document, Record
from agentflow.jobs.accepting import Terms, accept
from agentflow.jobs.api_tables import File
from agentflow.jobs.following import RESTING, job_of
from agentflow.jobs.idempotency import Answer, Asked, once_in_a_thread
from agentflow.jobs.keys import Caller
from agentflow.jobs.ledger.tables import Verification
from agentflow.jobs.orders import order_of, record_of
from agentflow.jobs.runner import is_document
from agentflow.jobs.service import Agentflow
from agentflow.jobs.tables import Job, Status
from agentflow.web.api.deps import (
    CancelAfter,
    Cursor,
    IdempotencyKey,
    IfNoneMatch,
    InRoom,
    JobId,
    Limit,
    Prefer,
    Service,
    as_dict,
    deadline_of,
    needs,
    newest,
    rest,
    seconds_to_wait,
    tagged,
    utc,
)
from agentflow.web.api.shapes import JobBody, JobGiven, Page, ResultBody, VerificationBody, VerifiedStep
from agentflow.web.api.standing import fresh, show, show_in_a_thread, shown
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
Reader = Annotated[Caller, Depends(needs("jobs:read"))]
Writer = Annotated[Caller, Depends(needs("jobs:write"))]
STEP = tuple(set(VerifiedStep.model_fields) - {"checks"})
COME_BACK = "1"
"""Seconds after which it is worth to look at a job again."""


@router.post("", status_code=202, response_model=JobBody, responses=also(JobBody, 200, 402, 404, 409))
async def submit(
    given: JobGiven,
    key: IdempotencyKey,
    caller: Writer,
    service: Service,
    room: InRoom,
    response: Response,
    prefer: Prefer = None,
    cancel_after: CancelAfter = None,
) -> JobBody | Response:
    """Accept a job: its price is set aside, and charged only for an outcome that is verified.

    The same content again within 30 days is the same job, with its own deadline, and costs nothing more. With
    `Prefer: wait=N` the answer is 200 if the job rests by then.
    """
    await room.check(caller.tenant)
    pack = service.pack(given.pack)
    record = await _record(service, caller, given)
    most = given.max_price
    terms = await service.terms(pack, caller.tenant)
    _same_currency(terms, given)
    order = order_of(
        pack,
        record,
        name=given.reference,
        tenant=caller.tenant,
        labels=given.metadata,
        most_minor=most.amount_minor if most else None,
        deadline=deadline_of(cancel_after, given.deadline_s),
    )

    def act(session: Session) -> Answer:
        job, held = accept(session, order, terms, service.engine)
        if held is not None:
            return 202, as_dict(fresh(job, held, live=service.live))
        body = show_in_a_thread(session, job, live=service.live)
        return 202, as_dict(body.model_copy(update={"duplicate_of": job.id}))

    asked = as_dict(given) | ({"cancel_after": cancel_after} if cancel_after else {})
    done = await once_in_a_thread(service.store, Asked(caller.tenant, "POST /v1/jobs", key, asked), act)
    if done.body["duplicate_of"] is None and not done.replayed:
        room.took(caller.tenant)
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/v1/jobs/{done.body['id']}"
    response.headers["Retry-After"] = COME_BACK
    if not seconds_to_wait(prefer):
        return JSONResponse(done.body, 202, dict(response.headers))  # as it is stored, not once more through a model
    job = await _waited(service, done.body["id"], caller, prefer, response)
    async with service.store.looking() as session:
        body = await show(session, job, live=service.live)
    if job.status in RESTING:
        response.status_code = 200
        del response.headers["Retry-After"]
    return body.model_copy(update={"duplicate_of": done.body["duplicate_of"]})


@router.get("", responses=also())
async def list_jobs(
    caller: Reader,
    service: Service,
    status: Status | None = None,
    pack: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[AwareDatetime | None, Query(alias="created[gte]")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="created[lt]")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[JobBody]:
    """List jobs, the newest first."""
    query = select(Job).where(Job.tenant_id == caller.tenant)
    query = query.where(Job.status == status) if status else query
    query = query.where(Job.pack == pack) if pack is not None else query
    query = query.where(Job.created_at >= utc(since)) if since else query
    query = query.where(Job.created_at < utc(until)) if until else query
    async with service.store.looking() as session:
        rows = (await session.scalars(newest(query, Job.id, cursor, limit))).all()
        data = await shown(session, rows[:limit], live=service.live)
    return Page(data=data, **rest(rows, limit))


@router.get("/{job_id}", responses=also(JobBody, 304, 404))
async def get_job(
    job_id: JobId, caller: Reader, service: Service, response: Response, prefer: Prefer = None, seen: IfNoneMatch = None
) -> Response:
    """Look at a job; with `Prefer: wait=N` as soon as it rests."""
    job = await _waited(service, job_id, caller, prefer, response)
    if job.status not in RESTING:
        response.headers["Retry-After"] = COME_BACK
    async with service.store.looking() as session:
        return tagged(await show(session, job, live=service.live), seen, response)


@router.post("/{job_id}/cancel", status_code=202, responses=also(404, 409))
async def cancel(job_id: JobId, caller: Writer, service: Service) -> JobBody:
    """End a job free of charge; 409 where it has ended."""
    job = await service.cancel(job_id, caller.tenant)
    async with service.store.looking() as session:
        return await show(session, job, live=service.live)


@router.get("/{job_id}/result", responses=also(ResultBody, 304, 404, 409, 410))
async def result(job_id: JobId, caller: Reader, service: Service, seen: IfNoneMatch = None) -> Response:
    """What the job ended as, with the evidence by field; 409 while it has not, 410 once it was erased."""
    job = await service.job(job_id, caller.tenant)
    if job.erased_at is not None:
        raise Problem("gone", f"It was erased on {job.erased_at:%Y-%m-%d}; what it was charged stays.")
    if job.status != "finished" or job.outcome is None:
        raise Problem("not-ready", f"The job is {job.status}.", headers={"Retry-After": COME_BACK})
    body = ResultBody(
        job=job.id,
        outcome=job.outcome,
        output=job.output,
        record=job.result,
        evidence=job.evidence or {},
        problems=job.problems,
    )
    return tagged(body, seen)


@router.get("/{job_id}/verification", responses=also(404, 409))
async def verification(job_id: JobId, caller: Reader, service: Service) -> VerificationBody:
    """What the charge rests on; 409 while the job has not finished."""
    async with service.store.looking() as session:
        job = await job_of(session, job_id, caller.tenant)
        mine = (Verification.job_id == job.id, Verification.tenant_id == caller.tenant)
        row = await session.scalar(select(Verification).where(*mine).order_by(Verification.id.desc()).limit(1))
    if row is None:
        raise Problem("not-ready", f"The job is {job.status}.", headers={"Retry-After": COME_BACK})
    names = set(VerificationBody.model_fields) - {"job", "checks"}
    steps = [
        VerifiedStep(**{name: each.get(name) for name in STEP}, checks=each.get("checks", [])) for each in row.checks
    ]
    return VerificationBody(job=row.job_id, checks=steps, **{name: getattr(row, name) for name in names})


async def _waited(service: Agentflow, job: str, caller: Caller, prefer: str | None, response: Response) -> Job:
    seconds = seconds_to_wait(prefer)
    if not seconds:
        return await service.job(job, caller.tenant)
    response.headers["Preference-Applied"] = f"wait={int(seconds)}"
    return await service.wait(job, caller.tenant, seconds)


async def _record(service: Agentflow, caller: Caller, given: JobGiven) -> Record:
    pack = service.pack(given.pack)
    if (given.input is None) == (given.file_id is None):
        raise Problem("invalid", "Send either `input` or `file_id`.", errors=[{"pointer": "/input", "code": "one_of"}])
    if given.input is not None:
        return record_of(pack, given.input)
    if not is_document(pack):
        raise Problem("invalid", "This pack takes `input`.", errors=[{"pointer": "/file_id", "code": "unexpected"}])
    async with service.store.looking() as session:
        mine = (File.id == given.file_id, File.tenant_id == caller.tenant)
        file = await session.scalar(select(File).where(*mine))
    if file is None:
        raise Problem("not-found", "There is no such file.")
    return Document(name=file.name, sha256=file.sha256, size=file.size)


def _same_currency(terms: Terms, given: JobGiven) -> None:
    if given.max_price and given.max_price.currency != terms.listed.currency:
        pointer = {"pointer": "/max_price/currency", "code": "currency"}
        raise Problem("invalid", "The pack is priced in another currency.", errors=[pointer])
