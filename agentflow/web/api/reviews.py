"""/v1/reviews: what jobs ask a person, and the answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.jobs import reviewing
from agentflow.jobs.idempotency import Answer, Asked, once
from agentflow.jobs.keys import Caller
from agentflow.jobs.service import Agentflow
from agentflow.jobs.tables import Job
from agentflow.web.api.deps import (
    Cursor,
    IdempotencyKey,
    IfMatch,
    JobId,
    Limit,
    Service,
    after,
    as_dict,
    needs,
    rest,
)
from agentflow.web.api.shapes import (
    AnswerGiven,
    ClaimBody,
    ClaimGiven,
    Held,
    JobBody,
    LeaseGiven,
    Page,
    Question,
    ReviewBody,
)
from agentflow.web.api.standing import show
from agentflow.web.openapi import also
from agentflow.web.problems import Problem

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])
Writer = Annotated[Caller, Depends(needs("reviews:write"))]
Reader = Annotated[Caller, Depends(needs("reviews:read"))]


@router.get("", responses=also())
async def list_reviews(
    caller: Reader,
    service: Service,
    pack: Annotated[str | None, Query(max_length=100)] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ReviewBody]:
    """List the jobs that wait for a person, the oldest first."""
    waiting = (Job.tenant_id == caller.tenant, Job.status == "awaiting_review", Job.pack.in_(service.packs))
    query = select(Job).where(*waiting).order_by(Job.id).limit(limit + 1)
    query = query.where(Job.pack == pack) if pack is not None else query
    last = after(cursor)
    query = query.where(Job.id > last) if last else query
    async with service.store.looking() as session:
        rows = (await session.scalars(query)).all()
    data = [_body(service, row) for row in rows[:limit]]
    return Page(data=data, **rest(rows, limit))


@router.post("/claim-next", response_model=ClaimBody, responses=also(204))
async def claim_next(given: ClaimGiven, caller: Writer, service: Service, response: Response) -> Response | ClaimBody:
    """Claim the next review that nobody holds, the one due first, for ten minutes; 204 where there is none."""
    by = given.by or f"key {caller.key}"
    async with service.store.writing() as session:
        job = await reviewing.claim_next(session, caller.tenant, service.packs, by, given.pack)
    return Response(status_code=204) if job is None else _claimed(service, job, response)


@router.post("/{job_id}/heartbeat", responses=also(404, 409))
async def heartbeat(
    job_id: JobId, given: LeaseGiven, caller: Writer, service: Service, response: Response
) -> ClaimBody:
    """Hold a claimed review for ten minutes more; 409 where the claim is lost."""
    async with service.store.writing() as session:
        job = await reviewing.heartbeat(session, caller.tenant, job_id, given.lease)
    return _claimed(service, job, response)


@router.post("/{job_id}/release", responses=also(404, 409))
async def release(job_id: JobId, given: LeaseGiven, caller: Writer, service: Service, response: Response) -> ReviewBody:
    """Give a claimed review back to the queue; 409 where the claim is lost."""
    async with service.store.writing() as session:
        job = await reviewing.release(session, caller.tenant, job_id, given.lease)
    return _seen(service, job, response)


@router.get("/{job_id}", responses=also(404, 409))
async def get_review(job_id: JobId, caller: Reader, service: Service, response: Response) -> ReviewBody:
    """Look at what a job asks; its ETag goes into the answer's If-Match."""
    job = await service.job(job_id, caller.tenant)
    if job.status != "awaiting_review":
        raise Problem("not-waiting", f"The job is {job.status}.")
    return _seen(service, job, response)


@router.post("/{job_id}/answer", status_code=202, responses=also(404, 409, 412, 428))
async def answer(
    job_id: JobId,
    given: AnswerGiven,
    key: IdempotencyKey,
    caller: Writer,
    service: Service,
    response: Response,
    seen: IfMatch = None,
) -> JobBody:
    """Answer a question; the job goes on with it. What somebody holds takes the number of their claim as `lease`."""
    if seen is None:
        raise Problem("version-missing", "Send If-Match with the ETag of the review that was looked at.")
    version = _version(seen)

    async def act(session: AsyncSession) -> Answer:
        by = given.by or f"key {caller.key}"
        args = (job_id, given.answer, given.value, given.question, caller.tenant, version, by, given.lease)
        job = await service.answer_in(session, *args)
        return 202, as_dict(await show(session, job, live=service.live))

    asked = {**as_dict(given), "if_match": seen}
    done = await once(service.store, Asked(caller.tenant, f"POST /v1/reviews/{job_id}", key, asked), act)
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return JobBody.model_validate(done.body)


def _version(seen: str) -> int | None:
    tag = seen.strip().removeprefix('"').removesuffix('"')
    if tag == "*":
        return None
    if not (tag.isascii() and tag.isdigit() and len(tag) < 10):
        raise Problem("stale-version", "If-Match is no ETag of this review.")
    return int(tag)


def _claimed(service: Agentflow, job: Job, response: Response) -> ClaimBody:
    return ClaimBody(**dict(_seen(service, job, response)), lease=job.lease_number)


def _seen(service: Agentflow, job: Job, response: Response) -> ReviewBody:
    """The review, with the ETag that goes into the answer's If-Match."""
    response.headers["ETag"] = f'"{job.version}"'
    return _body(service, job)


def _body(service: Agentflow, job: Job) -> ReviewBody:
    pack = service.pack(job.pack)
    questions = [_question(name, asked) for name, asked in job.questions.items()]
    answers = dict.fromkeys(name for one in questions for name in one.answers)
    return ReviewBody(
        id=job.id,
        job=job.id,
        pack=job.pack,
        reference=job.input_name,
        version=job.version,
        questions=questions,
        forms={name: pack.workflow.record(name).model_json_schema() for name in answers},
        problems=job.problems,
        held=_held(job),
        deadline_at=job.deadline_at,
        created_at=job.created_at,
    )


def _held(job: Job) -> Held | None:
    if job.lease_by is None or job.lease_until is None or not reviewing.is_held(job):
        return None
    return Held(by=job.lease_by, until=job.lease_until)


def _question(name: str, asked: dict[str, Any]) -> Question:
    same = ("kind", "step", "answers", "reasons")
    return Question(id=name, shown_type=asked["type"], shown=asked["value"], **{field: asked[field] for field in same})
