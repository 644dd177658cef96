"""A source that has become worse is found, and one that has not is left alone."""

import random
from itertools import product

import pytest

from agentflow.engine.trust.figures import FieldFigures, Figures, Rate, SourceFigures, StepFigures
from agentflow.exams.drift import WORSE, Base, Seen, Watch, demoted, takes, widened

CHECKED = Base(0.05, catch=0.5, alarm=0.02)


def run(watch: Watch, error: float, cases: int, *, seed: int = 1, audits: float = 0.1) -> Watch:
    """After so many answers, a share of those that no check objects to audited."""
    rng, base = random.Random(seed), watch.base
    for _ in range(cases):
        wrong = rng.random() < error
        objected = rng.random() < (base.catch if wrong else base.alarm)
        looked = not objected and rng.random() < audits
        watch = watch.after(Seen(wrong if looked else None, objected if base.catch else None))
    return watch


@pytest.mark.parametrize(("base", "audits"), [*product([CHECKED, Base(0.2, 0.9, 0.01), Base(0.01)], [0.1, 1.0])])
def test_while_nothing_has_changed_a_sum_grows_by_one_a_case_in_the_mean(base: Base, audits: float):
    """What bounds false demotions: each way's likelihood ratio has the mean 1, whichever answers are audited."""
    means = [0.0] * 2 * len(WORSE)
    for wrong, objected, looked in product([True, False], [True, False], [True, False]):
        speaks = base.catch > 0
        chance = (base.error if wrong else 1 - base.error) * (audits if looked else 1 - audits)
        if speaks:
            caught = base.catch if wrong else base.alarm
            chance *= caught if objected else 1 - caught
        elif objected:
            continue
        seen = Seen(wrong if looked and not objected else None, objected if speaks else None)
        for place, total in enumerate(Watch(base).after(seen).sums):
            means[place] += chance * total
    assert means == pytest.approx([1.0] * len(means))


def test_a_source_that_errs_twice_as_often_is_found():
    watch = run(Watch(CHECKED), 0.05, 2000)
    assert not watch.drifted
    worse = run(watch, 0.10, 2500, seed=2)
    assert worse.drifted
    assert worse.audited - watch.audited <= 300


def test_errors_that_checks_do_not_see_are_found_by_the_audits():
    watch, rng = Watch(CHECKED), random.Random(4)
    for _ in range(4000):
        objected, wrong = rng.random() < CHECKED.objects(), rng.random() < 0.08
        looked = not objected and rng.random() < 0.1
        watch = watch.after(Seen(wrong if looked else None, objected))
    assert watch.drifted


def test_a_source_that_becomes_better_is_no_drift():
    assert run(Watch(CHECKED), 0.01, 5000).evidence < 0.5


def test_once_found_a_drift_stays_found():
    watch = run(Watch(CHECKED), 0.5, 500)
    assert run(watch, 0.0, 3000).drifted


def test_answers_of_which_nothing_is_known_say_nothing_of_errors():
    watch = Watch(Base(0.05))
    for _ in range(1000):
        watch = watch.after(Seen())
    assert watch.sums == (1000,) * len(watch.sums)
    assert (watch.cases, watch.audited) == (1000, 0)


def test_smaller_drifts_take_more_audits_and_none_at_all_are_never_found():
    small, large = takes(CHECKED, 0.08), takes(CHECKED, 0.15)
    assert small is not None
    assert large is not None
    assert small > 3 * large
    assert takes(CHECKED, 0.05) is None


def test_a_rate_of_zero_is_no_base():
    with pytest.raises(ValueError, match="1 / n"):
        Base(0.0)


def test_a_demoted_source_is_asked_last():
    assert demoted(("student", "small", "frontier"), ["student"]) == ("small", "frontier", "student")
    assert demoted(("only",), ["only"]) == ("only",)


def test_a_demoted_source_is_weighed_by_its_prior_alone():
    counted = SourceFigures(systematic=Rate(hits=3, misses=297))
    field = FieldFigures(sources={"small": counted, "large": counted}, shared={"large|small": Rate(hits=1, misses=9)})
    figures = Figures(steps={"read": StepFigures(every=field, fields={"total": field})})
    wide = widened(figures, "read", ["small"]).steps["read"]
    for each in (wide.every, wide.fields["total"]):
        assert each.sources == {"small": SourceFigures(), "large": counted}
        assert each.shared == field.shared
    assert widened(figures, "other", ["small"]) is figures
