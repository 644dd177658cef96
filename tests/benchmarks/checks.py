"""Benchmark of checks: `python -m tests.benchmarks.checks` plants wrong values into right records of real documents.

Every labelled field of every document is made wrong in the ways readers err; the invoices pack's own checks run on the
wrong record and on the right one. Told are the share that they object to and the share of right records that they
object to, by check and by kind of error, beside a check that only looks whether the value occurs in the text.
"""

import argparse
import asyncio
import math
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from agentflow import Documents
from agentflow.engine.answer import Services, checked
from agentflow.engine.trust import Attempt
from agentflow.flow.check import tied_by
from agentflow.flow.step import Step, name_of
from domains.invoices.asking import Answer, grounded
from domains.invoices.records import Invoice
from tests.benchmarks.invoice_gold import DATA, Case, quote_of, read_cases
from tests.benchmarks.invoice_world import desk, extraction
from tests.benchmarks.picture import Bar, bars
from tests.benchmarks.planting import KINDS, Planted, planted
from tests.benchmarks.report import Metric, finish, wilson

IN_TEXT = "occurs in text"
RESAMPLES = 1000
INDEPENDENT = 0.75
"""Of the errors that no check sees, the share taken to differ when asked again: 30 of 40 of the reference split."""


@dataclass(frozen=True)
class Trial:
    """One wrong record, and which checks object to it."""

    cluster: str
    kind: str
    path: str
    tied: bool
    """Whether an identity holds the field against others, all of them known."""
    caught: frozenset[str]


@dataclass(frozen=True)
class Right:
    """One right record, and which checks object to it all the same."""

    cluster: str
    alarms: frozenset[str]


Share = tuple[float, float, float, int]
"""A share, its 95 % interval, and the number of trials."""


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with docs/, gold.jsonl, vendors.csv")
    parser.add_argument("--quick", action="store_true", help="every fourth document")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file, and a picture beside it")
    args = parser.parse_args()
    trials, right = asyncio.run(_measured(args.data, args.seed, quick=args.quick))
    metrics = [*_bars(trials, right), *_table(trials, right), *split(trials)]
    if args.json:
        args.json.with_suffix(".svg").write_text(picture(trials, right), encoding="utf-8")
    finish("checks", metrics, args.json)


async def _measured(data: Path, seed: int, *, quick: bool) -> tuple[list[Trial], list[Right]]:
    with tempfile.TemporaryDirectory() as scratch:
        async with desk(data, Path(scratch)) as (services, reader):
            cases = await read_cases(data, services.connectors[Documents], reader)  # type: ignore[arg-type]
            kept = [case for case in cases if case.sound][:: 4 if quick else 1]
            return await run(kept, services, seed)


async def run(cases: Sequence[Case], services: Services, seed: int) -> tuple[list[Trial], list[Right]]:
    """The real checks of the pack's extraction on every case, right and wrong."""
    step, rng = extraction(), random.Random(seed)
    trials: list[Trial] = []
    right: list[Right] = []
    for case in cases:
        truth = await _read(step, case, case.answer, services)
        alarms = _objecting(truth)
        right.append(Right(case.cluster, alarms))
        tied = _tied(step, truth)
        for error in planted(case.answer, case.text, rng):
            wrong = await _read(step, case, error.answer, services)
            if wrong.made == truth.made:  # a change that the record does not tell, such as that of an empty word
                continue
            caught = _objecting(wrong, beyond=truth) | _by_text(error, case)
            trials.append(Trial(case.cluster, error.kind, error.path, error.path in tied, caught))
    return trials, right


async def _read(step: Step, case: Case, answer: Mapping[str, Any], services: Services) -> Attempt:
    made = grounded(Answer.model_validate(answer), case.layout, "small")
    return await checked(step, "small", made, [case.pages], services)


def _objecting(attempt: Attempt, beyond: Attempt | None = None) -> frozenset[str]:
    """The checks that find errors; with `beyond`, such as they did not find there."""
    known = {(name, p.code, p.path, p.message) for name, found in beyond.said.items() for p in found} if beyond else ()
    return frozenset(
        name
        for name, found in attempt.said.items()
        for problem in found
        if problem.severity == "error" and (name, problem.code, problem.path, problem.message) not in known
    )


def _tied(step: Step, right: Attempt) -> set[str]:
    """The fields of a right record that an identity holds: all that it ties are known, and it passes."""
    held: set[str] = set()
    for check in step.checks:
        paths = [path for path in right.leaves if _pattern(path) in tied_by(check)]
        if len(paths) > 1 and not right.said[name_of(check)] and all(right.leaves[p] is not None for p in paths):
            held |= set(paths)
    return held


