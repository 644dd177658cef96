"""A person who is asked because trust is low is told where that was assumed and not measured."""

from typing import Any

from agentflow import Problem
from agentflow.engine.trust import Doubted
from agentflow.engine.trust.figures import Figures, StepFigures
from tests.engine.desk import Total, do, read, row, told


async def notes(**more: Any) -> list[Problem]:
    alpha = more.pop("alpha", 1e-6)
    step = row(read, ladder=("small",), alpha=alpha, max_attempts=2, **more.pop("policy", {}))
    verdict = await do(step, told(small=more.pop("answers", [Total(value=1)] * 2)), **more)
    assert isinstance(verdict, Doubted)
    return [problem for problem in verdict.reasons if problem.code == "not_measured"]


async def test_low_trust_that_was_assumed_is_told_with_its_mend():
    [note] = await notes()
    assert note.severity == "note"
    assert "calibration.json" in note.message


async def test_low_trust_that_was_measured_is_not_called_assumed():
    assert await notes(figures=Figures(steps={"read": StepFigures()})) == []
    assert len(await notes(figures=Figures(steps={"other": StepFigures()}))) == 1


async def test_where_a_check_alone_speaks_against_a_record_its_trust_is_no_matter():
    def never(total: Total) -> list[Problem]:
        return [Problem(code="never", message="no")]

    step = row(read, checks=[never], ladder=("small",), alpha=0.9, max_attempts=1)
    verdict = await do(step, told(small=[Total(value=1)]))
    assert isinstance(verdict, Doubted)
    assert [problem.code for problem in verdict.reasons] == ["never"]
