"""Whatever models say, a step ends, keeps to its limits, and lets nothing out that a check refuses."""

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentflow import Problem
from agentflow.engine.trust import Accepted, Doubted
from agentflow.errors import AnswerError, BudgetError, DeadlineError, ModelError
from agentflow.testing import FakeModel, FakeModels, MemoryJournal
from tests.engine.desk import Total, do, row

FAULTS = ["refused", "content_filter", "truncated", "empty", "not_json", "wrong_form", "too_many_calls"]
ANSWERS = st.one_of(
    st.integers(-3, 3).map(lambda value: {"value": value}),
    st.sampled_from(FAULTS).map(lambda code: AnswerError("no", code=code)),
    st.sampled_from([ModelError("gone"), ModelError("busy", status=503), BudgetError("none"), DeadlineError("none")]),
)
SCRIPTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(ANSWERS, min_size=20, max_size=20), max_size=3)
POLICIES = st.fixed_dictionaries(
    {
        "ladder": st.permutations(["a", "b", "c"]).map(tuple),
        "alpha": st.sampled_from([None, 0.3, 0.08, 0.01]),
        "max_attempts": st.sampled_from([None, 1, 3]),
        "feedback": st.booleans(),
        "pooled": st.booleans(),
        "patience": st.just(0.0),
    }
)


def small_and_positive(total: Total) -> list[Problem]:
    return [Problem(code="bad", message="out of range", path="value")] if not 0 <= total.value < 3 else []


@settings(max_examples=300, deadline=None)
@given(SCRIPTS, POLICIES)
def test_a_step_always_ends_within_its_limits_and_lets_out_only_what_its_checks_and_its_bar_allow(
    scripts: dict[str, list[Any]], policy: dict[str, Any]
):
    models = FakeModels(**{role: FakeModel(*said) for role, said in scripts.items()})
    journal, step = MemoryJournal(), row(checks=[small_and_positive], **policy)
    verdict = asyncio.run(do(step, models, journal))
    most = step.policy.most
    assert all(len(model.asked) <= most for model in models.models.values())
    assert [line.number for line in journal.attempts] == list(range(1, len(journal.attempts) + 1))
    if isinstance(verdict, Accepted):
        assert not small_and_positive(verdict.made)
        said = [answer for script in scripts.values() for answer in script if isinstance(answer, dict)]
        assert {"value": verdict.made.value} in said
        assert [line.accepted for line in journal.attempts][-1:] == [True]
        if step.policy.alpha is not None and not step.policy.pooled:
            assert all(trust >= 1 - step.policy.alpha for trust in verdict.trust.values())
    else:
        assert isinstance(verdict, Doubted)
        assert verdict.reasons
        assert not any(line.accepted for line in journal.attempts)


@settings(max_examples=50, deadline=None)
@given(SCRIPTS, POLICIES)
def test_the_same_answers_lead_to_the_same_verdict(scripts: dict[str, list[Any]], policy: dict[str, Any]):
    def verdict() -> Any:
        models = FakeModels(**{role: FakeModel(*said) for role, said in scripts.items()})
        return asyncio.run(do(row(checks=[small_and_positive], **policy), models))

    assert verdict() == verdict()
