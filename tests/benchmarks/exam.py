"""Benchmark of an exam: `python -m tests.benchmarks.exam` runs 6 candidates on 200 cases, 4 trials each, in process.

The candidates are faulty models of several prices and error rates, and the pack with its ladder. What is measured is
the CPU time of all of it, runs, scoring, figures, report and page, less what the models themselves take, and that an
exam which was killed pays for nothing twice.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from agentflow.engine.trust.figures import Stamps
from agentflow.errors import AgentflowError
from agentflow.exams.asking import CASE, by_gold
from agentflow.exams.calibration import calibrate
from agentflow.exams.candidates import candidates_of
from agentflow.exams.comparing import compare
from agentflow.exams.keeping import Kept
from agentflow.exams.planning import Plan
from agentflow.exams.report import Report, as_json, held_of
from agentflow.exams.running import examine
from agentflow.exams.scoring import marks_of
from agentflow.exams.summary import told_of
from agentflow.exams.verdict_page import page
from agentflow.testing import Faulty, FaultyModel, MemoryJournal, Price, Twin
from tests.benchmarks.report import Metric, finish
from tests.exams.packs import Sorted, exam_of, letters

MODELS = {"nano": (0.30, 0.1), "mini": (0.15, 0.4), "small": (0.08, 1), "large": (0.03, 5), "frontier": (0.01, 25)}
"""Share of answers that are wrong, and USD a million tokens read."""
CASES, TRIALS, MOST = 200, 4, 60
KILLED = 0.5
"""Where the exam that is killed stands then."""


def main() -> None:
    """Measures and prints; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file, and the page beside it")
    args = parser.parse_args()
    metrics, text = measured(20 if args.quick else CASES, args.seed)
    if args.json:
        args.json.with_suffix(".html").write_text(text, encoding="utf-8")
    finish("exam", metrics, args.json)


def measured(cases: int, seed: int) -> tuple[list[Metric], str]:
    """The figures, and the verdict page."""
    with tempfile.TemporaryDirectory() as home:
        began, models = time.process_time(), twin(seed)
        text, runs = asyncio.run(examined(models, cases, Path(home)))
        spent, own = time.process_time() - began, asyncio.run(models_alone(models, cases))
        again = twin(seed)
        asyncio.run(examined(again, cases, Path(home)))
    metrics = [
        Metric("CPU seconds besides the models' own", spent - own, None, None, MOST, "at most"),
        Metric("CPU seconds of the models", own, None, None, None),
        Metric("runs", runs, None, None, len(MODELS) * cases * TRIALS + cases * TRIALS),
        Metric("sends of the same exam again", sends(again), None, None, 0, "at most"),
    ]
    return metrics, text


async def examined(models: Twin, cases: int, home: Path) -> tuple[str, int]:
    """The whole exam with its report; the page, and how many runs there were."""
    exam = exam_of(cases, human_cost=Decimal("1.20"), bars={"silent": 0.02})
    names = ["pack", *MODELS]
    found = tuple(candidates_of(letters, models, list(MODELS), names))
    kept = Kept(home)
    went = await examine(Plan(exam, exam.cases, found, TRIALS), kept, {})
    kept.close()
    marks = marks_of(exam, kept, went.keys)
    told = tuple(told_of(each) for each in marks)
    compared = tuple(compare(m.candidate, m.whole, "pack", marks[0].whole) for m in marks[1:])
    held = held_of(told, exam.settings.bars)
    report = Report("letters", cases, TRIALS, None, kept.spent, True, told, held, compared)
    as_json(report, exam)
    calibrate(exam, kept, went.keys, Stamps())
    return page(report, exam), went.done


async def models_alone(models: Twin, cases: int) -> float:
    """CPU seconds that as many calls of the models take by themselves."""
    count = sends(models)
    exam, calls = exam_of(cases), 0
    began = time.process_time()
    while calls < count:
        calls += await _asked(models, exam, count - calls)
    return time.process_time() - began


async def _asked(models: Twin, exam: Any, most: int) -> int:
    journal, names = MemoryJournal(keep_lines=False), list(MODELS)
    for number, case in enumerate(exam.cases[:most]):
        CASE.set((exam, case))
        model = models.bind(names[number % len(names)], "sort", (), journal, number)
        if model is not None:
            with contextlib.suppress(AgentflowError):  # a wrong form costs as much
                await model.ask(Sorted, "Sort the letter.", f"[case:{case.id}] letter {case.id}")
    return min(most, len(exam.cases))


def twin(seed: int) -> Twin:
    """The models; the pack's own ladder asks `small` and `large`."""
    models = {
        name: FaultyModel(
            error=error, split=(0.3, 0.3, 0.4), price=Price(input=Decimal(str(usd)), output=Decimal(str(5 * usd)))
        )
        for name, (error, usd) in MODELS.items()
    }
    return Twin(Faulty(seed=seed, models=models), by_gold())


def sends(models: Twin) -> int:
    """Calls that were made."""
    return sum(calls.get("sends", 0) for calls in models.calls.values())


if __name__ == "__main__":
    main()
