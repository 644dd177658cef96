"""Calibration: what an exam's runs say of how each source errs, as the figures of calibration.json."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Figures, Stamps
from agentflow.engine.trust.observing import Observation
from agentflow.engine.trust.verdict import Attempt
from agentflow.exams.asking import record_of
from agentflow.exams.cases import Case, Exam, Split, truth_of
from agentflow.exams.keeping import Asked, Kept, StepDone
from agentflow.exams.scoring import compared, judged, step_gold
from agentflow.flow.step import Step

MEASURED: tuple[Split, ...] = ("tune",)
"""The splits that sources are measured on: what a promise is certified on is not looked at before."""
ITEM = "\x1f"
ABOUT = (
    "How often each source errs, each check catches and two sources err alike: counted on {cases} cases of {documents} "
    "documents, {trials} trials each, by agentflow exam."
)


def calibrate(
    exam: Exam, kept: Kept, keys: Iterable[str], stamps: Stamps, splits: Sequence[Split] = MEASURED
) -> Figures:
    """The figures of every step that a source was asked alone for, from the cases of these splits."""
    found = observations(exam, kept, keys, splits)
    steps = {step.name: step for step in exam.pack.workflow.steps}
    figures = {
        name: estimate(rows, ties=dict(steps[name].ties), code=frozenset(steps[name].sources))
        for name, rows in found.items()
    }
    rows = [row for each in found.values() for row in each]
    cases = {case.id: case for case in exam.of(*splits)}
    seen = {str(row.case).partition(ITEM)[0] for row in rows}
    documents = {cases[case].own for case in seen}
    trials = max((row.trial for row in rows), default=-1) + 1
    about = ABOUT.format(cases=len(seen), documents=len(documents), trials=trials)
    return Figures(about=about, steps=figures, stamps=stamps)


def observations(
    exam: Exam, kept: Kept, keys: Iterable[str], splits: Sequence[Split] = MEASURED
) -> dict[str, list[Observation]]:
    """By step: what each source said, asked alone, of the fields that the gold tells.

    Only of steps whose records were right: what a source makes of another's mistake is no mistake of its own. A
    function is counted once a case, it would say the same again.
    """
    cases = {case.id: case for case in exam.of(*splits)}
    steps = {step.name: step for step in exam.pack.workflow.steps}
    runs = kept.by_run()
    found: dict[str, list[Observation]] = {}
    for key in keys:
        wrong: set[str] = set()
        for line in runs.get(key, ()):
            if line.case in cases and not line.given and not wrong - {line.step}:
                found.setdefault(line.step, []).extend(_rows(exam, steps[line.step], cases[line.case], line))
            if not _is_right(exam, steps[line.step], cases.get(line.case), line):
                wrong.add(line.step)
    return {name: rows for name, rows in found.items() if rows}


def as_json(figures: Figures) -> Mapping[str, Any]:
    """The content of calibration.json."""
    return figures.model_dump(mode="json", exclude_defaults=True)


def _rows(exam: Exam, step: Step, case: Case, line: StepDone) -> list[Observation]:
    if line.candidate not in {attempt.source for attempt in line.attempts} or len(line.attempts) != 1:
        return []
    if line.turn or (line.trial and line.candidate in step.sources):
        return []
    name, gold = step_gold(step, case, line.item)
    if gold is None:
        return []
    truth = truth_of(exam.pack, name, gold)
    return judged(exam, _attempt(exam, line.attempts[0]), truth, gold, _unit(line), line.trial, step)


def _unit(line: StepDone) -> str:
    """The case, or one item of its list."""
    return line.case if line.item is None else f"{line.case}{ITEM}{line.item}"


def _attempt(exam: Exam, asked: Asked) -> Attempt:
    made = None if asked.made is None else record_of(exam, asked.made)
    return Attempt(asked.source, made, asked.problems, asked.said, asked.fault, seconds=asked.seconds, cost=asked.cost)


def _is_right(exam: Exam, step: Step, case: Case | None, line: StepDone) -> bool:
    """Whether what left the step is what the gold says; what it does not tell of is taken for right."""
    if case is None or line.made is None:
        return False
    name, gold = step_gold(step, case, line.item)
    if gold is None:
        return True
    if line.made.type != name:
        return False
    return all(compared(exam, name, gold, line.made.value).values())
