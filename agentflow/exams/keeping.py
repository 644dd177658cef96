"""Keeping: what an exam's runs made, a line a step as it is done, so that an exam that breaks off goes on for free."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict, ValidationError

from agentflow.errors import ConfigError
from agentflow.flow.check import Problem

FILE = "attempts.jsonl"


class Line(BaseModel):
    """What the lines of the file have in common."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    """Names the run of a case: the same however often the exam is started."""
    candidate: str
    case: str
    trial: int


class Made(BaseModel):
    """A record as JSON, or a list of them, with its type."""

    model_config = ConfigDict(frozen=True)

    type: str
    value: Any


class Asked(BaseModel):
    """One attempt at a step."""

    model_config = ConfigDict(frozen=True)

    source: str
    made: Made | None = None
    said: dict[str, tuple[Problem, ...]] = {}
    """By check; empty where the step's own policy asked."""
    problems: tuple[Problem, ...] = ()
    fault: str | None = None
    cost: Decimal = Decimal(0)
    """USD."""
    seconds: float = 0.0
    model: str | None = None
    prompt: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0


class StepDone(Line):
    """A step of a run, done."""

    kind: Literal["step"] = "step"
    step: str
    item: int | None = None
    turn: int = 0
    """How often the run had come by before."""
    made: Made | None = None
    """What leaves the step, or what a person would be shown."""
    accepted: bool = False
    reasons: tuple[Problem, ...] = ()
    trust: dict[str, float] = {}
    attempts: tuple[Asked, ...] = ()
    cost: Decimal = Decimal(0)
    seconds: float = 0.0
    given: bool = False
    """True where nobody was asked: of an effect, and of what the gold tells before the step that is examined."""
    void: bool = False
    """True where money or a provider was away: what it cost is counted, and the step is done again."""


class Ended(Line):
    """The end of a run."""

    kind: Literal["end"] = "end"
    stamp: str = ""
    """Of the candidate: another one where its answers may be others."""
    status: Literal["finished", "review", "failed"]
    step: str | None = None
    """Where this step alone was examined."""
    outcome: str | None = None
    asked: str | None = None
    """What a person would be asked about: the type of the record, or of the question."""
    records: dict[str, Any] = {}
    """What the run made, by record type; of a doubt, what a person would be shown."""
    error: str | None = None
    cost: Decimal = Decimal(0)
    seconds: float = 0.0


Place = tuple[str, str, int | None, int]
"""Run, step, item, turn."""


class Kept:
    """The lines of one exam: those of earlier starts, and those that come."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError where the file holds something else."""
        self.steps: dict[Place, StepDone] = {}
        self.ends: dict[str, Ended] = {}
        self._void: list[StepDone] = []
        self._path = folder / FILE
        self._file: TextIO | None = None
        for line in _lines(self._path):
            self._take(line)

    @property
    def spent(self) -> Decimal:
        """USD that the steps have cost so far."""
        return sum((step.cost for step in (*self.steps.values(), *self._void)), Decimal(0))

    @property
    def latest(self) -> list[str]:
        """The runs that are done; of one candidate, case and trial the last, and of a candidate only as it was last:
        an exam that broke off after a change of models is none of both."""
        last = {end.candidate: end.stamp for end in self.ends.values()}
        now = (end for end in self.ends.values() if end.stamp == last[end.candidate])
        return list({(end.candidate, end.case, end.trial): end.run for end in now}.values())

    def by_run(self) -> Mapping[str, list[StepDone]]:
        """The steps of each run in the order in which they were done."""
        found: dict[str, list[StepDone]] = defaultdict(list)
        for step in self.steps.values():
            found[step.run].append(step)
        return found

    def add(self, line: StepDone | Ended) -> None:
        """Keeps the line: once this returns, a killed process has not lost it."""
        self._take(line)
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _mend(self._path)
            self._file = self._path.open("a", encoding="utf-8")
        self._file.write(line.model_dump_json(exclude_defaults=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """No more lines come."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take(self, line: StepDone | Ended) -> None:
        if isinstance(line, StepDone) and line.void:
            self._void.append(line)
        elif isinstance(line, StepDone):
            self.steps[line.run, line.step, line.item, line.turn] = line
        else:
            self.ends[line.run] = line


def _lines(path: Path) -> Iterator[StepDone | Ended]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                return  # the process was killed while it wrote
            try:
                row = json.loads(text)
                yield (StepDone if row["kind"] == "step" else Ended).model_validate(row)
            except (ValueError, KeyError, TypeError, ValidationError) as error:
                raise ConfigError(f"{path}, line {number} is no line of an exam; name another folder") from error


def _mend(path: Path) -> None:
    """Cuts off a last line that was not written to its end."""
    if not path.is_file():
        return
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        with path.open("r+b") as file:
            file.truncate(whole)
