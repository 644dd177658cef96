"""Sources of live jobs that have become worse are found, and those that are as they were are left alone."""

import random

from agentflow.exams.drift import Seen
from agentflow.exams.live_drift import WARM, WAYS, Watching, watched


def test_audits_that_find_more_errors_than_promised_find_a_drift():
    worse = watched("read", "small", [Seen(wrong=n % 4 == 0) for n in range(200)], 0.02)
    assert worse.drifted
    assert "50 of 200 audited were wrong" in worse.why
    assert not watched("read", "small", [Seen(wrong=False) for _ in range(200)], 0.02).drifted


def test_checks_that_object_more_often_than_in_the_beginning_find_a_drift():
    rng = random.Random(1)
    begun = [Seen(objected=rng.random() < 0.05) for _ in range(WARM)]
    same, more = ([Seen(objected=rng.random() < share) for _ in range(3000)] for share in (0.05, 0.15))
    assert not watched("read", "small", [*begun, *same], None).drifted
    assert watched("read", "small", [*begun, *more], None).drifted


def test_a_source_is_not_watched_by_its_checks_before_it_is_known():
    assert not watched("read", "small", [Seen(objected=True)] * WARM, None).drifted


def objecting(counts: list[tuple[int, float]]) -> list[float | None]:
    """What is taken for the share that checks object to, after each stretch of answers at a rate."""
    watching, told, seen = Watching(None), list[float | None](), 0.0
    for count, share in counts:
        for _ in range(count):
            seen += share
            watching.see(Seen(objected=seen >= 1))
            seen -= seen >= 1
        told.append(watching.objecting)
    return told


def test_the_longer_a_source_is_as_it_was_the_better_its_rate_is_known():
    first, later = objecting([(WARM, 0.05), (15 * WARM, 0.05)])
    assert first is not None
    assert later is not None
    assert first > 0.07
    assert 0.05 < later < 0.06


def test_what_has_risen_is_never_taken_for_the_rate_that_it_rose_from():
    before, after = objecting([(WARM, 0.05), (WARM, 0.5)])
    assert after == before


def test_little_of_audits_and_little_of_checks_find_together_what_neither_finds_alone():
    rng = random.Random(3)
    begun = [Seen(objected=rng.random() < 0.05) for _ in range(8 * WARM)]
    risen = [(rng.random() < 0.05, rng.random() < 0.09) for _ in range(500)]
    both = [Seen(wrong=None if said else wrong, objected=said) for wrong, said in risen]
    audits, checks = [Seen(wrong=each.wrong) for each in both], [Seen(objected=each.objected) for each in both]
    assert watched("read", "small", [*begun, *both], 0.02).drifted
    assert not watched("read", "small", [*begun, *audits], 0.02).drifted
    assert not watched("read", "small", [*begun, *checks], 0.02).drifted


def test_what_says_nothing_of_a_way_adds_nothing_to_its_sum():
    watching = Watching(0.02)
    for _ in range(50):
        watching.see(Seen(objected=False))
    assert watching.sums == [0.0] * len(WAYS)
