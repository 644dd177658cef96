"""A step asks its sources, cleanly each time, until an answer may leave it or a person has to look."""

from decimal import Decimal

import pytest

from agentflow import Model, Problem
from agentflow.errors import AnswerError, ModelError, UnpricedError
from agentflow.testing import AnswerFaults, MemoryJournal
from tests.benchmarks.virtual import run
from tests.engine.desk import Bench, Page, Total, codes, do, positive, row, told, value


async def test_the_first_answer_that_no_check_speaks_against_is_taken():
    models = told(small=[{"value": -1}, {"value": 1}], large=[])
    journal = MemoryJournal()
    assert value(await do(row(checks=[positive], ladder=("small", "large")), models, journal)) == Total(value=1)
    assert [(line.number, line.source, len(line.problems)) for line in journal.attempts] == [
        (1, "small", 1),
        (2, "small", 0),
    ]


async def test_a_retry_is_told_the_problems_and_never_the_wrong_answer():
    models = told(small=[{"value": -123456}, {"value": 1}])
    await do(row(checks=[positive], ladder=("small",)), models)
    first, second = models.told
    assert first == ("small", ())
    assert [problem.code for problem in second[1]] == ["negative"]
    assert not [asked for asked in models.models["small"].asked if "123456" in asked.text + asked.instructions]


def test_a_retry_over_the_wire_holds_one_system_and_one_user_message():
    async def go() -> None:
        bench = Bench(m={"error": 1, "split": (0, 0, 1)})
        wrong = value(await bench.do(row(ladder=("m",)))).value

        def never(total: Total) -> list[Problem]:
            return [Problem(code="odd", message="look again", path="value")]

        await bench.do(row(checks=[never], ladder=("m",)))
        again = bench.client.sent[-1]["messages"]
        assert [message["role"] for message in again] == ["system", "user"]
        assert "look again" in again[1]["content"]
        assert "look again" not in again[0]["content"]
        assert str(wrong) not in str(again)

    run(go())


async def test_without_feedback_a_model_is_told_nothing_of_what_came_before():
    models = told(small=[{"value": -1}, {"value": 1}])
    await do(row(checks=[positive], ladder=("small",), feedback=False), models)
    assert models.told == [("small", ()), ("small", ())]


async def test_a_model_is_told_the_problems_of_its_own_answer_alone():
    models = told(small=[{"value": -1}], large=[{"value": 1}])
    await do(row(checks=[positive], ladder=("small", "large"), max_attempts=1), models)
    assert models.told == [("small", ()), ("large", ())]


async def test_sources_are_asked_in_the_order_of_the_ladder():
    async def device(page: Page) -> Total:
        return Total(value=-7)

    models, journal = told(small=[{"value": -1}] * 2, large=[{"value": -2}] * 2), MemoryJournal()
    step = row(checks=[positive], ladder=("device", "small", "large"), sources={"device": device})
    assert codes(await do(step, models, journal)) == ["negative"]
    assert [line.source for line in journal.attempts] == ["device", "small", "small", "large", "large"]


@pytest.mark.parametrize("most", [1, 3])
async def test_a_model_is_asked_no_more_often_than_the_policy_allows(most: int):
    models = told(small=[{"value": -1}] * most)
    assert codes(await do(row(checks=[positive], ladder=("small",), max_attempts=most), models)) == ["negative"]
    assert len(models.told) == most


async def test_a_role_that_nobody_names_is_passed_over():
    assert value(await do(row(ladder=("student", "small")), told(small=[{"value": 1}]))) == Total(value=1)


async def test_where_no_role_is_named_a_person_is_asked_and_told_the_mend():
    verdict = await do(row(ladder=("student", "small")), told())
    assert codes(verdict) == ["no_model"]
    assert "student, small" in verdict.reasons[0].message


