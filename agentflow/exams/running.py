"""Running: every case, so many times, through the real engine for every candidate; what is kept is not paid again."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from agentflow.connectors.documents import Documents
from agentflow.engine.checkpoints import memory_saver
from agentflow.engine.graph import Graph, Standing
from agentflow.engine.trust import Verdict
from agentflow.engine.trust.values import evidence_of
from agentflow.errors import ConfigError, LeaseLost, PackError, StoreError, UnpricedError
from agentflow.exams.asking import CASE, Asking, verdict_of
from agentflow.exams.candidates import MORE, Candidate
from agentflow.exams.cases import Case
from agentflow.exams.keeping import Ended, Kept, StepDone
from agentflow.exams.planning import Plan
from agentflow.flow.record import Document
from agentflow.flow.step import Step, item_of, label

OURS = (ConfigError, PackError, UnpricedError, StoreError, LeaseLost)
"""Errors that end the exam: they are no answer of a candidate's."""


@dataclass
class Told:
    """How an exam went."""

    done: int = 0
    kept: int = 0
    """Of those, runs that an earlier start has done."""
    unreached: int = 0
    """Runs that met no model; the next start does them."""
    capped: bool = False
    """True where the money has ended before the runs."""
    places: dict[str, int] = field(default_factory=dict[str, int])
    """The runs that are done, each with its place in the plan."""

    @property
    def keys(self) -> list[str]:
        """The runs that are done, in the order of the plan."""
        return sorted(self.places, key=self.places.__getitem__)


class _Stop(Exception):
    """A run goes no further."""


class _Enough(_Stop):
    """The step that is examined is done."""


class _Unreached(_Stop):
    """No model answers."""


class _Capped(_Stop):
    """The money has ended."""


async def examine(
    plan: Plan,
    kept: Kept,
    connectors: Mapping[type[Any], Any],
    *,
    concurrency: int = 8,
    tell: Callable[[Ended], None] = lambda ended: None,
) -> Told:
    """Runs what is not kept yet, so many at once. `tell` is called with every run that is done, kept ones too.

    Raises ConfigError, PackError and UnpricedError; what else a pack's code raises fails its own run.
    """
    room, told, waiting = _Room(plan, kept, connectors), Told(), enumerate(plan.runs())

    async def worker() -> None:
        for place, (candidate, case, trial) in waiting:
            if told.capped:
                return
            run = _Run(room, candidate, case, trial)
            if (ended := await _one(room, told, run)) is not None:
                told.places[run.key] = place
                tell(ended)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, plan.size)):
                group.create_task(worker())
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return told


class _Room:
    """What all runs share."""

    def __init__(self, plan: Plan, kept: Kept, connectors: Mapping[type[Any], Any]) -> None:
        self.plan, self.kept, self.connectors = plan, kept, connectors
        self.graph = Graph(plan.exam.pack.workflow)
        self.memo: dict[str, asyncio.Future[Any]] = {}
        self._documents: dict[str, Document] = {}
        self._under_way = 0
        self._moved = asyncio.Event()

    @asynccontextmanager
    async def busy(self) -> AsyncGenerator[None]:
        """While a run is under way."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self.wake()

    def wake(self) -> None:
        """Lets those go on who wait for money."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def money_comes(self) -> bool:
        """Waits for a run that gives back what it has set aside; False where none is under way."""
        if not self._under_way:
            return False
        await self._moved.wait()
        return True

    async def input(self, case: Case) -> Any:
        """The record that the case starts from."""
        if case.file is None:
            return self.plan.exam.pack.workflow.takes.model_validate(case.input)
        if case.id not in self._documents:
            path = self.plan.exam.folder / case.file
            self._documents[case.id] = await self.connectors[Documents].add(path, path.name)
        return self._documents[case.id]


async def _one(room: _Room, told: Told, run: "_Run") -> Ended | None:
    """The end of the run, kept or new; None where it could not be done."""
    ended = room.kept.ends.get(run.key)
    told.kept += ended is not None
    try:
        while ended is None and not told.capped:
            ended = await _ended(room, told, run.anew())
    except _Unreached:
        told.unreached += 1
    told.done += ended is not None
    return ended


async def _ended(room: _Room, told: Told, run: "_Run") -> Ended | None:
    """The end of the run; None where there was no money for it, though there may be by now."""
    try:
        async with room.busy():
            return await run.end()
    except _Capped:
        if not await room.money_comes():
            told.capped = True
            room.wake()
        return None


