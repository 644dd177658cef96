"""What a source was told of a check's objection, the check no longer proves."""

from collections.abc import Sequence
from typing import Any

from agentflow import Model, Problem, Record, ties
from agentflow.engine.trust import Accepted, Doubted
from agentflow.engine.trust.figures import CheckFigures, FieldFigures, Figures, SourceFigures, StepFigures, known
from tests.engine.desk import Page, do, row, told

ONE = SourceFigures(
    systematic=known(0.02), slip=known(0.02), fault=known(0), abstain=known(0), spread=None, wrong_values=2
)


class Bill(Record):
    net: int
    tax: int
    gross: int


@ties("net", "tax", "gross")
def adds_up(bill: Bill) -> list[Problem]:
    text = f"net {bill.net} and tax {bill.tax} are not gross {bill.gross}"
    return [] if bill.net + bill.tax == bill.gross else [Problem(code="sum", message=text, path="gross")]


async def read(page: Page, *, model: Model) -> Bill:
    return await model.ask(Bill, "Read.", "text")


EVERY = FieldFigures(sources={"small": ONE, "large": ONE}, shared={"large|small": known(0)})
MEASURED = Figures(
    steps={"read": StepFigures(every=EVERY, identities={"adds_up": CheckFigures(catch=known(0.96), alarm=known(0))})}
)

MISREAD, BENT, RIGHT = (
    {"net": 100, "tax": 20, "gross": 130},
    {"net": 100, "tax": 20, "gross": 120},
    {"net": 110, "tax": 20, "gross": 130},
)


async def reads(checks: Sequence[Any], *, alpha: float, feedback: bool = True, **given: Any):
    step = row(read, checks=checks, ladder=tuple(given), alpha=alpha, feedback=feedback)
    return await do(step, told(**given), figures=MEASURED)


async def test_an_identity_that_holds_since_the_source_was_told_lifts_nothing():
    given = [MISREAD, *[BENT] * 4]
    assert isinstance(await reads([adds_up], alpha=0.005, feedback=False, small=given), Accepted)
    verdict = await reads([adds_up], alpha=0.005, small=given)
    assert isinstance(verdict, Doubted)
    assert verdict.trust["net"] < 0.98


async def test_an_identity_that_holds_in_a_first_answer_lifts_every_field():
    assert isinstance(await reads([adds_up], alpha=0.005, small=[RIGHT] * 5), Accepted)


async def test_an_identity_holds_where_a_source_that_was_not_told_says_the_same():
    verdict = await reads([adds_up], alpha=0.005, small=[MISREAD, *[RIGHT] * 4], large=[RIGHT] * 5)
    assert isinstance(verdict, Accepted)
    assert verdict.made.net == 110


async def test_what_is_put_together_from_an_answer_that_was_told_proves_nothing():
    small = [MISREAD, {"net": 100, "tax": 20, "gross": 120}, {"net": 100, "tax": 40, "gross": 120}]
    plain = await reads([], alpha=1e-9, small=small, large=[{"net": 7, "tax": 20, "gross": 5}] * 3)
    verdict = await reads([adds_up], alpha=1e-9, small=small, large=[{"net": 7, "tax": 20, "gross": 5}] * 3)
    assert verdict.trust["net"] <= plain.trust["net"]
