"""The law of errors keeps the rates it is given, and says the same every time it is asked."""

from math import sqrt

import pytest

from agentflow.errors import ConfigError
from agentflow.testing import Faulty, FaultyModel, Law, Outcome, RightRate

N = 20_000
SPLIT = (0.6, 0.3, 0.1)


def near(found: int, rate: float, n: int) -> bool:
    """Within four standard deviations of what the rate promises."""
    return abs(found - n * rate) <= 4 * sqrt(n * rate * (1 - rate)) + 1


def law(**models: FaultyModel) -> Law:
    return Law(Faulty(seed=7, models=models))


def model(**more) -> FaultyModel:
    return FaultyModel(**{"error": 0.05, "split": SPLIT, **more})


@pytest.mark.parametrize("split", [(0.6, 0.3, 0.1), (0.9, 0.09, 0.01), (0, 0, 1)])
def test_errors_come_at_their_rate_and_in_their_split(split):
    the = law(small=model(error=0.08, split=split))
    drawn = [the.draw("small", case)[0] for case in range(N)]
    for outcome, share in zip((Outcome.DETECTABLE, Outcome.INDEPENDENT, Outcome.CORRELATED), split, strict=True):
        assert near(drawn.count(outcome), 0.08 * share, N), outcome
        assert the.rates("small")[outcome] == pytest.approx(0.08 * share)


def test_the_same_call_is_drawn_the_same_and_in_any_order():
    the, other = law(small=model(error=0.5)), law(small=model(error=0.5))
    forward = [the.draw("small", f"case {i}", "read", i % 3, i % 5) for i in range(500)]
    assert [other.draw("small", f"case {i}", "read", i % 3, i % 5) for i in reversed(range(500))][::-1] == forward


def test_draws_do_not_change_between_versions():
    drawn = [law(small=model(error=0.5)).draw("small", case, "read", "as is", 1) for case in range(8)]
    assert [(int(outcome), number) for outcome, number in drawn] == [
        (0, 0),
        (1, 1),
        (0, 0),
        (1, 8),
        (1, 9),
        (1, 8),
        (0, 0),
        (2, 10),
    ]


@pytest.mark.parametrize("other", [{"seed": 8}, {"variant": 1}, {"attempt": 1}, {"step": "write"}])
def test_another_seed_variant_attempt_or_step_is_a_fresh_draw(other):
    spec = model(error=0.5, split=(0, 1, 0))
    first = Law(Faulty(seed=7, models={"small": spec}))
    second = Law(Faulty(seed=other.pop("seed", 7), models={"small": spec}))
    same = sum(
        first.draw("small", case, step="read")[0] == second.draw("small", case, **{"step": "read", **other})[0]
        for case in range(N)
    )
    assert near(same, 0.5, N)


def test_a_correlated_mistake_is_the_same_every_time_and_an_independent_one_is_not():
    the = law(small=model(error=0.3, split=(0, 0.5, 0.5), wrong_values=1000))
    first = [the.draw("small", case, attempt=0) for case in range(2000)]
    caught = [case for case, (outcome, _) in enumerate(first) if outcome is Outcome.CORRELATED]
    assert all(the.draw("small", case, attempt=a) == first[case] for case in caught for a in range(1, 6))
    slipped = [case for case, (outcome, _) in enumerate(first) if outcome is Outcome.INDEPENDENT]
    again = [the.draw("small", case, attempt=1) for case in slipped]
    assert sum(draw == first[case] for case, draw in zip(slipped, again, strict=True)) < len(slipped) * 0.02


def test_wrong_values_come_from_the_whole_space_alike():
    the = law(small=model(error=1, split=(0, 1, 0), wrong_values=5))
    numbers = [the.draw("small", case)[1] for case in range(N)]
    assert all(near(numbers.count(number), 0.2, N) for number in range(1, 6))
    assert set(numbers) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.6])
