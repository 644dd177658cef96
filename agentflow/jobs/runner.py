"""The embedded runner: carries a pack's jobs to their outcome, or to the person who is asked, in this process."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from agentflow.connectors.documents import Documents
from agentflow.engine.attempt import Binder, Services, perform
from agentflow.engine.checkpoints import forget
from agentflow.engine.fencing import Fence, Savers
from agentflow.engine.graph import Graph, Standing
from agentflow.engine.metrics import MeteredJournal, Metrics
from agentflow.engine.trace import answered_line, asked_line
from agentflow.engine.trace_spans import JobTrace, Tracing, job_trace
from agentflow.engine.trust.figures import Figures
from agentflow.errors import AgentflowError, CostError, DeadlineError, LeaseLost, RunError, StoreError
from agentflow.exams.stamping import fresh
from agentflow.flow.journal import Journal
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document, Record
from agentflow.jobs.answering import answered
from agentflow.jobs.ids import new_id, now
from agentflow.jobs.ledger.tables import PriceList
from agentflow.jobs.limits import in_time, within
from agentflow.jobs.logs import about, told
from agentflow.jobs.promises import demotions, lowered, without
from agentflow.jobs.resting import resting
from agentflow.jobs.reviewing import is_held
from agentflow.jobs.store import Store, dollars
from agentflow.jobs.tables import ENDED, Job, Status
from agentflow.jobs.verification import definition_of

log = logging.getLogger("agentflow.jobs")

DEMOTIONS_EVERY = 60.0
"""Seconds after which a runner looks again whether a source was demoted."""


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
        metrics: Metrics | None = None,
    ) -> None:
        self.pack = pack
        self.store = store
        self._terms = terms
        self._savers = savers
        self._connectors = connectors
        self._models = models
        self._tracing = tracing
        self._metrics = metrics
        self._graph = Graph(pack.workflow)
        self._figures, self.stale = fresh(
            Figures.model_validate(pack.calibration), pack, getattr(models, "configs", {})
        )
        self._definition = definition_of(pack, self._figures)
        for text in self.stale:
            log.warning(text)
        self._demoted: tuple[float, Mapping[str, Sequence[str]], Figures] = (-math.inf, {}, self._figures)

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
        answers = answered(self.pack, row, answer, value, question)
        return await self._advance(row, answers, ("awaiting_review",), given=True)

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
            if is_held(row):
                text = f"job {row.id} is looked at by {row.lease_by}, until {row.lease_until:%H:%M} UTC; answer it then"
                raise RunError(text)
            raise RunError(f"job {row.id} is {row.status} by now; somebody else was faster")
        return await self._carried(row, answers, Fence(row.id, number))

    async def carry(self, row: Job) -> Job:
        """Carries on a job that was taken over, as the store's `take` gives it."""
        return await self._carried(row, row.answers or None, Fence(row.id, row.fence))

    async def _carried(self, row: Job, answers: Mapping[str, Any] | None, fence: Fence) -> Job:
        with about(job=row.id, pack=row.pack, tenant=row.tenant_id):
            log.info("job begun")
            if self._metrics:
                self._metrics.claimed(row.pack, again=fence.again)
            try:
                return await self._traced(row, answers, fence)
            except LeaseLost:  # whoever took the job over carries it on; or it was canceled
                log.info("job taken over, or canceled")
                return await self._cleared(await self._row(row.id))

    async def _cleared(self, row: Job) -> Job:
        """The job; what a run that was killed right after its end has left of its steps is deleted."""
        if row.status in ENDED:
            await forget(Fence(row.id, row.fence), self.store)
        return row

    async def _traced(self, row: Job, answers: Mapping[str, Any] | None, fence: Fence) -> Job:
        named = {"job": row.id, "pack": row.pack, "version": row.pack_version, "sha256": row.input_sha256}
        with job_trace(self._tracing, **named) as trace:
            job = await self._carry(row, answers, fence, trace)
            log.info(
                "job rests", extra={"status": job.status, "outcome": job.outcome, "seconds": round(job.seconds, 3)}
            )
            if self._metrics:
                self._metrics.ended(row.pack, job.status, job.outcome, job.seconds)
            trace.ended(job.status, job.outcome, job.cost_micros, [problem["code"] for problem in job.problems])
            return job

    async def _carry(self, row: Job, answers: Mapping[str, Any] | None, fence: Fence, trace: JobTrace) -> Job:
        kept = self.store.journal(row.id, fence.number, later=True)
        journal = trace.kept(kept)
        if self._metrics:
            journal = MeteredJournal(journal, self._metrics, row.pack)
        models = await within(self.pack, row, self._models, self.store)
        by_step, figures = await self._as_demoted()
        services = Services(row.id, self._connectors, models, journal, figures)

        async def do(step: Any, reads: Sequence[Any], item: int | None) -> Any:
            try:
                in_time(row)
                with trace.step(step.name, item) as told:
                    verdict = await perform(lowered(step, by_step), reads, services, item)
                    told.ended(verdict)
                    return verdict
            except Exception as error:
                error.add_note(f"in step {step.name}")
                raise

        began = time.monotonic()
        try:
            saver = self._savers(fence, kept)
            standing = await self._move(row, fence, saver, do, answers, journal)
            for asked in [key for key in standing.questions if key not in row.questions]:
                await journal.attempt(asked_line(standing.questions[asked]))
            await kept.flush()
            ended = resting(self.pack, row, fence, standing, time.monotonic() - began, self._definition)
            job = await self.store.at_once(ended)
            return job if job.status == "finished" else await self._cleared(job)
        except (LeaseLost, StoreError):
            raise  # neither is the job's own failure
        except Exception as error:  # noqa: BLE001 - whatever a pack's code raises fails its own job and no other
            await kept.flush()
            return await self._fail(row, fence, error, answers is not None, time.monotonic() - began)
        finally:
            with suppress(LeaseLost, StoreError):
                await kept.flush()

    async def _as_demoted(self) -> tuple[Mapping[str, Sequence[str]], Figures]:
        """The sources that are demoted, by step, and the figures without them; asked for once in a while."""
        at, before, figures = self._demoted
        if time.monotonic() - at >= DEMOTIONS_EVERY:
            now_demoted = await demotions(self.store, self.pack.name)
            if now_demoted != before:
                figures = without(self._figures, now_demoted)
                log.warning("demoted in %s: %s", self.pack.name, now_demoted or "nobody")
            self._demoted = (time.monotonic(), now_demoted, figures)
        return self._demoted[1:]

    async def _move(
        self, row: Job, fence: Fence, saver: Any, do: Any, answers: Mapping[str, Any] | None, journal: Journal
    ) -> Standing:
        nowhere = Standing({}, {}, begun=False)
        standing = await self._graph.standing(row.id, saver) if fence.again else nowhere
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

    async def _fail(self, row: Job, fence: Fence, error: Exception, answered: bool, seconds: float) -> Job:
        ended = isinstance(error, (CostError, DeadlineError))
        if answered and isinstance(error, RunError) and not ended:  # it did not fit: the question stays as it was
            await self.store.change(row.id, fence.number, status="awaiting_review", questions=row.questions, answers={})
            raise error
        log.warning("job failed", extra={"error": told(error)})
        micros, models = await self.store.cost(row.id)
        where = next(iter(getattr(error, "__notes__", [])), "")  # ours comes first; LangGraph adds its own behind it
        text = str(error) if isinstance(error, AgentflowError) else f"{type(error).__name__}: {error}"
        text = f"{text} ({where})" if where else text
        code = "budget" if isinstance(error, CostError) else "failed"
        problem = {"code": code, "message": text, "path": "", "severity": "error", "reference": None}
        failed = await self.store.fail(
            row.id,
            fence.number,
            problems=[problem],
            cost_micros=micros,
            sources=sorted(models),
            seconds=row.seconds + seconds,
        )
        return await self._cleared(failed)


def cost_of(job: Job) -> Decimal:
    """What the job's model calls cost, USD."""
    return dollars(job.cost_micros)


def is_document(pack: Pack) -> bool:
    """True if the pack takes files as they are."""
    return pack.workflow.takes is Document
