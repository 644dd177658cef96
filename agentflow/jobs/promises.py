"""Promises kept: what the job store tells of a pack's live jobs, their audits, and the sources that were demoted.

Audits and demotions are rows of the job that they came from, like any attempt: added, never changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import select

from agentflow.engine.trace import PERSON, new_id
from agentflow.engine.trust.figures import Figures
from agentflow.errors import RunError
from agentflow.exams.drift import Seen, demoted, widened
from agentflow.exams.live_drift import Source, watched
from agentflow.exams.slo import Live, is_sampled
from agentflow.flow.journal import AttemptLine
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step
from agentflow.jobs.store import Store, dollars
from agentflow.jobs.tables import Attempt, Job

AUDIT, DEMOTED, REINSTATED = "audit", "demoted", "reinstated"
RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True)
class Kept:
    """A pack's jobs that have ended or wait for a person, oldest first, with what was tried for each."""

    jobs: Sequence[Job]
    attempts: Mapping[str, Sequence[Attempt]]

    @property
    def newest(self) -> str:
        """The newest job that has ended; what waits goes on and is to find nothing strange among its attempts."""
        ended = (job.id for job in reversed(self.jobs) if job.status != "awaiting_review")
        return next(ended, self.jobs[-1].id)

    def live(self) -> list[Live]:
        """As promises are held against them."""
        return [self._live(job) for job in self.jobs]

    def due(self, share: float) -> list[Job]:
        """The jobs that chance has chosen for an audit and nobody has looked at."""
        return [
            job
            for job, live in zip(self.jobs, self.live(), strict=True)
            if live.finished and live.touchless and live.wrong is None and is_sampled(job.id, share)
        ]

    def wrong_steps(self, job: str) -> Mapping[str, bool]:
        """By step: whether the last audit found it wrong; nothing where there was none."""
        return {row.step: row.made == WRONG for row in self.attempts.get(job, ()) if row.source == AUDIT}

    def seen(self, step: str, source: str, share: float) -> Iterator[Seen]:
        """What is known of the source's answers since it was last taken back, oldest first: one a job.

        What a source says again when it is asked again, and of the other lines of one document, hangs together with
        what it said first: a test that counted it would take one hard document for a drift. So the first answer of a
        job tells, in a list that of a line drawn by chance. Audits tell where chance has chosen the job by `share`, and
        only of whose own answer has left the step.
        """
        since = max((row.id for row in self._own(step, source) if row.fault == REINSTATED), default=0)
        by_job: dict[str, list[Attempt]] = {}
        for row in self._own(step, source):
            if row.fault is None and row.id > since:
                by_job.setdefault(row.job_id, []).append(row)
        for job, rows in by_job.items():
            passed = source in self._makers(job, step) and self._is_drawn(job, share)
            audit = self.wrong_steps(job).get(step) if passed else None
            yield Seen(audit, bool(_errors(_first(rows))))

    def _own(self, step: str, source: str) -> Iterator[Attempt]:
        rows = (row for job in self.jobs for row in self.attempts.get(job.id, ()))
        return (row for row in rows if row.step == step and row.source == source)

    def _makers(self, job: str, step: str) -> set[str]:
        """Whose records have left the step, which need not be those of who was asked last."""
        rows = [row for row in self.attempts.get(job, ()) if row.step == step and row.accepted]
        return {(row.weighed or {}).get("left", {}).get("source", row.source) for row in rows}

    def _is_drawn(self, job: str, share: float) -> bool:
        """Whether chance has chosen the job for an audit: one that is looked at after a complaint is no sample."""
        return is_sampled(job, share) and self._is_touchless(job)

    def _is_touchless(self, job: str) -> bool:
        return not any(row.source == PERSON for row in self.attempts.get(job, ()))

    def _live(self, job: Job) -> Live:
        audit = self.wrong_steps(job.id)
        return Live(
            job=job.id,
            finished=job.status == "finished",
            touchless=self._is_touchless(job.id),
            seconds=job.seconds,
            cost=float(dollars(job.cost_micros)),
            wrong=any(audit.values()) if audit else None,
            waits=job.status == "awaiting_review",
        )


def _first(rows: Sequence[Attempt]) -> Attempt:
    """The first answer to the line of a list that chance draws; rows are in the order in which they came."""
    return min(rows, key=lambda row: sha256(f"line\x1f{row.job_id}\x1f{row.item}".encode()).digest())


def is_mark(row: Attempt) -> bool:
    """Whether the row is no attempt: an audit, or what became of a source after it."""
    return row.source == AUDIT or row.fault in (DEMOTED, REINSTATED)


def _errors(row: Attempt) -> list[str]:
    return [problem["code"] for problem in row.problems if problem["severity"] == "error"]


