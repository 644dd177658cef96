"""Replaying a verification: what was kept of a finished job is held against its checks, trust and hashes again."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select

from agentflow.connectors.documents import NAME, Documents
from agentflow.engine.answer import Services
from agentflow.engine.models import ModelConfig
from agentflow.engine.replay import NoModels, holds, rechecked, rejudged
from agentflow.engine.trace import PERSON
from agentflow.engine.trust.figures import Figures
from agentflow.engine.trust.values import dump, evidence_of
from agentflow.errors import AgentflowError, RunError
from agentflow.exams.stamping import fresh
from agentflow.flow.check import Problem
from agentflow.flow.journal import AttemptLine
from agentflow.flow.pack import Pack
from agentflow.flow.step import Step, label, load
from agentflow.jobs.findings import Finding, Replay, compared
from agentflow.jobs.ledger.tables import Verification
from agentflow.jobs.store import Store
from agentflow.jobs.tables import Attempt, Job, Kept
from agentflow.jobs.verification import definition_of, digest, output_of

NEAR = 1e-9
"""How far two reckonings of one trust may be apart."""
LINE_FIELDS = ("attempt", "step", "item", "number", "source", "fault", "trust_before", "trust_after", "made", "output")


async def replay(
    store: Store,
    job: str,
    pack: Pack,
    documents: Documents | None,
    models: Mapping[str, ModelConfig] | None = None,
) -> Replay:
    """Goes through a finished job's verification again, by its pack and its kept records; models are not asked.

    `models` are the roles of models.toml, which say whether the figures that were measured are still theirs.

    Raises RunError where there is nothing to go through: the job has not finished, or was erased.
    """
    figures, _ = fresh(Figures.model_validate(pack.calibration), pack, models or {})
    again = await _opened(store, job, pack, documents, figures)
    row = again.verification
    findings = [*again.contents(), *await again.blobs()]
    for entry in row.checks:
        try:
            findings += [finding async for finding in again.step(entry)]
        except (ValidationError, AgentflowError) as error:
            text = f"{entry['step']}: what was kept does not fit the pack any more ({type(error).__name__})"
            findings.append(Finding("fails", text))
    return Replay(job, row.id, row.outcome, row.verdict, again.checks, again.weighed, tuple(findings))


class _Again:
    """A job with what was kept of it, being gone through again."""

    def __init__(
        self,
        job: Job,
        verification: Verification,
        kept: Kept,
        attempts: Sequence[Attempt],
        pack: Pack,
        services: Services,
    ) -> None:
        self.job, self.verification, self.pack = job, verification, pack
        given = {label(pack.workflow.takes): job.input, verification.outcome: job.result}
        self.records: dict[str, Any] = {**kept.records, **given}
        self.attempts = attempts
        self.services = services
        self.checks = self.weighed = 0
        self._made = {_record_made(pack, row): row for row in attempts if row.accepted}

    def contents(self) -> Iterator[Finding]:
        """Whether the records, the input, the result and the definition are those that were verified."""
        job, row = self.job, self.verification
        if digest(self.records) != row.records_sha256:
            yield Finding("differs", "the records on the way to the outcome are not those that were verified")
        if digest([job.result, job.output]) != row.output_sha256:
            yield Finding("differs", "the result is not the one that was verified")
        if job.outcome != row.outcome or row.outcome not in map(label, self.pack.workflow.gives):
            yield Finding("fails", f"the job ended as {job.outcome}, which is not the outcome that was verified")
        if job.input_sha256 != row.input_sha256:
            yield Finding("differs", "the input is not the one that was verified")
        yield from self._delivered()
        if definition_of(self.pack, self.services.figures) != row.definition:
            text = f"the pack has changed since: it was version {row.pack_version} and is version {self.pack.version}"
            yield Finding("note", f"{text}; its checks of today were asked")

    def _delivered(self) -> Iterator[Finding]:
        output, evidence = output_of(self.pack, self.records, self.verification.outcome, {})
        for what, held, stored in (("output", output, self.job.output), ("evidence", evidence, self.job.evidence)):
            one, other = held or {}, stored or {}
            if changed := sorted(name for name in {*one, *other} if one.get(name) != other.get(name)):
                yield Finding("differs", f"the {what} is not what the records hold: {', '.join(changed)}")

    async def blobs(self) -> list[Finding]:
        """Whether the documents that the records name are still what they were."""
        text = json.dumps(self.records)
        referred = set(_documents(self.records))
        documents: Any = self.services.connectors.get(Documents)
        if documents is None:
            if referred:
                raise RunError(f"job {self.job.id} read documents; name their folder with --documents")
            return []
        found: list[Finding] = []
        for sha in sorted(set(NAME.findall(text))):
            intact = await documents.intact(sha)
            if intact is False:
                found.append(Finding("differs", f"the document {sha[:12]} has changed: its bytes are others"))
            elif intact is None and sha in referred:
                found.append(Finding("differs", f"the document {sha[:12]} is not there any more"))
        return found

    async def step(self, entry: Mapping[str, Any]) -> AsyncIterator[Finding]:
        """Whether what left a step passes its checks and is trusted as it was."""
        where = entry["step"] if entry["item"] is None else f"{entry['step']} {entry['item']}"
        step = next((one for one in self.pack.workflow.steps if one.name == entry["step"]), None)
        row = next((row for row in self.attempts if row.attempt == entry["attempt"]), None)
        if step is None or row is None:
            what = "is no step of the pack any more" if step is None else "its attempts are not there any more"
            yield Finding("differs", f"{where}: {what}")
        elif row.source == PERSON:
            yield Finding("note", f"{where}: a person answered, which no check is held against")
        elif step.kind == "review" or not self._stands(step, row):
            yield Finding("note", f"{where}: what it read or made was made anew since; it is not gone through again")
        else:
            made, reads = self._load(step, row)
            for finding in await self._checked(step, where, entry, made, reads):
                yield finding
            async for finding in self._judged(step, where, row, made, reads):
                yield finding

    def _stands(self, step: Step, row: Attempt) -> bool:
        """Whether the records are still those that the step read and made when something left it for the last time."""
        own = _record_made(self.pack, row)
        last = self._made.get(own)
        later = [self._made[name] for name in map(label, step.reads) if name in self._made]
        return last is not None and last.step == row.step and all(one.id < row.id for one in later)

    def _load(self, step: Step, row: Attempt) -> tuple[Any, list[Any]]:
        name = _record_made(self.pack, row)
        made = load(next(kind for kind in step.makes if label(kind) == name), self.records[name or ""])
        reads = [load(kind, self.records[label(kind)]) for kind in step.reads]
        if row.item is not None:
            made, reads = made[row.item], [reads[0][row.item], *reads[1:]]
        return made, reads

    async def _checked(
        self, step: Step, where: str, entry: Mapping[str, Any], made: Any, reads: Sequence[Any]
    ) -> list[Finding]:
        then: dict[str, list[str]] = {each["check"]: each["found"] for each in entry["checks"]}
        by_code = step.effect and not step.policy.ladder  # which is held against no check
        now = {} if by_code else await rechecked(step, made, reads, self.services)
        self.checks += sum(found is not None for found in now.values())
        gone = [Finding("note", f"{where}: the pack has no check {name} any more") for name in then if name not in now]
        return gone + [finding for name in now for finding in compared(where, name, then.get(name), now[name])]

    async def _judged(
        self, step: Step, where: str, row: Attempt, made: Any, reads: Sequence[Any]
    ) -> AsyncIterator[Finding]:
        figures = self.services.figures.steps.get(step.name)
        ladder = figures.ladder if figures else None
        if step.policy.alpha is None and ladder is None:
            if row.output is not None and row.output != _plain(made):
                yield Finding("differs", f"{where}: what left it is not what {row.source} answered")
            return
        lines = [_line(one) for one in _deciding(self.attempts, row)]
        standing = await rejudged(step, lines, made, reads, self.services)
        if standing is None:
            yield Finding("note", f"{where}: an answer was too long to be kept; it is not weighed again")
            return
        self.weighed += 1
        if _plain(standing.candidate.made) != _plain(made):
            yield Finding("differs", f"{where}: what left it is not what its answers give")
        if abs(standing.least - (row.trust_after or 0.0)) > NEAR:
            text = f"its least trusted value was trusted {row.trust_after:.6f} and is trusted {standing.least:.6f}"
            yield Finding("differs", f"{where}: {text}")
        if not holds(step, standing, ladder):
            yield Finding("fails", f"{where}: what left it is not trusted as its policy promises")


async def _opened(store: Store, job: str, pack: Pack, documents: Documents | None, figures: Figures) -> _Again:
    async with store.looking() as session:
        row = await session.get_one(Job, job)
        verification = await session.scalar(
            select(Verification).where(Verification.job_id == job).order_by(Verification.id.desc()).limit(1)
        )
        kept = await session.get(Kept, job)
    if row.pack != pack.name:
        raise RunError(f"job {job} is one of the pack {row.pack}, and not of {pack.name}; name that one's folder")
    if row.erased_at is not None:
        raise RunError(f"job {job} was erased on {row.erased_at:%Y-%m-%d}: of what was verified the hashes are left")
    if verification is None:
        raise RunError(f"job {job} is {row.status}: nothing of it was verified")
    if kept is None or verification.records_sha256 is None:
        raise RunError(f"job {job} was verified before records were kept; it cannot be gone through again")
    services = Services(
        job,
        {} if documents is None else {Documents: documents},
        NoModels(),
        store.journal(job),
        figures,
    )
    return _Again(row, verification, kept, await store.attempts(job), pack, services)


def _record_made(pack: Pack, row: Attempt) -> str | None:
    """The record of the state that an attempt has made: of an item of a list, the list."""
    step = next((one for one in pack.workflow.steps if one.name == row.step), None)
    return f"list[{row.made}]" if step is not None and step.kind == "each" else row.made


def _deciding(attempts: Sequence[Attempt], last: Attempt) -> list[Attempt]:
    """The attempts that were weighed when something left the step: those of one run since the time before."""
    mine = [a for a in attempts if (a.run, a.step, a.item) == (last.run, last.step, last.item) and a.id < last.id]
    return [*reversed(list(takewhile(lambda a: not a.accepted, reversed(mine)))), last]


def _line(row: Attempt) -> AttemptLine:
    problems = tuple(Problem.model_validate(problem) for problem in row.problems)
    same = {name: getattr(row, name) for name in LINE_FIELDS}
    return AttemptLine(problems=problems, accepted=row.accepted, weighed=row.weighed, **same)


def _plain(made: Any) -> Any:
    """What was made as JSON, without its evidence: what an attempt keeps."""
    name = evidence_of(made)
    return dump(made, "json") if name is None else made.model_dump(mode="json", exclude={name})


def _documents(value: Any) -> Iterator[str]:
    """The sha256s of the references to documents at whatever depth of JSON."""
    match value:
        case {"sha256": str(sha), "size": int(), "name": str()}:
            yield sha
        case dict():
            yield from (sha for one in value.values() for sha in _documents(one))  # pyright: ignore[reportUnknownVariableType] - JSON is anything
        case list():
            yield from (sha for one in value for sha in _documents(one))  # pyright: ignore[reportUnknownVariableType] - as above
        case _:
            return
