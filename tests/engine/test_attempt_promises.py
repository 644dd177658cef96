"""Alpha may be promised for some of a step's fields; the others leave as they are."""

from agentflow import Record
from agentflow.engine.trust import Accepted, Doubted
from agentflow.engine.trust.figures import CODE, FieldFigures, Figures, Rate, StepFigures
from tests.engine.desk import Page, do, row, told


class Bill(Record):
    total: int
    paid: int | None = None
    remark: str = ""


async def bill(page: Page) -> Bill:
    return Bill(total=7, remark="as agreed")


def figures(**wrong: int) -> Figures:
    """Of a thousand: how often the step is wrong on each field."""
    fields = {
        name: FieldFigures(sources={"code": CODE.model_copy(update={"systematic": Rate(hits=n, misses=1000 - n)})})
        for name, n in wrong.items()
    }
    return Figures(steps={"bill": StepFigures(fields=fields)})


async def test_a_doubtful_field_that_is_not_promised_leaves_with_its_trust_told():
    verdict = await do(row(bill, alpha=0.01, promises=("total",)), told(), figures=figures(total=1, remark=300))
    assert isinstance(verdict, Accepted)
    assert verdict.trust["remark"] < 0.9 < 0.99 < verdict.trust["total"]


async def test_a_doubtful_field_that_is_promised_keeps_the_record_in_its_step():
    verdict = await do(row(bill, alpha=0.01, promises=("remark",)), told(), figures=figures(total=1, remark=300))
    assert isinstance(verdict, Doubted)
    assert [problem.path for problem in verdict.reasons] == ["remark"]


async def test_an_empty_field_is_held_to_alpha_only_where_every_field_is_promised():
    known = figures(total=1, remark=1, paid=300)
    assert isinstance(await do(row(bill, alpha=0.01), told(), figures=known), Doubted)
    assert isinstance(await do(row(bill, alpha=0.01, promises=("total", "paid")), told(), figures=known), Accepted)


class Good(Record):
    total: int


class Bad(Record):
    total: int


async def test_where_a_field_is_promised_the_type_of_its_record_is():
    async def bill(page: Page) -> Good | Bad:
        return Good(total=5)

    known = figures(**{"#": 300, "total": 1})
    verdict = await do(row(bill, alpha=0.01, promises=("total",)), told(), figures=known)
    assert isinstance(verdict, Doubted)
    assert verdict.trust["#"] < 0.99 < verdict.trust["total"]


class Lines(Record):
    lines: list[int] = []
    remark: str = ""


async def lines(page: Page) -> Lines:
    return Lines()


async def test_where_items_of_a_list_are_promised_its_length_is():
    step = row(lines, alpha=0.01, promises=("lines.*",))
    verdict = await do(step, told())
    assert isinstance(verdict, Doubted)
    assert [problem.path for problem in verdict.reasons if problem.severity == "error"] == ["lines"]