async def read(store: Store, pack: str) -> Kept:
    """What the store keeps of a pack's jobs."""
    told = (Job.pack == pack, Job.status.in_(("finished", "failed", "awaiting_review")))
    async with store.looking() as session:
        jobs = (await session.scalars(select(Job).where(*told).order_by(Job.created_at, Job.id))).all()
        query = select(Attempt).join(Job, Job.id == Attempt.job_id).where(*told).order_by(Attempt.id)
        attempts: dict[str, list[Attempt]] = {}
        for row in (await session.scalars(query)).all():
            attempts.setdefault(row.job_id, []).append(row)
    return Kept(jobs, attempts)


async def asked_a_person(store: Store, pack: str) -> frozenset[str]:
    """The ids of the pack's jobs of which a person was asked anything."""
    query = select(Attempt.job_id).join(Job, Job.id == Attempt.job_id).distinct()
    async with store.looking() as session:
        return frozenset((await session.scalars(query.where(Job.pack == pack, Attempt.source == PERSON))).all())


async def audit(store: Store, pack: Pack, job: str, wrong: Sequence[str]) -> None:
    """Keeps what a person found of a finished job: the steps whose record is wrong, none where all are right.

    Raises RunError where there is no such job or step.
    """
    row = await store.get(job)
    if row is None or row.status != "finished" or row.pack != pack.name:
        raise RunError(f"{job} is no finished job of {pack.name}")
    steps = [step.name for step in pack.workflow.steps if not step.effect and step.kind != "review"]
    if strange := [name for name in wrong if name not in steps]:
        raise RunError(f"{pack.name} has no step {strange[0]} that could be wrong; it has {', '.join(steps)}")
    for name in steps:
        await _note(store, job, name, AUDIT, made=WRONG if name in wrong else RIGHT)


async def demote(store: Store, job: str, source: Source) -> None:
    """Keeps that a source was demoted, as a row of a job."""
    await _note(store, job, source.step, source.source, fault=DEMOTED, made=source.why)


async def reinstate(store: Store, pack: str, step: str, source: str) -> None:
    """Takes a demoted source back. Raises RunError where it is none."""
    rows = [row for row in await _marks(store, pack) if (row.step, row.source) == (step, source)]
    if not rows or rows[-1].fault != DEMOTED:
        raise RunError(f"{source} of {step} is not demoted")
    await _note(store, rows[-1].job_id, step, source, fault=REINSTATED)


async def _note(
    store: Store, job: str, step: str, source: str, *, fault: str | None = None, made: str | None = None
) -> None:
    line = AttemptLine(attempt=new_id(), step=step, number=1, source=source, fault=fault, made=made)
    await store.journal(job).attempt(line)


async def demotions(store: Store, pack: str) -> dict[str, tuple[str, ...]]:
    """By step: the sources that are demoted now."""
    latest = {(row.step, row.source): row.fault for row in await _marks(store, pack)}
    found: dict[str, tuple[str, ...]] = {}
    for (step, source), fault in latest.items():
        if fault == DEMOTED:
            found[step] = (*found.get(step, ()), source)
    return found


async def _marks(store: Store, pack: str) -> Sequence[Attempt]:
    query = select(Attempt).join(Job, Job.id == Attempt.job_id).order_by(Attempt.id)
    async with store.looking() as session:
        return (await session.scalars(query.where(Job.pack == pack, Attempt.fault.in_((DEMOTED, REINSTATED))))).all()


def drifting(kept: Kept, pack: Pack) -> list[Source]:
    """Every source of every ladder, as its answers leave it."""
    promised = pack.promises.silent
    return [
        watched(step.name, source, kept.seen(step.name, source, pack.promises.audits), _silent(step, promised))
        for step in pack.workflow.steps
        for source in step.policy.ladder
    ]


def _silent(step: Step, promised: float | None) -> float | None:
    """What audits of the step may find wrong: they are of jobs, and of a list alpha is promised a line."""
    alone = step.kind != "each" and step.policy.alpha is not None
    return step.policy.alpha if alone else promised


def without(figures: Figures, by_step: Mapping[str, Sequence[str]]) -> Figures:
    """The figures with the demoted sources as good as unmeasured, and no ladder that was certified with them."""
    for step, sources in by_step.items():
        figures = widened(figures, step, sources)
    return figures


def lowered(step: Step, by_step: Mapping[str, Sequence[str]]) -> Step:
    """The step with its demoted sources last."""
    sources = by_step.get(step.name, ())
    if not sources:
        return step
    return replace(step, policy=replace(step.policy, ladder=demoted(step.policy.ladder, sources)))