class _Run:
    """One run of one case."""

    def __init__(self, room: _Room, candidate: Candidate, case: Case, trial: int) -> None:
        plan, key = room.plan, room.plan.key(candidate, case, trial)
        self.room, self.plan, self.case, self.key = room, plan, case, key
        self.asking = Asking(plan.exam, candidate, case, trial, key, room.connectors, plan.step, room.memo)
        self.turns: Counter[tuple[str, int | None]] = Counter()
        self.done: list[StepDone] = []

    def anew(self) -> "_Run":
        """The same run from its start; what of it is kept is not done again."""
        return _Run(self.room, self.asking.candidate, self.case, self.asking.trial)

    async def end(self) -> Ended:
        """Carries the run to its end, or to the person who would be asked, and keeps it."""
        CASE.set((self.plan.exam, self.case))
        ended = await self._ended()
        total = {"cost": sum((s.cost for s in self.done), Decimal(0)), "seconds": sum(s.seconds for s in self.done)}
        ended = ended.model_copy(update=total)
        self.room.kept.add(ended)
        return ended

    async def _ended(self) -> Ended:
        saver = memory_saver()
        try:
            record = await self.room.input(self.case)
            return self._settled(await self.room.graph.start(self.key, saver, self._do, record))
        except _Enough:
            return self._of_step()
        except (_Stop, *OURS):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a pack's code raises is the end of its own run
            return self._line("failed", error=f"{type(error).__name__}: {error}")

    async def _do(self, step: Step, reads: Sequence[Any], item: int | None) -> Verdict:
        only = self.plan.step
        if only not in (None, step.name) and any(line.step == only for line in self.done):
            raise _Enough
        turn = self.turns[step.name, item]
        self.turns[step.name, item] += 1
        line = self.room.kept.steps.get((self.key, step.name, item, turn))
        if line is not None:
            self.done.append(line)
            return verdict_of(self.plan.exam, line)
        verdict, line = await self.asking.do(step, reads, item, turn)
        if lost := self._lost(line):
            self.room.kept.add(line.model_copy(update={"void": True}))
            raise lost
        self.room.kept.add(line)
        self.done.append(line)
        return verdict

    def _lost(self, line: StepDone) -> _Stop | None:
        """Why the step is no answer of the candidate's."""
        if line.accepted:
            return None
        if any(MORE in problem.message for attempt in line.attempts for problem in attempt.problems):
            return _Capped()
        return _Unreached() if any(attempt.fault == "model_unreachable" for attempt in line.attempts) else None

    def _of_step(self) -> Ended:
        """The end of a run of one step."""
        lines = [line for line in self.done if line.step == self.plan.step]
        asked = next((line.made.type if line.made else line.step for line in lines if not line.accepted), None)
        return self._line("review" if asked else "finished", asked=asked)

    def _settled(self, standing: Standing) -> Ended:
        if self.plan.step is not None:
            return self._of_step()
        records = self._records(standing.state)
        if standing.outcome:
            return self._line("finished", outcome=standing.outcome, records=records)
        question = next(iter(standing.questions.values()), None)
        if question is None:
            return self._line("failed", error="it ended without an outcome")
        shown = {} if question["type"] is None else {question["type"]: question["value"]}
        return self._line("review", asked=question["type"] or question["step"], records=records | shown)

    def _records(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What was made of what the gold tells, and of what is delivered; evidence, which quotes, is left out."""
        pack = self.plan.exam.pack
        delivered = {label(pack.delivers)} if pack.delivers else set[str]()
        wanted = {*self.case.gold, *delivered, *(label(kind) for kind in pack.workflow.gives)}
        found = {name: state[name] for name in wanted if state.get(name) is not None}
        return {name: _without_evidence(pack.workflow.record(name), value) for name, value in found.items()}

    def _line(self, status: Any, **values: Any) -> Ended:
        candidate, trial = self.asking.candidate, self.asking.trial
        named = {"run": self.key, "candidate": candidate.name, "case": self.case.id, "trial": trial}
        return Ended(**named, stamp=candidate.stamp, step=self.plan.step, status=status, **values)


def _without_evidence(kind: Any, value: Any) -> Any:
    if item_of(kind) is not None:
        return value
    name = evidence_of(kind.model_validate(value))
    return {key: each for key, each in value.items() if key != name}
