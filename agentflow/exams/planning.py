"""Planning: which runs an exam is made of, and the name that each keeps."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentflow.errors import ConfigError
from agentflow.exams.candidates import Candidate, digest
from agentflow.exams.cases import Case, Exam, hashed
from agentflow.exams.keeping import Kept


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    exam: Exam
    cases: tuple[Case, ...]
    candidates: tuple[Candidate, ...]
    trials: int = 3
    step: str | None = None
    """Only this step is examined, not what follows it."""

    def __post_init__(self) -> None:
        names = [step.name for step in self.exam.pack.workflow.steps if step.kind != "review"]
        if self.step is not None and self.step not in names:
            raise ConfigError(f"{self.exam.pack.name} has no step {self.step}; it has {', '.join(names)}")
        times = Counter(candidate.name for candidate in self.candidates)
        if twice := [name for name, n in times.items() if n > 1]:
            raise ConfigError(f"{times[twice[0]]} candidates are called {twice[0]}; give each a name of its own")

    def runs(self) -> Iterator[tuple[Candidate, Case, int]]:
        """All runs; where the money ends, every candidate has seen as many cases."""
        for trial in range(self.trials):
            for case in self.cases:
                for candidate in self.candidates:
                    yield candidate, case, trial

    @property
    def size(self) -> int:
        """How many runs there are."""
        return self.trials * len(self.cases) * len(self.candidates)

    def key(self, candidate: Candidate, case: Case, trial: int) -> str:
        """The run's name: the same as long as its answers may be."""
        return key_of(self.exam, candidate.name, candidate.stamp, case, trial, self.step)


def key_of(exam: Exam, name: str, stamp: str, case: Case, trial: int, step: str | None) -> str:
    """The name of a candidate's run of a case, of all steps or of one."""
    effects = any(each.effect for each in exam.pack.workflow.steps)
    gold = case.gold if effects or step else None
    file = None if case.file is None else hashed(exam.folder / case.file)
    return digest([name, stamp, case.id, case.input, file, gold, trial, step])


def current(exam: Exam, stamps: Mapping[str, str], kept: Kept) -> list[str]:
    """The runs that are kept of candidates with these stamps, by name, and of the cases as they are now."""
    cases = {case.id: case for case in exam.cases}
    found: dict[tuple[str, str, int], str] = {}
    for end in kept.ends.values():
        name, case = end.candidate, cases.get(end.case)
        if name in stamps and case and key_of(exam, name, stamps[name], case, end.trial, end.step) == end.run:
            found[name, end.case, end.trial] = end.run
    return list(found.values())
