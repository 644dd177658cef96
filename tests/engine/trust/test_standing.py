"""The best record that a step's answers give together, and how far it is trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentflow import Evidence, Record
from agentflow.engine.trust.evidence import Laws, believe
from agentflow.engine.trust.figures import IDENTITY, CheckFigures, known
from agentflow.engine.trust.standing import MERGED, Standing, accepted, doubted, likeliest, stand
from agentflow.engine.trust.verdict import Attempt
from tests.engine.trust.answers import SUMS, Bill, Kept, Line, Sums, failed, gave, laws, sums, wrong


def standing(
    *attempts: Attempt,
    step: Laws | None = None,
    identity: CheckFigures = IDENTITY,
    ties: dict[str, tuple[str, ...]] = SUMS,
) -> Standing:
    """Where the answers stand."""
    believed = believe(attempts, step or laws(), ties)
    answers = [attempt for attempt in attempts if attempt.made is not None]
    return stand(likeliest(answers, believed), believed, ties, {"adds_up": identity})


APART = [sums("a", 1, 2, 3), sums("a", 1, 4, 3), sums("b", 7, 5, 3), sums("b", 8, 5, 3)]
"""Of each field, one value twice; no answer has them all."""


def test_an_identity_that_holds_lifts_every_field_that_it_ties():
    held = standing(sums("a", 1, 2, 3))
    plain = standing(sums("a", 1, 2, 3), ties={})
    assert all(held.trust[path] > plain.trust[path] for path in ("net", "tax", "total"))


def test_an_identity_leaves_other_fields_as_they_are():
    ties = {"adds_up": ("net", "total")}
    held, plain = standing(sums("a", 1, 2, 3), ties=ties), standing(sums("a", 1, 2, 3), ties={})
    assert held.trust["tax"] == plain.trust["tax"]


def test_an_identity_that_does_not_hold_lifts_nothing():
    assert standing(sums("a", 1, 2, 4)).relief == {}


def test_an_identity_with_an_empty_field_lifts_nothing():
    assert standing(sums("a", 1, 2, None, holds=True)).relief == {}


@given(st.floats(0.0, 0.999), st.floats(0.0, 0.2))
def test_an_identity_leaves_the_doubt_that_bayes_leaves(catch: float, alarm: float):
    figures = CheckFigures(catch=known(catch), alarm=known(alarm))
    plain, held = standing(sums("a", 1, 2, 3), ties={}), standing(sums("a", 1, 2, 3), identity=figures)
    right = 1.0
    for path in ("net", "tax", "total"):
        right *= plain.trust[path]
    left = (1 - figures.catch.mean) / (right * (1 - figures.alarm.mean) + (1 - right) * (1 - figures.catch.mean))
    for path in ("net", "tax", "total"):
        assert 1 - held.trust[path] == pytest.approx((1 - plain.trust[path]) * left, abs=1e-9)


def test_an_identity_that_nothing_slips_through_leaves_no_doubt():
    sure = CheckFigures(catch=known(1.0), alarm=known(0.0))
    assert standing(sums("a", 1, 2, 3), identity=sure).least == pytest.approx(1.0)


def test_the_record_has_the_likeliest_value_of_every_field():
    found = standing(*APART, ties={})
    assert found.candidate.source == MERGED
    assert found.candidate.made == Sums(net=1, tax=5, total=3)


def test_an_answer_that_has_all_likeliest_values_stays_as_it_is():
    best = sums("a", 1, 2, 3)
    assert standing(best, sums("a", 1, 2, 3), sums("b", 9, 2, 3)).candidate is best


def test_no_check_has_seen_a_record_that_was_put_together():
    found = standing(*APART, ties={})
    assert (found.candidate.said, found.candidate.problems) == ({}, ())


class Odd(Record):
    """Takes no two values alike."""

    one: int
    two: int

    def model_post_init(self, context: object) -> None:
        if self.one == self.two:
            raise ValueError("they are alike")


def test_values_that_make_no_valid_record_together_leave_the_answer_with_most_of_them():
    attempts = [gave("a", Odd(one=1, two=2)), gave("a", Odd(one=1, two=3)), gave("b", Odd(one=3, two=1))]
    attempts += [gave("b", Odd(one=2, two=1))]
    found = standing(*attempts, ties={})
    assert found.candidate in attempts


def test_lists_of_different_lengths_are_never_put_together():
    one = Bill(number="1", lines=[Line(item="x", amount=1)])
    two = Bill(number="2", lines=[Line(item="x", amount=1), Line(item="y", amount=2)])
    found = standing(gave("a", one), gave("a", one), gave("b", two), ties={})
    assert found.candidate.made == one


def test_a_field_of_which_the_candidate_has_another_value_is_not_trusted():
    attempts = [gave("a", Odd(one=1, two=2)), gave("a", Odd(one=1, two=2)), gave("b", Odd(one=2, two=1))]
    believed = believe(attempts, laws(), {})
    assert stand(attempts[2], believed, {}, {}).trust["one"] == 0.0


def test_needs_are_the_fields_that_are_not_trusted_enough_and_alike_ones_are_one():
    found = standing(sums("a", 1, 2, 3), ties={})
    assert found.needs(0.5) == ()
    assert len(found.needs(1e-6)) == 1


def test_what_an_identity_lifts_needs_less_of_its_own():
    plain, held = (standing(sums("a", 1, 2, 3), ties=ties).needs(1e-6)[0].bar for ties in ({}, SUMS))
    assert held < plain


def kept(source: str, value: int, **evidence: Evidence) -> Attempt:
    return gave(source, Kept(net=value, total=5, evidence=evidence))


def test_an_accepted_record_that_keeps_evidence_tells_its_trust_and_sources():
    first = kept("a", 1, net=Evidence(trust=0.5, source="a", quote="1,00", page=2))
    attempts = [first, kept("b", 1)]
    found = standing(*attempts, ties={})
    made = accepted(found, attempts).made
    told = made.evidence["net"]
    assert told.trust == pytest.approx(found.trust["net"])
    assert (told.source, told.quote, told.page) == ("a+b", "1,00", 2)
    assert made.evidence["total"].source == "a+b"


def test_values_from_several_answers_keep_the_evidence_of_the_answer_that_they_come_from():
    quote = Evidence(trust=0.5, source="b", quote="two")
    attempts = [
        gave("a", Kept(net=1, total=5)),
        gave("a", Kept(net=1, total=6)),
        gave("b", Kept(net=2, total=5, evidence={"total": quote})),
        gave("b", Kept(net=3, total=5, evidence={"total": quote})),
    ]
    found = standing(*attempts, ties={})
    assert found.candidate.made.net == 1
    assert found.candidate.made.total == 5
    assert accepted(found, attempts).made.evidence["total"].source.endswith("b")


def test_a_record_without_evidence_is_accepted_as_it_is():
    attempt = sums("a", 1, 2, 3)
    found = accepted(standing(attempt), [attempt])
    assert found.made is attempt.made
    assert set(found.trust) == {"net", "tax", "total"}


def test_only_notes_go_along_with_what_is_accepted():
    note = wrong("net").model_copy(update={"severity": "note"})
    attempt = gave("a", Sums(net=1), note)
    assert accepted(standing(attempt), [attempt]).notes == (note,)


def test_a_person_is_told_what_the_sources_say_and_shown_the_likeliest_record():
    attempts = [sums("a", 1, 0, 1), sums("a", 1, 0, 1), sums("b", 2, 0, 1)]
    found = doubted(standing(*attempts, ties={}), attempts, 0.001, ())
    reason = next(reason for reason in found.reasons if reason.path == "net")
    assert reason.code == "sources_disagree"
    assert "a (2 times): 1; b: 2" in reason.message
    assert found.candidate == Sums(net=1, total=1)


def test_a_person_is_told_where_trust_is_too_low():
    attempt = sums("a", 1, 0, 1)
    found = doubted(standing(attempt, ties={}), [attempt], 0.001, ())
    assert {reason.code for reason in found.reasons} == {"low_trust"}


def test_where_nobody_answered_a_person_is_told_every_fault_once():
    found = doubted(None, [failed("a"), failed("a")], 0.01, (wrong(code="deadline"),))
    assert [reason.code for reason in found.reasons] == ["no_valid_answer", "deadline"]


class Partly(Record):
    total: int
    tax: int | None = None
    evidence: dict[str, Evidence] = {}


def test_evidence_of_what_is_not_weighed_leaves_with_no_trust_and_the_source_that_gave_it():
    forged = {name: Evidence(trust=1, source="person", quote="x") for name in ("total", "tax", "iban")}
    attempts = [gave("a", Partly(total=5, evidence=forged))]
    found = standing(*attempts, ties={})
    told = accepted(found, attempts).made.evidence
    assert told["total"].trust == pytest.approx(found.trust["total"])
    assert (told["tax"].trust, told["iban"].trust) == (0, 0)
    assert {each.source for each in told.values()} == {"a"}


class Table(Record):
    rates: dict[str, int] = {}
    lines: list[int] = []
    total: int = 3
    paid: int = 3


@pytest.mark.parametrize("part", ["rates.*", "lines.*"])
def test_an_identity_lifts_nothing_where_one_of_the_names_that_it_ties_has_no_value(part: str):
    made = gave("a", Table(rates={"low": 1}), said={"adds_up": ()})
    assert standing(made, ties={"adds_up": ("total", "paid")}).relief
    assert not standing(made, ties={"adds_up": (part, "total", "paid")}).relief
