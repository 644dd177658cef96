"""A grounded field has a quote, the quote stands in the text, and it says the value."""

from decimal import Decimal
from typing import Any

import pytest

from agentflow import Evidence, Model, Policy, Problem, Record, grounded, ties, workflow
from agentflow.errors import WorkflowError
from agentflow.flow.step import read_signature
from tests.engine.desk import codes, do, told, value


class Line(Record):
    amount: Decimal | None = None


class Bill(Record):
    total: Decimal | None = None
    vendor: str | None = None
    lines: list[Line] = []
    evidence: dict[str, Evidence] = {}


class Letter(Record):
    case: int = 1
    text: str = ""


class Archive:
    """A connector."""

    def __init__(self, *pages: str) -> None:
        self.pages = pages

    async def read(self) -> list[str]:
        return list(self.pages)


def text_of(letter: Letter) -> str:
    return letter.text


async def pages_of(letter: Letter, *, archive: Archive) -> list[str]:
    return await archive.read()


def quoted(path: str, quote: str | None, *, page: int | None = None, **fields: Any) -> Bill:
    return Bill(**fields, evidence={path: Evidence(trust=0.5, source="m", quote=quote, page=page)})


async def found(check: Any, bill: Any, text: str = "", **needs: Any) -> list[str]:
    return [f"{problem.code} {problem.path}" for problem in await check(bill, Letter(text=text), **needs)]


TOTAL = grounded("total", text=text_of)


async def test_a_value_that_its_quote_says_and_the_text_has_is_grounded():
    assert await found(TOTAL, quoted("total", "EUR 12,00", total=Decimal(12)), "Sum\nEUR  12,00 due") == []


async def test_a_value_needs_a_quote():
    assert await found(TOTAL, Bill(total=Decimal(12)), "12") == ["no_quote total"]
    assert await found(TOTAL, quoted("total", None, total=Decimal(12)), "12") == ["no_quote total"]


async def test_what_is_left_empty_needs_none():
    assert await found(TOTAL, Bill()) == []


async def test_a_quote_that_the_text_does_not_have_is_found():
    assert await found(TOTAL, quoted("total", "12,00", total=Decimal(12)), "13,00") == ["quote_not_found total"]


async def test_a_quote_that_says_something_else_is_found():
    said = await found(TOTAL, quoted("total", "13,00", total=Decimal(12)), "12,00 13,00")
    assert said == ["quote_says_otherwise total"]


@pytest.mark.parametrize("text", ["112,00", "12,004", "12,00.5", "3.12,00"])
async def test_a_part_of_a_longer_number_is_no_quote(text: str):
    assert await found(TOTAL, quoted("total", "12,00", total=Decimal(12)), text) == ["quote_not_found total"]


@pytest.mark.parametrize("text", ["EUR12,00.", "(12,00)", "12,\n00", "x 12,00-"])
async def test_a_quote_stands_whatever_surrounds_it(text: str):
    assert await found(TOTAL, quoted("total", "12,00", total=Decimal(12)), text) == []


async def test_a_part_of_a_word_is_no_quote():
    check = grounded("vendor", text=text_of)
    assert await found(check, quoted("vendor", "Acme", vendor="Acme"), "ACMEX ltd") == ["quote_not_found vendor"]
    assert await found(check, quoted("vendor", "Acme", vendor="Acme"), "by ACME, ltd") == []


async def test_nothing_but_spaces_is_no_quote():
    assert await found(TOTAL, quoted("total", " ", total=Decimal(12)), "12 ") == ["quote_not_found total"]


async def test_the_places_of_a_list_are_held_one_by_one():
    check = grounded("lines.*.amount", text=text_of)
    evidence = {"lines.1.amount": Evidence(trust=1, source="m", quote="7")}
    bill = Bill(lines=[Line(amount=Decimal(5)), Line(amount=Decimal(7)), Line()], evidence=evidence)
    assert await found(check, bill, "5 7") == ["no_quote lines.0.amount"]


async def test_evidence_that_names_a_page_is_held_against_that_page():
    check, archive = grounded("total", text=pages_of), Archive("one: 12", "two: 13")
    assert await found(check, quoted("total", "13", page=2, total=Decimal(13)), archive=archive) == []
    for page in (1, 3, 0, -1):
        bill = quoted("total", "13", page=page, total=Decimal(13))
        assert await found(check, bill, archive=archive) == ["quote_not_found total"]
    assert await found(check, quoted("total", "13", total=Decimal(13)), archive=archive) == []


async def test_a_pack_may_say_itself_what_follows_from_a_quote():
    check = grounded("total", text=text_of, says=lambda quote, value, path, bill: quote == "a dozen" and value == 12)
    assert await found(check, quoted("total", "a dozen", total=Decimal(12)), "a dozen eggs") == []


def test_the_check_reads_what_its_text_is_made_from():
    signature = read_signature(grounded("total", text=pages_of))
    assert (signature.reads, signature.needs) == ((Record, Letter), {"archive": Archive})


async def bill_of(letter: Letter, *, model: Model) -> Bill:
    return await model.ask(Bill, "Read.", letter.text)


def table(check: Any) -> Any:
    drafted = workflow("bills", takes=Letter, gives=Bill)
    return drafted.step(bill_of, checks=[check], policy=Policy(ladder=("m",))).build()


async def test_a_step_keeps_what_is_not_grounded_and_asks_again():
    models = told(m=[quoted("total", "99", total=Decimal(99)), quoted("total", "12", total=Decimal(12))])
    step = table(grounded("total", text=pages_of)).steps[0]
    verdict = await do(step, models, connectors={Archive: Archive("sum 12")}, reads=[Letter()])
    assert value(verdict).total == 12
    [problem] = models.told[1][1]
    assert problem.code == "quote_not_found"
    assert "99" not in problem.message, "a retry is told nothing of what was said before"


async def test_a_text_that_cannot_be_had_keeps_the_record_in_its_step():
    class Lost(Archive):
        async def read(self) -> list[str]:
            raise OSError("gone")

    models = told(m=[quoted("total", "12", total=Decimal(12))] * 2)
    step = table(grounded("total", text=pages_of)).steps[0]
    verdict = await do(step, models, connectors={Archive: Lost()}, reads=[Letter()])
    assert "check_failed" in codes(verdict)


@pytest.mark.parametrize("path", ["totals", "lines.*.sum", "lines.amount", "total.cents"])
@pytest.mark.parametrize("declare", ["grounded", "ties"])
def test_a_field_that_no_record_has_is_found_in_the_table(path: str, declare: str):
    @ties("total", path)
    def adds_up(bill: Bill) -> list[Problem]:
        return []

    with pytest.raises(WorkflowError, match=f"names {path.replace('*', '.')}, which Bill"):
        table(grounded("total", path, text=text_of) if declare == "grounded" else adds_up)


def test_a_check_that_reads_what_its_step_does_not_is_found_in_the_table():
    class Other(Record):
        pass

    def strange(bill: Bill, other: Other) -> list[Problem]:
        return []

    with pytest.raises(WorkflowError, match="strange reads Other, which the step does not"):
        table(strange)