def _pattern(path: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def _by_text(error: Planted, case: Case) -> frozenset[str]:
    """What a check for mere presence says of the value."""
    name, value = error.path.rpartition(".")[2], str(error.value)
    there = error.value is None or value in case.text or quote_of(case.layout, name, _typed(value), Invoice())
    return frozenset() if there else frozenset((IN_TEXT,))


def _typed(value: str) -> Any:
    for kind in (date.fromisoformat, Decimal):
        with suppress(ValueError, InvalidOperation):
            return kind(value)
    return value


def caught(trials: Iterable[Trial], name: str | None = None) -> Share:
    """The share of wrong records that a check objects to; that any of the pack's does where none is named."""
    return clustered([(t.cluster, _hits(t.caught, name)) for t in trials])


def alarmed(right: Iterable[Right], name: str | None = None) -> Share:
    """The share of right records that a check, or any of them, objects to."""
    return clustered([(r.cluster, _hits(r.alarms, name)) for r in right])


def _hits(said: frozenset[str], name: str | None) -> bool:
    return name in said if name else bool(said - {IN_TEXT})


def clustered(trials: Sequence[tuple[str, bool]]) -> Share:
    """The share of hits with its 95 % bootstrap interval over documents.

    Where all trials end alike there is nothing to draw from: then it is Wilson's, with a document as one trial.
    """
    by_document: dict[str, list[bool]] = defaultdict(list)
    for document, hit in trials:
        by_document[document].append(hit)
    if not trials:
        return math.nan, math.nan, math.nan, 0
    share = sum(hit for _, hit in trials) / len(trials)
    if share in (0, 1):
        return share, *wilson(share, len(by_document)), len(trials)
    rng, groups = random.Random(0), list(by_document.values())
    drawn = sorted(_mean(rng.choices(groups, k=len(groups))) for _ in range(RESAMPLES))
    return share, drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40 - 1], len(trials)


def _mean(groups: Sequence[Sequence[bool]]) -> float:
    return sum(map(sum, groups)) / sum(map(len, groups))


def _bars(trials: Sequence[Trial], right: Sequence[Right]) -> list[Metric]:
    wrong = [trial for trial in trials if trial.kind == KINDS[0]]
    tied = [trial for trial in wrong if trial.tied]
    return [
        _metric("wrong field where an identity exists: caught", caught(tied), 0.9),
        _metric("right records that a check objects to", alarmed(right), 0.03, "at most"),
        _metric("wrong field, all fields: caught", caught(wrong)),
        _metric("wrong field where an identity exists: 'occurs in text'", caught(tied, IN_TEXT)),
    ]


def _table(trials: Sequence[Trial], right: Sequence[Right]) -> list[Metric]:
    names = sorted({name for one in (*(t.caught for t in trials), *(r.alarms for r in right)) for name in one})
    rows: list[Metric] = []
    for kind in KINDS:
        of_kind = [trial for trial in trials if trial.kind == kind]
        rows.append(_metric(f"{kind}: caught", caught(of_kind)))
        rows += [_metric(f"{kind}: {name}", caught(of_kind, name)) for name in names]
    rows += [_metric(f"alarms: {name}", alarmed(right, name)) for name in names if name != IN_TEXT]
    fields = sorted({_pattern(trial.path) for trial in trials})
    for path in fields:
        rows.append(_metric(f"wrong field in {path}: caught", caught(_of(trials, path))))
    return [row for row in rows if not math.isnan(row.value) and not (row.value == 0 and ": caught" not in row.name)]


def _of(trials: Iterable[Trial], path: str) -> list[Trial]:
    return [trial for trial in trials if trial.kind == KINDS[0] and _pattern(trial.path) == path]


def split(trials: Sequence[Trial]) -> list[Metric]:
    """The errors of a reader divided: those that checks catch, the others as in the reference split.

    Every kind of error counts alike, whatever the number of fields that it can befall.
    """
    kinds = [caught([t for t in trials if t.kind == kind]) for kind in KINDS]
    shares = [kind for kind in kinds if kind[3]]
    d, low, high = (sum(share[i] for share in shares) / len(shares) for i in range(3))
    return [
        Metric("split: detectable", d, low, high, None),
        Metric("split: undetectable, independent", (1 - d) * INDEPENDENT, None, None, None),
        Metric("split: correlated", (1 - d) * (1 - INDEPENDENT), None, None, None),
    ]


def _metric(
    name: str, share: Share, bar: float | None = None, sense: Literal["at least", "at most"] = "at least"
) -> Metric:
    return Metric(f"{name} (n = {share[3]})", *share[:3], bar, sense)


def picture(trials: Sequence[Trial], right: Sequence[Right]) -> str:
    """What the pack's checks catch of each kind of error, beside what mere presence in the text tells."""
    tied = [trial for trial in trials if trial.kind == KINDS[0] and trial.tied]
    groups = {"wrong field, identity": tied, **{kind: [t for t in trials if t.kind == kind] for kind in KINDS}}
    rows: list[Bar] = []
    for label, group in groups.items():
        if group:
            rows += [
                Bar(label, "the pack's checks", *caught(group)[:3]),
                Bar(label, IN_TEXT, *caught(group, IN_TEXT)[:3]),
            ]
    rows.append(Bar("right records: alarms", "the pack's checks", *alarmed(right)[:3]))
    return bars("Share of planted errors that checks object to", rows)


if __name__ == "__main__":
    main()
