"""The exam of the chain benchmark: figures counted from labelled cases, each asked several times of every source."""

import asyncio
from collections.abc import Mapping, Sequence

from agentflow.engine.answer import Services, by_model
from agentflow.engine.trust.estimating import estimate
from agentflow.engine.trust.figures import Figures
from agentflow.engine.trust.observing import Observation, observed
from agentflow.flow.policy import Policy
from agentflow.testing import MemoryJournal, Twin
from tests.benchmarks.chain_world import Answer, Errors, Task, calls, gold, step_under, twin

CASES, TRIALS = 300, 8
FIRST = 50_000_000
"""Exams are of cases that no chain has."""


def examined(errors: Mapping[str, Errors], *, overlap: float = 0.0, seed: int = 1, cases: int = CASES) -> Figures:
    """The figures of the models as an exam tells them."""
    models = twin(errors, overlap=overlap, seed=seed)
    step = estimate(asyncio.run(_asked(models, list(errors), range(FIRST, FIRST + cases))))
    return Figures(steps={"solve": step.model_copy(update={"calls": calls(list(errors))})})


async def _asked(models: Twin, sources: Sequence[str], cases: Sequence[int]) -> list[Observation]:
    step, services = step_under(Policy()), Services("exam", {}, models, MemoryJournal(keep_lines=False))
    rows: list[Observation] = []
    for case in cases:
        for source in sources:
            for trial in range(TRIALS):
                attempt = await by_model(step, source, [Task(case=case)], services, (), trial)
                assert attempt is not None
                rows += observed(case, trial, attempt, Answer(value=gold(case)))
    return rows
