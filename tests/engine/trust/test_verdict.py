"""What becomes of a step's attempts where its policy promises nothing."""

from agentflow.engine.trust.verdict import Accepted, Doubted, accepts, conclude
from tests.engine.trust.answers import Sums, failed, gave, wrong

NOTE = wrong("net").model_copy(update={"severity": "note"})


def test_the_first_answer_that_nothing_speaks_against_is_accepted():
    attempts = [failed("a"), gave("a", Sums(net=1), wrong("net")), gave("b", Sums(net=2)), gave("b", Sums(net=3))]
    verdict = conclude(attempts)
    assert isinstance(verdict, Accepted)
    assert verdict.made == Sums(net=2)


def test_a_note_does_not_keep_an_answer_in_its_step():
    assert accepts(gave("a", Sums(net=1), NOTE))
    assert not accepts(gave("a", Sums(net=1), wrong()))
    assert not accepts(failed("a"))


def test_notes_go_along_with_the_answer():
    verdict = conclude([gave("a", Sums(net=1), NOTE)])
    assert isinstance(verdict, Accepted)
    assert verdict.notes == (NOTE,)


def test_a_person_is_shown_the_answer_with_the_fewest_errors():
    worse = gave("a", Sums(net=1), wrong("net"), wrong("tax"))
    verdict = conclude([worse, gave("b", Sums(net=2), wrong("net"))])
    assert isinstance(verdict, Doubted)
    assert verdict.candidate == Sums(net=2)
    assert verdict.reasons == (wrong("net"),)


def test_faults_of_other_attempts_inform_and_do_not_object():
    verdict = conclude([failed("a"), gave("b", Sums(net=2), wrong("net"))])
    assert isinstance(verdict, Doubted)
    assert [reason.severity for reason in verdict.reasons] == ["error", "note"]


def test_where_nobody_answered_there_is_no_candidate():
    verdict = conclude([failed("a"), failed("a")], [wrong(code="deadline")])
    assert isinstance(verdict, Doubted)
    assert verdict.candidate is None
    assert [reason.code for reason in verdict.reasons] == ["no_valid_answer", "deadline"]
