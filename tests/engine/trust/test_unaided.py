"""What is taken where nobody stands by: slips are removed, and what no answer could change is left as it is."""

from agentflow.engine.trust.buying import Need, cheapest, removable, settled
from agentflow.engine.trust.law import Law
from tests.engine.trust.worlds import Source, World, pattern_of_answers

ONE = World({"small": Source(0.01, 0.03)}, 0.0, wrong=1).law()
TWO = World({"small": Source(0.01, 0.03), "large": Source(0.002, 0.01)}, 0.1, wrong=1).law()


def need(law: Law, alpha: float, **said: list[int]) -> Need:
    return Need(law, pattern_of_answers(law, said)[1], 1 - alpha, unaided=True)


def test_answers_that_agree_settle_a_value_that_its_source_may_always_get_wrong():
    assert not settled(need(ONE, 1e-3, small=[0]))
    assert settled(need(ONE, 1e-3, small=[0, 0, 0]))


def test_a_smaller_alpha_takes_more_answers_that_agree():
    assert not settled(need(ONE, 1e-5, small=[0, 0, 0]))
    assert settled(need(ONE, 1e-5, small=[0, 0, 0, 0]))


def test_an_answer_that_differs_has_to_be_made_up_for():
    assert not settled(need(ONE, 1e-3, small=[0, 0, 1]))
    assert settled(need(ONE, 1e-3, small=[0, 0, 1, 0]))


def test_a_source_that_would_tell_a_mistake_is_asked_before_the_value_is_taken():
    alone = need(TWO, 1e-3, small=[0, 0, 0])
    assert not settled(alone)
    assert cheapest((alone,), ("small", "large"), (5, 5), (1.0, 10.0)) == (0, 1)
    assert settled(need(TWO, 1e-3, small=[0, 0, 0], large=[0]))


def test_sources_that_have_settled_on_different_values_have_nothing_more_to_tell():
    apart = need(TWO, 1e-3, small=[1, 1, 1], large=[0, 0])
    assert removable(TWO, apart.pattern, 0) <= 1e-3
    assert settled(apart)


def test_a_step_with_a_person_beside_it_settles_for_nothing():
    assert not settled(need(ONE, 1e-3, small=[0, 0, 0])._replace(unaided=False))