@pytest.mark.parametrize(
    ("code", "times"),
    [
        ("refused", 1),
        ("content_filter", 1),
        ("truncated", 2),
        ("too_many_calls", 2),
        ("empty", 4),
        ("not_json", 4),
        ("wrong_form", 4),
    ],
)
async def test_each_fault_of_an_answer_has_its_own_patience(code: str, times: int):
    models = told(small=[AnswerError("no", code=code)] * times, large=[{"value": 1}])
    journal = MemoryJournal()
    step = row(ladder=("small", "large"), max_attempts=4)
    assert value(await do(step, models, journal)) == Total(value=1)
    assert [line.fault for line in journal.attempts] == [code] * times + [None]


async def test_faults_of_several_kinds_do_not_add_up_to_one():
    faults = [AnswerError("no", code=code) for code in ("truncated", "empty")]
    models = told(small=[*faults, {"value": 1}])
    assert value(await do(row(ladder=("small",), max_attempts=4), models)) == Total(value=1)


async def test_a_model_hears_what_was_wrong_with_the_form_of_its_answer():
    models = told(small=[AnswerError("value: Input should be a valid integer"), {"value": 1}])
    await do(row(ladder=("small",)), models)
    assert "valid integer" in models.told[1][1][0].message


@pytest.mark.parametrize("fault", ["prose", "fence", "extra_field"])
def test_an_answer_dressed_up_is_read_or_asked_for_again(fault: str):
    async def go() -> None:
        bench = Bench(m={"faults": AnswerFaults(**{fault: 1})}, n={})
        assert value(await bench.do(row(ladder=("m", "n")))) == Total(value=5)
        assert bench.asked == (["m"] if fault != "extra_field" else ["m", "m", "n"])

    run(go())


@pytest.mark.parametrize(
    ("fault", "code", "times"),
    [
        ("refusal", "refused", 1),
        ("content_filter", "content_filter", 1),
        ("length", "truncated", 2),
        ("wrong_type", "wrong_form", 3),
        ("missing_field", "wrong_form", 3),
    ],
)
def test_each_fault_on_the_wire_has_its_reaction(fault: str, code: str, times: int):
    async def go() -> None:
        bench = Bench(m={"faults": AnswerFaults(**{fault: 1})}, n={})
        assert value(await bench.do(row(ladder=("m", "n"), max_attempts=3))) == Total(value=5)
        assert [line.fault for line in bench.journal.attempts] == [code] * times + [None]
        assert bench.sends("m") == times

    run(go())


async def test_a_model_that_cannot_be_reached_is_left_for_the_next():
    models, journal = told(small=[ModelError("no such host")], large=[{"value": 1}]), MemoryJournal()
    assert value(await do(row(ladder=("small", "large"), max_attempts=3), models, journal)) == Total(value=1)
    assert journal.attempts[0].fault == "model_unreachable"


async def test_a_model_without_a_price_ends_the_job():
    with pytest.raises(UnpricedError):
        await do(row(ladder=("small",)), told(small=[UnpricedError("name a price")]))


async def test_what_the_steps_own_code_raises_is_no_fault_of_the_model():
    async def broken(page: Page, *, model: Model) -> Total:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await do(row(broken, ladder=("small",)), told(small=[]))


async def test_a_note_of_a_check_goes_along_with_the_answer():
    def remark(total: Total) -> list[Problem]:
        return [Problem(code="round", message="a round sum", severity="note")]

    verdict = await do(row(checks=[remark], ladder=("small",)), told(small=[{"value": 1}]))
    assert [note.code for note in verdict.notes] == ["round"]


def test_the_costs_of_all_attempts_stand_in_their_lines():
    async def go() -> None:
        price = {"input": Decimal(1), "output": Decimal(2)}
        bench = Bench(m={"faults": AnswerFaults(refusal=1), "price": price}, n={"price": price})
        await bench.do(row(ladder=("m", "n")))
        assert [line.cost for line in bench.journal.attempts] == [line.cost for line in bench.journal.lines]
        assert all(line.cost > 0 for line in bench.journal.attempts)

    run(go())
