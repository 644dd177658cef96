"""The benchmarks of exams hold at a size that fits the tests, with fixed seeds."""

from tests.benchmarks import exam, recovery, regression


def test_an_exam_of_six_candidates_runs_scores_and_reports_and_pays_for_nothing_twice():
    metrics, text = exam.measured(4, 1)
    found = {metric.name: metric.value for metric in metrics}
    assert found["runs"] == 6 * 4 * exam.TRIALS
    assert found["sends of the same exam again"] == 0
    assert "<svg" in text


def test_a_planted_regression_is_found_and_chance_alone_raises_few_alarms():
    found = {metric.name: metric.value for metric in regression.measured(30, 1)}
    assert found["silent errors 10 -> 13 % are found"] >= 0.6
    assert found["no difference"] <= 0.2


def test_planted_rates_are_recovered():
    metrics = recovery.covered("common", 12, 1)
    assert min(metric.value for metric in metrics) >= 8 / 12
