"""Sends meet the faults of the wire at their rates; outages begin and end when they are told to."""

from dataclasses import replace
from statistics import median

import pytest

from agentflow.testing import Episode, Faulty, FaultyModel, Latency, Limit, Outcome, Provider, Request, by_marker
from agentflow.testing.spec import WireFaults
from tests.testing.test_law import N, near

ASK = Request(model="m", text="[case:1] ?", variant=5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def provider(spec: FaultyModel, clock: Clock | None = None) -> Provider:
    return Provider(
        Faulty(seed=5, models={"m": spec}), by_marker(lambda case: {"value": int(case)}), clock=clock or Clock()
    )


def test_wire_faults_come_at_their_rates():
    rates = dict.fromkeys(WireFaults.model_fields, 0.04)
    the = provider(FaultyModel(wire=WireFaults(**rates)))
    for i in range(N):
        the.send(replace(ASK, variant=i))
    assert all(near(the.calls["m"][name], 0.04, N) for name in rates)
    assert the.calls["m"]["sends"] == N


def test_the_same_prompt_sent_again_has_a_fate_of_its_own_but_the_same_answer():
    the = provider(FaultyModel(error=0.5, wire=WireFaults(rate_limited=0.5)))
    sent = [the.send(ASK) for _ in range(100)]
    assert 30 < sum(answered.status == 429 for answered in sent) < 70
    assert len({answered.reply.content for answered in sent if answered.reply}) == 1


def test_a_run_can_be_had_again():
    the = provider(FaultyModel(error=0.5, wire=WireFaults(server_error=0.3)))
    first = [the.send(ASK) for _ in range(50)]
    the.reset()
    assert [the.send(ASK) for _ in range(50)] == first


def test_at_temperature_zero_an_answer_repeats_and_above_it_does_not():
    the = provider(FaultyModel(error=1, wrong_values=1000))
    cold = {the.send(ASK).reply.content for _ in range(20)}
    warm = {the.send(replace(ASK, temperature=0.7)).reply.content for _ in range(20)}
    assert len(cold) == 1
    assert len(warm) > 15


def test_a_seed_is_a_draw_of_its_own_that_repeats():
    the = provider(FaultyModel(error=1, wrong_values=1000))
    said = [the.send(replace(ASK, temperature=0.7, seed=seed)).reply.content for seed in (1, 1, 2, 3)]
    assert said[0] == said[1]
    assert len(set(said)) == 3


def test_a_paraphrase_is_a_draw_of_its_own():
    the = provider(FaultyModel(error=1, wrong_values=1000))
    assert len({the.send(replace(ASK, variant=variant)).reply.content for variant in range(20)}) > 15


def test_what_limits_the_rate_says_when_to_come_again():
    answered = provider(FaultyModel(wire=WireFaults(rate_limited=1), retry_after=7)).send(ASK)
    assert (answered.status, answered.retry_after, answered.reply) == (429, 7, None)


@pytest.mark.parametrize(("kind", "status"), [("down", 503), ("silent", 200), ("unreachable", 200)])
def test_an_outage_lasts_from_one_request_to_another(kind, status):
    the = provider(FaultyModel(episodes=[Episode(kind=kind, requests=(3, 6))]))
    sent = [the.send(ASK) for _ in range(8)]
    assert [answered.reply is None for answered in sent] == [False] * 3 + [True] * 3 + [False] * 2
    assert sent[4].status == status
    assert the.calls["m"][kind] == 3


def test_an_outage_lasts_from_one_second_to_another():
    clock = Clock()
    the = provider(FaultyModel(episodes=[Episode(seconds=(20, 40))]), clock)
    seen = []
    for second in (0, 19, 20, 39, 40):
        clock.now = 100 + second
        seen.append(the.send(ASK).status)
    assert seen == [200, 200, 503, 503, 200]


def test_a_model_can_talk_nonsense_for_a_while():
    the = provider(FaultyModel(episodes=[Episode(kind="nonsense", requests=(0, 2))]))
    said = [the.send(ASK).reply for _ in range(3)]
    assert [reply.outcome for reply in said] == [Outcome.DETECTABLE, Outcome.DETECTABLE, Outcome.RIGHT]
    assert "{" not in (said[0].content or "")


def test_latency_is_lognormal_with_stragglers():
    the = provider(FaultyModel(latency=Latency(median=2, sigma=0.4, stragglers=0.05, straggler=(10, 40))))
    seconds = [the.send(replace(ASK, variant=i)).seconds for i in range(4000)]
    assert near(sum(s >= 10 for s in seconds), 0.05, 4000)
    quick = sorted(s for s in seconds if s < 10)
    assert median(quick) == pytest.approx(2, rel=0.04)
    assert quick[int(len(quick) * 0.8413)] == pytest.approx(2 * 2.71828**0.4, rel=0.05)


def test_a_slow_while_is_slower():
    spec = FaultyModel(latency=Latency(median=1), episodes=[Episode(kind="slow", requests=(0, 1), factor=10)])
    slow = provider(spec).send(ASK).seconds
    assert slow == pytest.approx(10 * provider(spec.model_copy(update={"episodes": []})).send(ASK).seconds)


def test_a_server_that_is_full_refuses_and_recovers():
    clock = Clock()
    the = provider(FaultyModel(limit=Limit(per_second=10, queue=1)), clock)
    assert [the.send(ASK).status for _ in range(12)] == [200] * 10 + [429] * 2
    clock.now += 1
    assert the.send(ASK).status == 200


def test_an_answer_longer_than_it_may_be_is_cut():
    reply = provider(FaultyModel()).send(replace(ASK, max_tokens=2)).reply
    assert (reply.finish, reply.tokens_out, len(reply.content or "")) == ("length", 2, 8)


def test_an_unknown_model_or_case_is_an_error_in_words():
    with pytest.raises(LookupError, match="no model x; there are m"):
        provider(FaultyModel()).send(replace(ASK, model="x"))
    with pytest.raises(LookupError, match="knows no case"):
        provider(FaultyModel()).send(replace(ASK, text="no marker"))
