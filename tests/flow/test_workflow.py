"""A table closes, or says in words what keeps it from closing."""

from collections.abc import Sequence
from typing import Annotated

import pytest

from agentflow import EffectKey, Evidence, Model, Policy, Problem, Record, workflow
from agentflow.errors import WorkflowError


class A(Record):
    a: int


class B(Record):
    b: int


class C(Record):
    c: int


class D(Record):
    d: int


async def a_to_b(a: A) -> B:
    return B(b=a.a)


async def a_to_b_or_d(a: A) -> B | D:
    return B(b=a.a)


async def b_to_c(b: B) -> C:
    return C(c=b.b)


async def b_to_c_with_d(b: B, d: D) -> C:
    return C(c=b.b + d.d)


async def d_to_b(d: D) -> B:
    return B(b=d.d)


async def asks(a: A, *, model: Model) -> B:
    return B(b=1)


async def keyed(a: A, *, key: EffectKey) -> B:
    return B(b=1)


async def untyped(a) -> B:
    return B(b=1)


async def to_text(a: A) -> str:
    return ""


async def many(a: A) -> list[B]:
    return []


async def either(b: B) -> C | D:
    return C(c=1)


def about_c(c: C) -> list[Problem]:
    return []


def gaps(draft) -> str:
    with pytest.raises(WorkflowError) as caught:
        draft.build()
    return str(caught.value)


def test_a_closed_table_builds():
    flow = workflow("w", takes=A, gives=C).step(a_to_b).step(b_to_c).build()
    assert [step.name for step in flow.steps] == ["a_to_b", "b_to_c"]
    assert flow.gives == (C,)


def test_a_record_that_nobody_uses_is_named_with_its_mend():
    text = gaps(workflow("w", takes=A, gives=C).step(a_to_b_or_d).step(b_to_c))
    assert "a_to_b_or_d makes D, which no step starts from; add a step or name it in gives=" in text


def test_a_record_that_nobody_makes_is_named():
    text = gaps(workflow("w", takes=A, gives=C).step(a_to_b).step(b_to_c_with_d))
    assert "b_to_c_with_d reads D, which no step makes" in text


def test_every_gap_is_told_at_once():
    text = gaps(workflow("w", takes=A, gives=C | D).step(a_to_b_or_d))
    assert "makes B, which no step starts from" in text
    assert "C is an outcome that no step makes" in text


def test_a_record_must_be_made_on_every_way_to_the_step_that_looks_back_for_it():
    text = gaps(workflow("w", takes=A, gives=C).step(a_to_b_or_d).step(d_to_b).step(b_to_c_with_d))
    assert "b_to_c_with_d reads D, which is not made on every way to it" in text


def test_two_steps_from_one_record_need_a_fork():
    text = gaps(workflow("w", takes=A, gives=C).step(a_to_b).step(a_to_b_or_d).step(b_to_c))
    assert "a_to_b and a_to_b_or_d all start from A; give one a record of its own, or put them into one .fork" in text


def test_a_forked_step_makes_one_record():
    text = gaps(workflow("w", takes=A, gives=C).fork(a_to_b_or_d, a_to_b).step(b_to_c))
    assert "a_to_b_or_d stands in a .fork and makes 2 kinds of record" in text


def test_an_each_makes_one_kind_of_record():
    text = gaps(workflow("w", takes=A, gives=C).step(many).each(either))
    assert "either stands in an .each and makes 2 kinds of record" in text


def test_an_outcome_starts_nothing():
    text = gaps(workflow("w", takes=A, gives=B | C).step(a_to_b).step(b_to_c))
    assert "B is an outcome, yet b_to_c starts from it" in text


def test_a_step_that_is_never_reached_is_named():
    text = gaps(workflow("w", takes=A, gives=C).step(a_to_b).step(b_to_c).step(d_to_b))
    assert "d_to_b is never reached" in text


def test_an_effect_takes_a_key_and_a_key_is_for_effects():
    assert "add `*, key: EffectKey`" in gaps(workflow("w", takes=A, gives=B).step(a_to_b, effect=True))
    assert "keyed takes an EffectKey but is no effect" in gaps(workflow("w", takes=A, gives=B).step(keyed))


def test_a_step_that_asks_a_model_names_its_ladder():
    assert "asks asks a model but names none" in gaps(workflow("w", takes=A, gives=B).step(asks))


