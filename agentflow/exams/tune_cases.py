"""The cases of a step as tuning reads them: what each source said of them, asked alone, in a run of an exam."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from agentflow.engine.trust.figures import pattern_of
from agentflow.engine.trust.routing import features_of
from agentflow.engine.trust.verdict import Attempt
from agentflow.exams.asking import record_of
from agentflow.exams.cases import VENDOR, Case, Exam, Gold, Split, truth_of
from agentflow.exams.keeping import Kept, StepDone
from agentflow.exams.ladder_replay import Asked
from agentflow.exams.scoring import compared, judged, step_gold
from agentflow.flow.step import Step, label


def asked_of(exam: Exam, kept: Kept, keys: Iterable[str], step: Step, splits: Sequence[Split]) -> list[Asked]:
    """Each case of these splits that the gold tells the step's record of, with every source's answers by trial.

    Only answers to what was right before: what a source makes of another's mistake is no mistake of its own. A source
    that errs before on what is hard is so seen on fewer hard cases than come to a ladder; an exam of the step alone
    (`--step`) gives it all that the gold tells.
    """
    cases = {case.id: case for case in exam.of(*splits)}
    runs, found = kept.by_run(), dict[tuple[str, int | None], dict[str, dict[int, Attempt]]]()
    known: dict[tuple[str, int | None], Mapping[str, str]] = {}
    for key in keys:
        lines = runs.get(key, ())
        for line in _right_so_far(exam, cases, lines):
            if line.step == step.name and _is_alone(line, step):
                unit = line.case, line.item
                said = found.setdefault(unit, defaultdict(dict))
                said[line.candidate][line.trial] = attempt_of(exam, line)
                if unit not in known:
                    known[unit] = known_of(exam, step, cases[line.case], line.item, lines[: lines.index(line)])
    return [
        _asked(exam, step, cases[name], item, _by_trial(said), known[name, item])
        for (name, item), said in found.items()
    ]


def _by_trial(said: Mapping[str, Mapping[int, Attempt]]) -> dict[str, list[Attempt]]:
    return {source: [by[trial] for trial in sorted(by)] for source, by in said.items()}


def attempt_of(exam: Exam, line: StepDone) -> Attempt:
    """The one attempt that a line keeps."""
    kept = line.attempts[0]
    made = None if kept.made is None else record_of(exam, kept.made)
    return Attempt(kept.source, made, kept.problems, kept.said, kept.fault, seconds=kept.seconds, cost=kept.cost)


def _is_alone(line: StepDone, step: Step) -> bool:
    told = not line.given and not line.turn and len(line.attempts) == 1
    return told and line.attempts[0].source == line.candidate and not (line.trial and line.candidate in step.sources)


def _right_so_far(exam: Exam, cases: dict[str, Case], lines: Sequence[StepDone]) -> Iterator[StepDone]:
    """The steps of a run up to the first whose record is wrong, that one too."""
    steps = {step.name: step for step in exam.pack.workflow.steps}
    for line in lines:
        if line.case not in cases:
            return
        name, gold = step_gold(steps[line.step], cases[line.case], line.item)
        if gold is not None or line.given:
            yield line
        if gold is not None and not (line.made and line.made.type == name and _is_right(exam, name, gold, line)):
            return


def _is_right(exam: Exam, name: str, gold: Gold, line: StepDone) -> bool:
    return line.made is not None and all(compared(exam, name, gold, line.made.value).values())


def _asked(
    exam: Exam,
    step: Step,
    case: Case,
    item: int | None,
    attempts: Mapping[str, Sequence[Attempt]],
    known: Mapping[str, str],
) -> Asked:
    name, gold = step_gold(step, case, item)
    assert gold is not None, "only lines that the gold tells of are kept"  # noqa: S101 - see `_right_so_far`
    truth, promises = truth_of(exam.pack, name, gold), step.policy.promises

    def right(made: Any) -> bool:
        rows = judged(exam, Attempt("", made), truth, gold, step=step)
        held = [row for row in rows if not promises or row.path in promises or pattern_of(row.path) in promises]
        return type(made) is type(truth) and all(row.value == row.truth for row in held)

    unit = case.id if item is None else f"{case.id}#{item}"
    vendor = case.tags.get(VENDOR, "")
    return Asked(unit, truth, attempts, known, right, case.own, vendor)


def known_of(exam: Exam, step: Step, case: Case, item: int | None, before: Sequence[StepDone]) -> dict[str, str]:
    """What the engine knows of a case before the step asks anybody: what the run's steps before have made, and the
    input; where an earlier step is not kept, what the gold tells of its record."""
    told: dict[str, Any] = {**case.gold, **{line.made.type: line.made.value for line in before if line.made}}
    if case.input is not None:
        told[label(exam.pack.workflow.takes)] = case.input
    reads: list[Any] = []
    for kind, whole in zip(step.signature.reads, step.reads, strict=True):
        given = told.get(label(whole))
        if isinstance(given, list) and item is not None and whole is not kind:
            given = cast("list[Any]", given)[item]
        try:
            reads.append(kind.model_validate(given))
        except (ValidationError, AttributeError):  # the gold tells of some fields alone, or it is a list
            continue
    return features_of(reads)


def one_a_document(cases: Sequence[Asked]) -> list[Asked]:
    """One case of each document, by chance that is always the same: what a bound counts has to be independent.

    Of a list one line is drawn, so that what is proven of an `.each` is of documents, whether they are long or short.
    """
    return list({case.document or case.case: case for case in _drawn(cases)}.values())


def one_a_vendor(cases: Sequence[Asked]) -> list[Asked]:
    """One case of each vendor, likewise; of each document where no vendor is told."""
    return list({case.vendor or case.document or case.case: case for case in _drawn(cases)}.values())


def _drawn(cases: Sequence[Asked]) -> list[Asked]:
    return sorted(cases, key=lambda case: hashlib.sha256(case.case.encode()).digest())
