"""The embedded runner: carries a pack's jobs to their outcome, or to the person who is asked, in this process."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentflow.connectors.documents import Documents
from agentflow.connectors.opening import open_connectors
from agentflow.engine.answer import Bounded
from agentflow.engine.attempt import Binder, Services, perform
from agentflow.engine.checkpoints import forget, open_checkpoints
from agentflow.engine.fencing import Fence, Savers
from agentflow.engine.graph import NOTES, Graph, Standing
from agentflow.engine.models import Budget, ModelConfig, Models
from agentflow.engine.trace import answered_line, asked_line
from agentflow.engine.trace_export import open_tracing
from agentflow.engine.trace_spans import JobTrace, Tracing, job_trace
from agentflow.engine.trust.figures import Figures
from agentflow.errors import AgentflowError, ConfigError, LeaseLost, RunError, StoreError
from agentflow.exams.stamping import fresh
from agentflow.flow.journal import Journal
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document, Record
from agentflow.flow.step import label
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import PriceList, Verification
from agentflow.jobs.logs import about, told
from agentflow.jobs.store import Store, dollars, open_store
from agentflow.jobs.tables import ENDED, Job, Status

log = logging.getLogger("agentflow.jobs")


class Runner:
    """A pack with everything its jobs need, open. One serves any number of jobs at once."""

    def __init__(
        self,
        pack: Pack,
        store: Store,
        terms: PriceList,
        savers: Savers,
        connectors: Mapping[type[Any], Any],
        models: Binder,
        tracing: Tracing | None = None,
    ) -> None:
        self.pack = pack
        self.store = store
        self._terms = terms
        self._savers = savers
        self._connectors = connectors
        self._models = models
        self._tracing = tracing
        self._graph = Graph(pack.workflow)
        self._figures, self.stale = fresh(
            Figures.model_validate(pack.calibration), pack, getattr(models, "configs", {})
        )
        for text in self.stale:
            log.warning(text)

    @property
    def documents(self) -> Documents:
        """The blob store."""
        return self._connectors[Documents]

    @property
    def unconnected(self) -> list[str]:
        """The connectors that say they have nothing to read, by name."""
        return [kind.name for kind, opened in self._connectors.items() if not getattr(opened, "connected", True)]

    async def submit(self, record: Record, name: str, sha256: str) -> Job:
        """Stores a job for an input; the same pack, name and content are one job, however often they are submitted."""
        job = Job(
            id=new_id("job"),
            pack=self.pack.name,
            pack_version=self.pack.version,
            input_name=name,
            input_sha256=sha256,
            input=record.model_dump(mode="json"),
            created_at=now(),
            price_list_id=self._terms.id,
        )
        return await self.store.submit(job)

    async def run(self, job: str, since: Sequence[Status] = ("queued", "running", "failed")) -> Job:
        """Carries the job on from where it stands, if it is `since`, until it ends or waits for a person.

        Safe to call again at any time: what is finished is never done twice. An error that the pack's code
        raises ends the job as failed, free of charge; the next call tries it again. Raises StoreError where the job
        database broke off: the job can be carried on once it answers again.
        """
        return await self.resume(await self._row(job), since)

    async def resume(self, row: Job, since: Sequence[Status] = ("queued", "running", "failed")) -> Job:
        """`run` for a job that was just read."""
        if row.status not in since:
            return await self._cleared(row)
        return await self._advance(row, row.answers or None, since)

    async def answer(self, job: str, answer: str, value: Mapping[str, Any], question: str | None = None) -> Job:
        """Gives a person's answer, an `answer` record with fields `value`, and carries the job on.

        `question` is needed only where several are open. Raises RunError where the job asks nothing of that kind.
        """
        row = await self._row(job)
        answers = self.answered(row, answer, value, question)
        return await self._advance(row, answers, ("awaiting_review",), given=True)

    def answered(self, row: Job, answer: str, value: Mapping[str, Any], question: str | None = None) -> dict[str, Any]:
        """The answer by question id, as a step reads it. Raises RunError where the job asks nothing of that kind."""
        asked = _asked(row, question)
        if answer not in row.questions[asked]["answers"]:
            names = ", ".join(row.questions[asked]["answers"])
            raise RunError(f"job {row.id} cannot be answered with {answer}; it takes {names}")
        return {asked: {"type": answer, "value": _valid(self.pack, answer, value)}}

    async def _row(self, job: str) -> Job:
        row = await self.store.get(job)
        if row is None:
            raise RunError(f"there is no job {job} in this database; `agentflow review list` shows what there is")
        return row

    async def _advance(
        self, row: Job, answers: Mapping[str, Any] | None, since: Sequence[Status], *, given: bool = False
    ) -> Job:
        """`given` says that a person waits for what becomes of the answer."""
        number = await self.store.begin(row.id, since=since, terms=self._terms.id, fence=row.fence)
        if number is None:
            row = await self._row(row.id)
            if not given:
                return await self._cleared(row)
            raise RunError(f"job {row.id} is {row.status} by now; somebody else was faster")
        with about(job=row.id, pack=row.pack, tenant=row.tenant_id):
            log.info("job begun")
            try:
                return await self._traced(row, answers, Fence(row.id, number))
            except LeaseLost:  # whoever took the job over carries it on; or it was canceled
                log.info("job taken over, or canceled")
                return await self._cleared(await self._row(row.id))

    async def _cleared(self, row: Job) -> Job:
        """The job; what a run that was killed right after its end has left of its steps is deleted."""
        if row.status in ENDED:
            await forget(row.id, self._savers(Fence(row.id, row.fence)))
        return row

    async def _traced(self, row: Job, answers: Mapping[str, Any] | None, fence: Fence) -> Job:
        named = {"job": row.id, "pack": row.pack, "version": row.pack_version, "sha256": row.input_sha256}
        with job_trace(self._tracing, **named) as trace:
            job = await self._carry(row, answers, fence, trace)
            log.info(
                "job rests", extra={"status": job.status, "outcome": job.outcome, "seconds": round(job.seconds, 3)}
            )
            trace.ended(job.status, job.outcome, job.cost_micros, [problem["code"] for problem in job.problems])
            return job

    async def _carry(self, row: Job, answers: Mapping[str, Any] | None, fence: Fence, trace: JobTrace) -> Job:
        journal = trace.kept(self.store.journal(row.id, fence.number))
        services = Services(row.id, self._connectors, await self._within(row), journal, self._figures)

        async def do(step: Any, reads: Sequence[Any], item: int | None) -> Any:
            try:
                with trace.step(step.name, item) as told:
                    verdict = await perform(step, reads, services, item)
                    told.ended(verdict)
                    return verdict
            except Exception as error:
                error.add_note(f"in step {step.name}")
                raise

        began = time.monotonic()
        try:
            saver = self._savers(fence)
            standing = await self._move(row, saver, do, answers, journal)
            for asked in [key for key in standing.questions if key not in row.questions]:
                await journal.attempt(asked_line(standing.questions[asked]))
            job = await self._settle(row, fence, standing, time.monotonic() - began)
            if job.status == "finished":
                await forget(row.id, saver)
            return job
        except (LeaseLost, StoreError):
            raise  # neither is the job's own failure
        except Exception as error:  # noqa: BLE001 - whatever a pack's code raises fails its own job and no other
            return await self._fail(row, fence, error, answers is not None, time.monotonic() - began)

    async def _within(self, row: Job) -> Binder:
        """The models, held to what the job may still cost and how long it may still work."""
        usd, seconds = self.pack.budget, self.pack.deadline
        if (usd is None and seconds is None) or not isinstance(self._models, Bounded):
            return self._models
        micros, _ = await self.store.cost(row.id)
        usd = None if usd is None else max(Decimal(0), usd - dollars(micros))
        return self._models.within(usd=usd, seconds=None if seconds is None else max(0.0, seconds - row.seconds))

    async def _move(
        self, row: Job, saver: Any, do: Any, answers: Mapping[str, Any] | None, journal: Journal
    ) -> Standing:
        never = row.fence == 0  # nobody has begun it before
        standing = Standing({}, {}, begun=False) if never else await self._graph.standing(row.id, saver)
        if not standing.begun and answers:
            raise RunError("the steps of this job are not kept here; name the folder of its run with --out")
        answers = {asked: given for asked, given in (answers or {}).items() if asked in standing.questions}
        if not standing.begun:
            return await self._graph.start(row.id, saver, do, self.pack.workflow.takes.model_validate(row.input))
        if standing.outcome or (standing.questions and not answers):
            return standing
        for asked, given in answers.items():
            await journal.attempt(answered_line(standing.questions[asked], given["type"], given["value"]))
        return await self._graph.go_on(row.id, saver, do, answers)

    async def _settle(self, row: Job, fence: Fence, standing: Standing, seconds: float) -> Job:
        if not standing.outcome and not standing.questions:
            raise RunError(
                f"job {row.id} ended without an outcome; check that every join of the workflow can be reached"
            )
        micros, roles = await self.store.cost(row.id)
        output, evidence = _output(self.pack, standing)
        values: dict[str, Any] = {
            "output": output,
            "evidence": evidence,
            "problems": _problems(standing),
            "questions": dict(standing.questions),
            "sources": sorted({*roles, *(e["source"] for e in evidence.values())}),
            "cost_micros": micros,
            "seconds": row.seconds + seconds,
            "answers": {},
        }
        if not standing.outcome:
            return await self.store.change(row.id, fence.number, status="awaiting_review", **values)
        values |= {"result": standing.state[standing.outcome]}
        passed = await self.store.passed(row.id)
        verification = _verified(row, standing.outcome, values, passed)
        return await self.store.finish(row.id, verification, fence.number, **values)

    async def _fail(self, row: Job, fence: Fence, error: Exception, answered: bool, seconds: float) -> Job:
        if answered and isinstance(error, RunError):  # the answer did not fit: the question stays as it was
            await self.store.change(row.id, fence.number, status="awaiting_review", questions=row.questions, answers={})
            raise error
        log.warning("job failed", extra={"error": told(error)})
        micros, roles = await self.store.cost(row.id)
        where = next(iter(getattr(error, "__notes__", [])), "")  # ours comes first; LangGraph adds its own behind it
        text = str(error) if isinstance(error, AgentflowError) else f"{type(error).__name__}: {error}"
        text = f"{text} ({where})" if where else text
        problem = {"code": "failed", "message": text, "path": "", "severity": "error", "reference": None}
        return await self.store.fail(
            row.id,
            fence.number,
            problems=[problem],
            cost_micros=micros,
            sources=roles,
            seconds=row.seconds + seconds,
        )


@asynccontextmanager
async def open_runner(
    pack: Pack,
    *,
    home: Path,
    database: str | None = None,
    connect: Mapping[str, str] | None = None,
    models: Mapping[str, ModelConfig] | Binder | None = None,
    budget: Decimal | None = None,
) -> AsyncGenerator[Runner]:
    """Opens what the pack's jobs need.

    `home` is the folder that keeps documents and, unless `database` (a SQLAlchemy URL) says otherwise, the job
    store. `connect` gives URLs by connector name; `models` are the roles of models.toml, or what binds them by itself
    and keeps its own budget; `budget` is in USD. Raises ConfigError and ConnectorError.
    """
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    jobs = database or f"sqlite:///{home / 'agentflow.db'}"
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(jobs))
        opened = await open_connectors(stack, pack, home, connect or {})
        terms = await store.accept(pack)
        savers = await stack.enter_async_context(open_checkpoints(jobs, store.turns))
        tracing = await stack.enter_async_context(open_tracing())
        yield Runner(pack, store, terms, savers, opened, _binder(models, budget), tracing)


def _binder(models: Mapping[str, ModelConfig] | Binder | None, budget: Decimal | None) -> Binder:
    if models is None or isinstance(models, Mapping):
        return Models(models or {}, Budget(budget))
    if budget is not None:
        raise ConfigError("budget= counts for roles of models.toml; give the binder its own, as Models(..., Budget())")
    return models


def _verified(row: Job, outcome: str, values: Mapping[str, Any], passed: Sequence[Any]) -> Verification:
    """The record that the charge rests on: what reached an outcome has passed every check on its way."""
    told = json.dumps([values["result"], values["output"]], sort_keys=True, default=str)
    return Verification(
        id=new_id("vf"),
        job_id=row.id,
        tenant_id=row.tenant_id,
        outcome=outcome,
        verdict="pass",
        fault="none",
        checks=list(passed),
        sources=values["sources"],
        pack_version=row.pack_version,
        input_sha256=row.input_sha256,
        output_sha256=sha256(told.encode()).hexdigest(),
        created_at=now(),
    )


def _asked(row: Job, question: str | None) -> str:
    if question is None and len(row.questions) == 1:
        return next(iter(row.questions))
    if question in row.questions:
        return question
    if not row.questions:
        raise RunError(f"job {row.id} is {row.status} and asks nothing")
    raise RunError(f"job {row.id} asks {len(row.questions)} questions; name one of {', '.join(row.questions)}")


def _valid(pack: Pack, answer: str, value: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return pack.workflow.record(answer).model_validate(value).model_dump(mode="json")
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise RunError(f"the answer is no valid {answer}: {found}") from error


def _output(pack: Pack, standing: Standing) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What the customer gets, and the evidence by field: of a finished job the trusted record, else the proposal."""
    wanted = label(pack.delivers) if pack.delivers else standing.outcome
    proposals = [q["value"] for q in standing.questions.values() if q["type"] == wanted]
    found = proposals[0] if proposals else standing.state.get(wanted or "")
    if found is None:
        return None, {}
    return {name: value for name, value in found.items() if name != "evidence"}, found.get("evidence") or {}


def _problems(standing: Standing) -> list[Any]:
    asked = [reason for question in standing.questions.values() for reason in question["reasons"]]
    outcome: Mapping[str, Any] = standing.state[standing.outcome] if standing.outcome else {}
    told: list[Any] = outcome.get("problems", [])
    return [*asked, *standing.state.get(NOTES, []), *told]


def cost_of(job: Job) -> Decimal:
    """What the job's model calls cost, USD."""
    return dollars(job.cost_micros)


def is_document(pack: Pack) -> bool:
    """True if the pack takes files as they are."""
    return pack.workflow.takes is Document