def test_a_rung_without_a_model_to_stand_on_is_named():
    text = gaps(workflow("w", takes=A, gives=B).step(a_to_b, policy=Policy(ladder=("small",))))
    assert "a_to_b has a rung 'small' but takes no model" in text


def test_a_source_that_the_ladder_leaves_out_is_named():
    text = gaps(workflow("w", takes=A, gives=B).step(a_to_b, sources={"rule": a_to_b}))
    assert "a_to_b has a source 'rule' that its ladder leaves out" in text


def test_a_check_is_about_what_its_step_makes():
    text = gaps(workflow("w", takes=A, gives=B).step(a_to_b, checks=[about_c]))
    assert "the check about_c is about C, which the step does not make" in text


def test_a_step_without_types_is_refused_where_it_is_written():
    with pytest.raises(WorkflowError, match="untyped: give a a type"):
        workflow("w", takes=A, gives=B).step(untyped)  # type: ignore[arg-type]


def test_what_is_no_record_is_named():
    assert "to_text: str is no record" in gaps(workflow("w", takes=A, gives=B).step(to_text))


def test_names_are_unique():
    assert "2 steps are called a_to_b" in gaps(workflow("w", takes=A, gives=B).step(a_to_b).step(a_to_b))


class Line(Record):
    amount: int
    note: str | None = None


class Nothing(Record):
    pass


class Deep(Record):
    total: int
    lines: list[Line] = []
    marks: list[int] | None = None
    extra: dict[str, int] = {}
    best: Line | None = None
    either: int | list[int] = 0
    noted: Annotated[list[Annotated[int, "mark"]], "marks"] = []
    seen: Sequence[Line] = ()
    off: Nothing | Line = Nothing()
    evidence: dict[str, Evidence] = {}


async def deep(a: A) -> Deep:
    return Deep(total=a.a)


async def deeps(a: A) -> list[Deep]:
    return []


def promising(*paths: str, step=deep):
    made = step.__annotations__["return"]
    return workflow("w", takes=A, gives=made).step(step, policy=Policy(alpha=0.01, promises=paths))


@pytest.mark.parametrize(
    "path",
    [
        "total",
        "lines.*.amount",
        "lines.0.note",
        "lines.#",
        "lines.*.#",
        "#",
        "marks.*",
        "marks.#",
        "extra.rate",
        "best.amount",
        "either",
        "either.*",
        "noted.*",
        "seen.*.amount",
        "off.#",
        "off.amount",
        "either.#",
    ],
)
def test_a_field_that_a_record_can_have_may_be_promised(path: str):
    assert promising(path).build()


def test_a_field_of_each_record_of_a_list_may_be_promised():
    assert promising("*.total", step=deeps).build()
    assert "deeps promises total, which list[Deep] does not have" in gaps(promising("total", step=deeps))


@pytest.mark.parametrize(
    "path",
    [
        "totl",
        "lines.*.amont",
        "total.amount",
        "total.#.x",
        "evidence.total",
        "evidence.total.trust",
        "best.0",
        "",
        "nothing.#",
    ],
)
def test_a_promise_that_no_field_answers_to_is_refused(path: str):
    assert f"deep promises {path}, which Deep does not have; " in gaps(promising("total", path))


def test_a_misspelt_promise_is_told_its_spelling():
    assert "deep promises totl, which Deep does not have; write total" in gaps(promising("totl"))


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("lines", "lines.*"),
        ("lines.*", "lines.*.amount or lines.*.note"),
        ("marks", "marks.*"),
        ("extra", "extra.KEY"),
        ("best", "best.amount or best.note"),
        ("noted", "noted.*"),
        ("seen", "seen.*"),
        ("off", "off.amount or off.note or off.#"),
    ],
)
def test_a_promise_of_what_holds_other_values_is_refused_with_its_mend(path: str, mend: str):
    assert f"deep promises {path}, which holds other values; promise them: {mend}" in gaps(promising(path))


def test_a_promise_of_whichever_key_of_a_table_is_refused():
    assert "deep promises extra.*, but extra is a table" in gaps(promising("extra.*"))


def test_a_promise_to_count_what_holds_nothing_is_refused():
    assert "deep promises total.#, but total holds no other values; promise total" in gaps(promising("total.#"))
