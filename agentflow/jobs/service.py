"""Agentflow as a library: submit jobs of packs, wait for their outcome, answer their reviews, cancel them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from agentflow.connectors.documents import Documents
from agentflow.engine.attempt import Binder
from agentflow.engine.models import ModelConfig
from agentflow.engine.telemetry import watching
from agentflow.errors import ConfigError, RequestError, StoreError
from agentflow.flow.pack import Pack
from agentflow.flow.record import Document, Record
from agentflow.jobs import following, reviewing
from agentflow.jobs.accepting import Terms, accept
from agentflow.jobs.answering import answered
from agentflow.jobs.deadlines import sweeping
from agentflow.jobs.dispatch import Engine, standing
from agentflow.jobs.ending import end_free, overdue
from agentflow.jobs.engines.inline import InlineEngine
from agentflow.jobs.following import job_of
from agentflow.jobs.ledger.prices import dearest
from agentflow.jobs.ledger.tables import Reservation
from agentflow.jobs.opening import open_runner
from agentflow.jobs.orders import Order, order_of
from agentflow.jobs.runner import Runner
from agentflow.jobs.store import Store, open_store
from agentflow.jobs.tables import ENDED, LOCAL, Job
from agentflow.jobs.telling.addresses import Gate
from agentflow.jobs.telling.courier import Courier
from agentflow.jobs.telling.sending import Sender
from agentflow.jobs.telling.sinks import BillingSink
from agentflow.jobs.telling.tables import Outbox

PUBLIC = Gate()
log = logging.getLogger("agentflow.jobs")


@dataclass(frozen=True)
class Part:
    """A pack that jobs are taken for, and what runs it."""

    pack: Pack
    models: Mapping[str, ModelConfig] | Binder | None = None
    connect: Mapping[str, str] = field(default_factory=dict[str, str])


class Agentflow:
    """Packs in service: `async with Agentflow([pack], home=...) as af: job = await af.submit(pack, record)`.

    `database` is a SQLAlchemy URL, by default a SQLite file in `home`; `documents` is where documents lie, a folder or
    a URL that fsspec knows, by default the folder `documents` in `home`. `packs` are packs or `Part`s, which say what
    models and connections a pack has. `engine` carries jobs to workers; by default this process works itself,
    `concurrency` jobs at once. With `work=False` it only accepts and shows jobs. `tell` says whether it takes events to
    webhooks and `sinks`; where it works it does.
    """

    def __init__(
        self,
        packs: Sequence[Pack | Part],
        *,
        home: Path | str,
        database: str | None = None,
        documents: str | None = None,
        engine: Engine | None = None,
        concurrency: int = 8,
        work: bool = True,
        tell: bool | None = None,
        budget: Decimal | None = None,
        live: bool = True,
        most_waiting: int = 10_000,
        sinks: Sequence[BillingSink] = (),
        gate: Gate = PUBLIC,
        grace: float = 30.0,
    ) -> None:
        self._parts = {p.name: p for p in (pack.pack if isinstance(pack, Part) else pack for pack in packs)}
        self._settings = [pack if isinstance(pack, Part) else Part(pack) for pack in packs]
        self.home = Path(home)
        self.database = database or f"sqlite:///{self.home / 'agentflow.db'}"
        named = [part.connect[Documents.name] for part in self._settings if Documents.name in part.connect]
        self._documents = documents or next(iter(named), None)
        self._given_engine = engine
        self._concurrency = concurrency
        self._work = work
        self._tell = work if tell is None else tell
        self._budget = budget
        self.gate = gate
        """Which URLs tenants' events may be sent to."""
        self._sinks = sinks
        self._grace = grace
        self.live = live
        """False where no money is meant."""
        self.most_waiting = most_waiting
        """Jobs that may wait in the engine before new ones are told to come back."""
        self._stack = AsyncExitStack()
        self._working = AsyncExitStack()
        self._draining = asyncio.Lock()
        self._runners: dict[str, Runner] = {}
        self._terms: dict[tuple[str, str], Terms] = {}
        self._publishing = asyncio.Lock()
        self.store: Store
        self.documents: Documents
        self.engine: Engine

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.home.mkdir, parents=True, exist_ok=True)
        async with AsyncExitStack() as stack:
            self.store = await stack.enter_async_context(open_store(self.database))
            self.documents = await stack.enter_async_context(Documents.open(self._documents, self.home))
            store = {Documents.name: self._documents} if self._documents else {}
            for part in self._settings:
                self._runners[part.pack.name] = await stack.enter_async_context(
                    open_runner(
                        part.pack,
                        home=self.home,
                        database=self.database,
                        connect={**part.connect, **store},
                        models=part.models,
                        budget=self._budget,
                        store=self.store,
                    )
                )
            self.engine = self._given_engine or InlineEngine(grace=self._grace)
            await stack.enter_async_context(watching(partial(standing, self.engine)))
            if self._tell:
                courier = Courier(self.store, Sender(self.gate), self._sinks)
                await stack.enter_async_context(courier.working())
            if self._work:
                if self._given_engine is None:
                    await self._take_up()
                stack.push_async_callback(self.drain)
                await self._working.enter_async_context(self.engine.serve(self.run, concurrency=self._concurrency))
            if self._work or self._tell:
                await stack.enter_async_context(sweeping(self.store, self.engine))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def drain(self) -> None:
        """Takes up no more jobs; those under way have the grace to end, or are handed back. All else goes on."""
        async with self._draining:
            await self._working.aclose()

    @property
    def packs(self) -> Mapping[str, Pack]:
        """The packs that jobs are taken for, by name."""
        return self._parts

    def pack(self, name: str) -> Pack:
        """The pack of that name. Raises RequestError where it is not served."""
        if name not in self._parts:
            raise RequestError("There is no such pack here; GET /v1/prices lists them.", code="unknown-pack")
        return self._parts[name]

    async def submit(
        self,
        pack: Pack | str,
        given: Record | Path | bytes,
        *,
        name: str | None = None,
        tenant: str = LOCAL,
        labels: Mapping[str, Any] | None = None,
        deadline: timedelta | None = None,
    ) -> "JobHandle":
        """Accepts a job for a record, or for a file as a path or its bytes.

        `name` tells it from another with the same content. What has not ended after `deadline` (of itself 30 days)
        expires, free of charge. Raises CapError where the tenant may not spend more.
        """
        pack = self.pack(pack if isinstance(pack, str) else pack.name)
        record = given if isinstance(given, Record) else await self._store_file(given, name)
        order = order_of(pack, record, name=name, tenant=tenant, labels=labels, deadline=deadline)
        terms = await self.terms(pack, tenant)
        job, _ = await self.store.at_once(lambda session: accept(session, order, terms, self.engine))
        return JobHandle(self, job.id, tenant)

    async def terms(self, pack: Pack, tenant: str) -> Terms:
        """The terms that the tenant's jobs of a pack are accepted under, published where they are new."""
        place = (pack.name, tenant)
        async with self._publishing:
            if place not in self._terms:
                try:
                    listed = await self.store.accept(pack, tenant)
                except IntegrityError:  # another process was publishing the same
                    listed = await self.store.accept(pack, tenant)
                async with self.store.looking() as session:
                    self._terms[place] = Terms(listed, await session.run_sync(dearest, listed.id))
        return self._terms[place]

    async def accept(self, session: AsyncSession, order: Order, terms: Terms) -> tuple[Job, Reservation | None]:
        """`accepting.accept` in the caller's transaction."""
        return await session.run_sync(accept, order, terms, self.engine)

    async def job(self, job: str, tenant: str = LOCAL) -> Job:
        """The tenant's job of that id. Raises RequestError where the tenant has none."""
        row, _ = await following.look(self.store, job, tenant)
        return row

    async def wait(self, job: str, tenant: str = LOCAL, seconds: float | None = None) -> Job:
        """The job as soon as it rests (ended, or waiting for a person), or as it is after `seconds`."""
        return await following.rest(self.store, job, tenant, seconds)

    def events(self, job: str, tenant: str = LOCAL, after: int = 0) -> AsyncGenerator[Outbox]:
        """The job's events behind number `after`, as they happen, until it ends or waits for a person."""
        return following.events(self.store, job, tenant, after)

    async def answer(
        self,
        job: str,
        answer: str,
        value: Mapping[str, Any],
        *,
        question: str | None = None,
        tenant: str = LOCAL,
        version: int | None = None,
        by: str = "",
        lease: int | None = None,
    ) -> Job:
        """Keeps a person's answer, an `answer` record with fields `value`, and hands the job on to be continued.

        `version` is the state of the job that the person has seen, `lease` the number of their claim, where they have
        claimed its review. Raises RunError where the answer does not fit, RequestError where the job asks nothing, has
        moved on, or somebody else holds its review.
        """
        async with self.store.writing() as session:
            return await self.answer_in(session, job, answer, value, question, tenant, version, by, lease)

    async def answer_in(
        self,
        session: AsyncSession,
        job: str,
        answer: str,
        value: Mapping[str, Any],
        question: str | None,
        tenant: str,
        version: int | None,
        by: str,
        lease: int | None = None,
    ) -> Job:
        """`answer` in the caller's transaction."""
        row = await job_of(session, job, tenant, lock=True)
        if version is not None and version != row.version:
            raise RequestError("The review has changed since it was read; read it again.", code="stale-version")
        if row.status != "awaiting_review" or overdue(row):
            state = "past its deadline" if overdue(row) else row.status
            raise RequestError(f"The job is {state} and asks nothing.", code="not-waiting")
        given = answered(self._runner(row.pack).pack, row, answer, value, question)
        await reviewing.decide(session, row, given, by, lease)
        await self.engine.submit(session, row.id, row.tenant_id)
        return row

    async def cancel(self, job: str, tenant: str = LOCAL) -> Job:
        """Ends a job free of charge. Raises RequestError where it has ended already."""
        async with self.store.writing() as session:
            row = await self.cancel_in(session, job, tenant)
        await self.engine.cancel(job)
        if runner := self._runners.get(row.pack):
            await runner.resume(row, since=())  # its checkpoints are deleted
        return row

    async def cancel_in(self, session: AsyncSession, job: str, tenant: str) -> Job:
        """`cancel` in the caller's transaction."""
        row = await job_of(session, job, tenant, lock=True)
        if row.status in (*ENDED, "failed"):
            raise RequestError(f"The job is {row.status} already.", code="job-terminal")
        await session.run_sync(end_free, row, "expired" if overdue(row) else "canceled")
        return row

    async def run(self, job: str) -> None:
        """Carries a job on; safe to call any number of times. What goes wrong stands in the job and in the log.

        Raises StoreError where the job database broke off: whoever carries jobs tries again.
        """
        row = await self.store.take(job, since=("queued", "running"), packs=self._runners)
        try:
            if row is not None:
                await self._runner(row.pack).carry(row)
            elif (row := await self.store.get(job)) is not None:
                await self._runner(row.pack).resume(row, since=())
        except StoreError:
            raise
        except Exception:
            log.exception("job could not be carried on", extra={"job": job})

    def _runner(self, pack: str) -> Runner:
        if pack not in self._runners:
            raise ConfigError(f"there is no pack {pack} here; serve it too, or finish its jobs where it is")
        return self._runners[pack]

    async def _take_up(self) -> None:
        """Hands over the jobs that an earlier process has left: an engine in memory has forgotten them."""
        async with self.store.writing() as session:
            open_ones = (Job.status.in_(("queued", "running")), Job.pack.in_(self._parts))
            for job, tenant in await session.execute(select(Job.id, Job.tenant_id).where(*open_ones).order_by(Job.id)):
                await self.engine.submit(session, job, tenant)

    async def _store_file(self, given: Path | bytes, name: str | None) -> Document:
        if isinstance(given, Path):
            return await self.documents.add(given, name or given.name)
        return Document(name=name or "document", sha256=await self.documents.put(given), size=len(given))


@dataclass(frozen=True)
class JobHandle:
    """A job that was submitted."""

    service: Agentflow
    id: str
    tenant: str = LOCAL

    async def outcome(self, seconds: float | None = None) -> Job:
        """The job as soon as it has ended or waits for a person, or as it is after `seconds`."""
        return await self.service.wait(self.id, self.tenant, seconds)

    def events(self, after: int = 0) -> AsyncGenerator[Outbox]:
        """What happens to it, until it ends or waits for a person."""
        return self.service.events(self.id, self.tenant, after)

    async def answer(self, answer: Record, question: str | None = None, by: str = "") -> Job:
        """Answers what the job asks a person."""
        fields = answer.model_dump(mode="json")
        kind = type(answer).__name__
        return await self.service.answer(self.id, kind, fields, question=question, tenant=self.tenant, by=by)

    async def cancel(self) -> Job:
        """Ends it free of charge."""
        return await self.service.cancel(self.id, self.tenant)
