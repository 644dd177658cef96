"""What several answers say of a field together."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Evidence, Record
from agentflow.engine.trust.evidence import Belief, Laws, believe, laws_of
from agentflow.engine.trust.figures import (
    Bin,
    CheckFigures,
    FieldFigures,
    Figures,
    SourceFigures,
    StepFigures,
    known,
)
from agentflow.engine.trust.verdict import Attempt
from tests.engine.trust.answers import SUMS, Bill, Kept, Line, Other, Sums, failed, gave, laws, sums, wrong


def trust(attempts: list[Attempt], path: str = "net", step: Laws | None = None) -> dict[object, float]:
    """By value of the field."""
    belief = believe(attempts, step or laws(), {})[path]
    return dict(zip(belief.values, belief.trust, strict=True))


def net(source: str, value: int) -> Attempt:
    return gave(source, Sums(net=value))


def test_nothing_is_believed_where_nobody_answered():
    assert believe([], laws(), {}) == {}
    assert believe([failed("a")], laws(), {}) == {}


def test_agreement_lifts_and_contradiction_sinks():
    once, twice = trust([net("a", 1)])[1], trust([net("a", 1), net("b", 1)])[1]
    split = trust([net("a", 1), net("b", 2)])[1]
    assert split < once < twice


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2) | st.none()), max_size=6), st.randoms())
def test_the_order_of_attempts_does_not_matter(said: list[tuple[str, int | None]], rng: random.Random):
    attempts = [failed(name) if value is None else net(name, value) for name, value in said]
    turned = rng.sample(attempts, len(attempts))
    found, again = believe(attempts, laws(), {}), believe(turned, laws(), {})
    assert found.keys() == again.keys()
    for path, belief in found.items():
        assert _by_value(belief) == pytest.approx(_by_value(again[path]))
        assert belief.best == again[path].best


def _by_value(belief: Belief) -> dict[object, float]:
    return dict(zip(belief.values, belief.trust, strict=True))


def test_an_answer_that_failed_lowers_trust_and_a_network_that_failed_does_not():
    at_once = trust([net("a", 1)])[1]
    assert trust([failed("a"), net("a", 1)])[1] < at_once
    assert trust([failed("a", "model_unreachable"), net("a", 1)])[1] == at_once
    assert trust([failed("a", "budget_spent"), net("a", 1)])[1] == at_once


def test_the_verdict_of_a_check_counts_once_however_often_the_value_is_given():
    checks = {"seen": CheckFigures(catch=known(0.9), alarm=known(0.01))}
    plain = StepFigures(every=FieldFigures(checks={}))
    measured = StepFigures(every=FieldFigures(checks=checks))

    def odds(times: int, step: StepFigures) -> float:
        given = [gave("a", Sums(net=1), said={"seen": ()}) for _ in range(times)]
        right = trust(given, step=laws(figures=step))[1]
        return right / (1 - right)

    lifted = [odds(times, measured) / odds(times, plain) for times in (1, 3)]
    assert lifted[0] > 5
    # Given three times, the value is lifted as much as once, but for the values that nobody gave.
    assert lifted[1] == pytest.approx(lifted[0], rel=1e-6)


def test_a_check_that_passes_once_does_not_object_to_the_value():
    objected, passed = gave("a", Sums(net=1), wrong("net")), gave("a", Sums(net=1), said={"seen": ()})
    assert believe([objected, objected], laws(), {})["net"].pattern.verdicts[0].blocked
    assert not believe([objected, passed], laws(), {})["net"].pattern.verdicts[0].blocked


def test_a_check_that_passes_where_the_source_was_told_of_it_says_nothing():
    figures = StepFigures(every=FieldFigures(checks={"seen": CheckFigures(catch=known(0.9), alarm=known(0.01))}))
    passed = gave("a", Sums(net=1), said={"seen": ()})
    told = replace(passed, told=frozenset(("seen",)))
    plain, alone, beside = (
        believe(attempts, laws(figures=figures), {})["net"].pattern.verdicts[0]
        for attempts in ([net("a", 1)], [told], [told, passed])
    )
    assert alone == plain
    assert beside.right / beside.wrong > 5


def test_a_note_is_no_objection():
    note = wrong("net").model_copy(update={"severity": "note"})
    assert not believe([gave("a", Sums(net=1), note)], laws(), {})["net"].pattern.verdicts[0].blocked


def test_a_value_that_a_check_objects_to_stands_behind_any_other():
    attempts = [gave("a", Sums(net=1), wrong("net")), gave("a", Sums(net=1), wrong("net")), net("b", 2)]
    assert believe(attempts, laws(), {})["net"].best == 2


def test_an_objection_speaks_of_the_field_that_it_names():
    found = believe([gave("a", Sums(net=1, total=1), wrong("net"))], laws(), {})
    assert found["net"].trust[0] < found["total"].trust[0]


def test_an_objection_to_the_whole_speaks_of_all_fields():
    plain, objected = (
        believe([attempt], laws(), {})
        for attempt in (gave("a", Sums(net=1, total=1)), gave("a", Sums(net=1, total=1), wrong()))
    )
    assert all(objected[path].trust[0] < plain[path].trust[0] for path in ("net", "tax", "total"))


def test_an_objection_to_a_list_speaks_of_what_is_in_it():
    bill = Bill(lines=[Line(item="x", amount=1), Line(item="y", amount=2)])
    found = believe([gave("a", bill, wrong("lines.1"))], laws(), {})
    assert found["lines.1.amount"].trust[0] < found["lines.0.amount"].trust[0]


def test_what_breaks_an_identity_speaks_against_every_field_that_it_ties():
    found, other = (believe([sums("a", 1, 2, total)], laws(), SUMS) for total in (4, 3))
    assert all(found[path].trust[0] < other[path].trust[0] for path in ("net", "tax", "total"))
    assert not any(found[path].pattern.verdicts[0].blocked for path in ("net", "tax", "total"))


def test_spaces_and_composed_letters_make_no_other_value():
    attempts = [gave("a", Bill(number="M\u00fc  1")), gave("b", Bill(number="Mu\u0308 1"))]
    assert len(believe(attempts, laws(), {})["number"].values) == 1


def bill(*amounts: int) -> Bill:
    return Bill(lines=[Line(item="x", amount=amount) for amount in amounts])


def test_lists_of_different_lengths_contradict_each_other_in_the_length():
    found = believe([gave("a", bill(1, 2)), gave("a", bill(1, 2)), gave("b", bill(1))], laws(), {})
    assert found["lines.#"].values == (2, 1)
    assert found["lines.1.amount"].best == 2


def test_only_answers_of_the_likeliest_length_speak_of_what_is_inside():
    found = believe([gave("a", bill(1, 2)), gave("a", bill(1, 2)), gave("b", bill(9))], laws(), {})
    assert found["lines.0.amount"].values == (1,)


def test_answers_of_the_same_type_do_not_ask_for_the_type():
    assert "#" not in believe([net("a", 1)], laws(), {})
    assert "vendor.#" not in believe([gave("a", Bill(vendor=Line(item="x", amount=1)))], laws(), {})


def test_where_a_step_can_make_several_types_the_type_is_a_question():
    attempts = [net("a", 1), net("a", 1), gave("b", Other(net=2))]
    found = believe(attempts, laws(), {}, one_type=False)
    assert found["#"].values == ("Sums", "Other")
    assert found["net"].values == (1,)


def test_a_part_that_is_missing_contradicts_one_that_is_there():
    attempts = [gave("a", Bill(vendor=Line(item="x", amount=1))), gave("b", Bill())]
    found = believe(attempts, laws(), {})
    assert set(found["vendor.#"].values) == {"Line", None}


def test_an_empty_field_is_a_value_like_any_other():
    attempts = [gave("a", Sums(net=1, total=None)), gave("b", Sums(net=1, total=5)), gave("b", Sums(net=1, total=5))]
    belief = believe(attempts, laws(), {})["total"]
    assert belief.best == 5
    assert belief.pattern.empty == 1


def test_a_field_without_figures_of_its_own_has_those_of_every_field():
    step = laws(figures=StepFigures(fields={"tax": FieldFigures()}))
    assert step.of("net") is step.every
    assert step.of("tax") is not step.every


def test_places_of_a_list_have_one_law():
    step = laws(figures=StepFigures(fields={"lines.*.amount": FieldFigures()}))
    assert step.of("lines.0.amount") is step.of("lines.7.amount")


def test_a_step_or_a_source_without_figures_has_the_prior():
    step = laws_of(Figures(), "read", ("a",), frozenset())
    assert step.every.sources[0].systematic == SourceFigures().systematic.mean


def test_laws_are_made_once_for_the_figures():
    figures = Figures()
    assert laws_of(figures, "read", ("a",), frozenset()) is laws_of(figures, "read", ("a",), frozenset())
    assert laws_of(figures, "read", ("a", "b"), frozenset()) is not laws_of(figures, "read", ("a",), frozenset())


def sure_of(trust: float, value: int = 1, source: str = "a") -> Attempt:
    evidence = {"net": Evidence(trust=trust, source=source)}
    return gave(source, Kept(net=value, total=2, evidence=evidence))


def binned() -> StepFigures:
    bins = (
        Bin(edge=0.5, systematic=known(0.2), slip=known(0.2)),
        Bin(systematic=known(0.0005), slip=known(0.0005)),
    )
    return StepFigures(every=FieldFigures(sources={"a": SourceFigures(bins=bins)}))


def test_a_value_is_trusted_by_what_the_source_says_of_it_where_that_was_measured():
    found = [trust([sure_of(each)], step=laws(figures=binned()))[1] for each in (0.4, 0.9)]
    assert found[0] < 0.8
    assert found[1] > 0.995


def test_what_a_source_says_of_its_values_is_worth_nothing_before_an_exam():
    assert trust([sure_of(0.99)]) == trust([sure_of(0.01)])


def test_how_sure_a_source_is_of_one_field_says_nothing_of_another():
    found = [believe([sure_of(each)], laws(figures=binned()), {})["total"].trust for each in (0.4, 0.9)]
    assert found[0] == found[1]


def test_a_source_that_is_sure_once_and_once_is_not_is_taken_at_the_mean():
    pair = [sure_of(0.9), sure_of(0.2)]
    step = laws(figures=binned())
    assert step.bins("net", pair) == (("a", 1),)
    assert step.bins("net", [*pair, sure_of(0.2)]) == (("a", 0),)
    assert step.bins("net", [net("a", 1)]) == ()


class Nothing(Record):
    pass


class Discount(Record):
    percent: int


class Terms(Record):
    discount: Nothing | Discount
    note: Discount | None = None
    fine: Nothing | None = None


def test_the_type_of_a_part_that_could_be_another_is_weighed_even_where_all_say_the_same():
    for discount in (Nothing(), Discount(percent=3)):
        found = believe([gave("a", Terms(discount=discount))] * 2, laws(), {})
        assert found["discount.#"].best == type(discount).__name__
        assert 0.5 < found["discount.#"].trust[0] < 1


def test_the_type_of_a_part_is_no_question_where_its_fields_tell_of_it():
    found = believe([gave("a", Terms(discount=Nothing(), note=Discount(percent=3), fine=Nothing()))], laws(), {})
    assert "note.#" not in found
    # Nothing else tells that this part is there.
    assert "fine.#" in found


def test_an_empty_text_list_or_table_is_left_out_as_an_empty_field_is():
    class Order(Record):
        number: str | None = None
        lines: list[int] | None = None
        rates: dict[str, int] | None = None

    empty, none = Order(number="", lines=[], rates={}), Order()
    alone, plain = (believe([gave("a", made)] * 3, laws(), {}) for made in (empty, none))
    doubts = {round(belief.doubt, 12) for belief in (*alone.values(), *plain.values())}
    assert len(doubts) == 1
    both = believe([gave("a", empty), gave("b", none)], laws(), {})
    assert {len(belief.values) for belief in both.values()} == {1}


def test_an_objection_to_a_long_list_is_looked_up_once_an_answer():
    class Looked(dict[str, int]):
        times = 0

        def __iter__(self):
            Looked.times += 1
            return super().__iter__()

    attempt = gave("a", Bill(lines=[Line(item="x", amount=i) for i in range(50)]), wrong("lines"))
    attempt.__dict__["leaves"] = Looked(attempt.leaves)
    believe([attempt], laws(), {})
    assert Looked.times < 10