def test_an_overlap_is_the_share_of_mistakes_that_the_other_model_makes_too(share):
    the = law(
        small=model(error=0.5, wrong_values=1000),
        middle=model(error=0.5, wrong_values=1000, follows=share),
        big=model(error=0.5, wrong_values=1000, follows=share),
    )
    drawn = {name: [the.draw(name, case) for case in range(N)] for name in ("small", "middle", "big")}
    for leader, follower in (("small", "middle"), ("small", "big"), ("middle", "big")):
        caught = [case for case in range(N) if drawn[leader][case][0] is Outcome.CORRELATED]
        shared = sum(drawn[follower][case] == drawn[leader][case] for case in caught)
        assert near(shared, share, len(caught)), (leader, follower)


@pytest.mark.parametrize("share", [0, 0.3, 0.6])
def test_an_overlap_leaves_each_models_own_rates_as_they_are(share):
    the = law(small=model(error=0.5), middle=model(error=0.5, follows=share), big=model(error=0.5, follows=share))
    for name in ("small", "middle", "big"):
        drawn = [the.draw(name, case)[0] for case in range(N)]
        assert near(drawn.count(Outcome.CORRELATED), 0.05, N)
        assert near(drawn.count(Outcome.RIGHT), 0.5, N)


def test_a_model_that_has_too_few_mistakes_to_share_is_refused():
    with pytest.raises(ConfigError, match=r"big follows others into mistakes on 0\.4800% .* leaves it only 0\.3000%"):
        law(small=model(error=0.08), big=model(error=0.03, follows=0.6))


def test_a_rate_that_may_rise_rises_to_what_is_shared():
    the = law(small=model(error=0.8), big=model(error=0.3, follows=0.6, rate_may_rise=True))
    drawn = [the.draw("big", case)[0] for case in range(N)]
    assert the.rates("big")[Outcome.CORRELATED] == pytest.approx(0.048)
    assert near(drawn.count(Outcome.CORRELATED), 0.048, N)


def test_followed_models_can_be_named_one_by_one():
    the = law(a=model(error=0.5), b=model(error=0.5), c=model(error=0.5, follows={"b": 0.8}, wrong_values=1000))
    of_a = [case for case in range(N) if the.draw("a", case)[0] is Outcome.CORRELATED]
    of_b = [case for case in range(N) if the.draw("b", case)[0] is Outcome.CORRELATED]
    assert near(sum(the.draw("c", case)[0] is Outcome.CORRELATED for case in of_b), 0.8 + 0.2 * 0.0105, len(of_b))
    assert sum(the.draw("c", case)[0] is Outcome.CORRELATED for case in of_a) < len(of_a) * 0.1


def test_right_rates_of_cases_follow_their_beta_law():
    """pass^k of Beta(.58, .38): E[q^k] = prod (a + i) / (a + b + i)."""
    the = law(agent=FaultyModel(right_rate=RightRate(a=0.58, b=0.38)))
    expected = 1.0
    for k in range(1, 5):
        expected *= (0.58 + k - 1) / (0.58 + 0.38 + k - 1)
        passed = sum(all(the.draw("agent", case, attempt=i)[0] is Outcome.RIGHT for i in range(k)) for case in range(N))
        assert near(passed, expected, N), k


def test_shared_difficulty_makes_the_same_cases_hard():
    hard = RightRate(a=0.58, b=0.38, shared=1)
    the = law(a=FaultyModel(right_rate=hard), b=FaultyModel(right_rate=hard))
    wrong = [case for case in range(N) if the.draw("a", case)[0] is not Outcome.RIGHT]
    both = sum(the.draw("b", case)[0] is not Outcome.RIGHT for case in wrong)
    # E[(1 - q)^2] / E[1 - q] for one q of the case
    assert near(both, (0.38 + 1) / (0.58 + 0.38 + 1), len(wrong))


def test_correlated_mistakes_under_a_right_rate_repeat_their_value_and_are_shared():
    spec = {"right_rate": RightRate(a=1, b=1), "split": (0, 0, 1), "wrong_values": 1000}
    the = law(a=FaultyModel(**spec), b=FaultyModel(**spec, follows=0.5))
    values = {name: [the.trap(name, the.unit(case)) for case in range(N)] for name in ("a", "b")}
    assert near(sum(x == y for x, y in zip(values["a"], values["b"], strict=True)), 0.5005, N)
    said = {the.draw("a", 3, attempt=i) for i in range(50)}
    assert len(said) == 2
